#include "encode_tool.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "data.h"
#include "latencast/error.h"

namespace latencast {
namespace {

// A space's listed proxies. NAS-Bench-201's table names cells by their index and has the three data sets
// beside each other; the measurements are of CIFAR-10.
ProxyList read_proxies(const std::filesystem::path& data, const Space& space) {
  const bool nb201 = space.size() > 0;
  const CsvTable csv = read_csv((data / space.id() / "zcp13.csv").string());
  const std::size_t name = csv.column(nb201 ? "nb201_index" : "arch");
  constexpr double kMissing = -1e8;
  ProxyList list;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    list.architectures.push_back(space.parse(csv.rows[row][name]));
    list.proxies.emplace_back();
    for (std::size_t i = 0; i < kProxies.size(); ++i) {
      const double value = csv.number(row, csv.column((nb201 ? "cifar10_" : "") + std::string(kProxies[i])));
      list.proxies.back()[i] = value == kMissing ? std::nan("") : value;
    }
  }
  return list;
}

}  // namespace

void EncodeCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("encode", "Arch2Vec, CATE and zero-cost proxies of architectures");
  command->require_subcommand(1);

  auto* of_training = command->add_subcommand("train", "train the encoders of a space");
  of_training->add_option("--space", training.space, "search space")->capture_default_str();
  of_training->add_option("--data", data, "directory with SPACE/zcp13.csv")->required();
  of_training->add_option("--out", out, "file to write")->required();
  of_training->add_option("--pool", training.pool, "architectures to learn from")->capture_default_str();
  of_training->add_option("--arch2vec-epochs", training.arch2vec_epochs)->capture_default_str();
  of_training->add_option("--cate-epochs", training.cate_epochs)->capture_default_str();
  of_training->add_option("--surrogate-epochs", training.surrogate_epochs)->capture_default_str();
  of_training->add_option("--seed", training.seed)->capture_default_str();
  of_training->callback([this] { train(); });

  auto* of_printing = command->add_subcommand("print", "encodings as CSV");
  of_printing->add_option("--encoder", encoder, "file made by `encode train`")->required();
  of_printing->add_option("--encoding", encoding, "arch2vec, cate, zcp or caz")->capture_default_str();
  of_printing->add_option("architectures", architectures)->required();
  of_printing->callback([this] { print(); });
}

void EncodeCommand::train() const {
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const ProxyList listed = read_proxies(data, space(training.space));
  const TrainedEncoder trained =
      train_encoder(training, listed, [&](const char* part, int epoch, int epochs, double loss) {
        std::fprintf(stderr, "%s: epoch %d of %d, loss %.5f, %.0f s so far\n", part, epoch, epochs, loss,
                     passed());
      });
  write_file(out, trained.encoder.write());
  const EncoderReport& report = trained.report;
  std::printf("held back: arch2vec rebuilds %.4f of operations, %.4f of edges\n", report.arch2vec.operations,
              report.arch2vec.edges);
  std::printf("cate finds %.4f of hidden operations by a neighbour, %.4f by itself\n", report.cate.right,
              report.cate_itself.right);
  for (int c = 0; c < kComputedCount; ++c)
    std::printf("%-10s %.4f\n",
                kProxies[static_cast<std::size_t>(kComputedProxies[static_cast<std::size_t>(c)])],
                report.proxies[static_cast<std::size_t>(c)]);
}

void EncodeCommand::print() const {
  const Encoder read = Encoder::read(read_file(encoder));
  const Encoding which = encoding_from_name(encoding);
  std::vector<Architecture> asked;
  for (const auto& text : architectures) asked.push_back(read.space().parse(text));
  const auto values = read.encode(which, asked);
  const auto width = static_cast<std::size_t>(width_of(which));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    std::printf("%s", asked[i].c_str());
    for (std::size_t c = 0; c < width; ++c) std::printf(",%.6g", static_cast<double>(values[i * width + c]));
    std::printf("\n");
  }
}

}  // namespace latencast
