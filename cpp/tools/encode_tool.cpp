#include "encode_tool.h"

#include <Eigen/Cholesky>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "data.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "layers.h"

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

// R^2 of y on the second half of the rows, by a ridge fitted to the first. x: (y.size(), width)
double explained(const Matrix<float>& columns, const Eigen::VectorXd& y) {
  const Eigen::Index n = columns.rows(), half = n / 2;
  Eigen::MatrixXd x(n, columns.cols() + 1);
  x << columns.cast<double>(), Eigen::VectorXd::Ones(n);
  constexpr double kRidge = 1e-3;
  const Eigen::MatrixXd squares =
      x.topRows(half).transpose() * x.topRows(half) + kRidge * Eigen::MatrixXd::Identity(x.cols(), x.cols());
  const Eigen::VectorXd weights = squares.ldlt().solve(x.topRows(half).transpose() * y.head(half));
  const Eigen::VectorXd rest = y.tail(n - half);
  return 1 - (rest - x.bottomRows(n - half) * weights).squaredNorm() /
                 (rest.array() - rest.mean()).square().sum();
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

  auto* of_computing =
      command->add_subcommand("proxies", "zero-cost proxies computed on the networks themselves");
  of_computing->add_option("--space", training.space, "search space")->capture_default_str();
  of_computing->add_option("--data", data, "directory with SPACE/zcp13.csv to compare with");
  of_computing->add_option("--count", count, "architectures drawn")->capture_default_str();
  of_computing->add_option("--out", out, "file to write, like SPACE/zcp13.csv");
  of_computing->add_option("--batch", proxies.batch, "images of noise")->capture_default_str();
  of_computing->add_option("--shrink", proxies.shrink, "divides the image's side")->capture_default_str();
  of_computing->add_option("--seed", training.seed)->capture_default_str();
  of_computing->callback([this] { compute(); });

  auto* of_explaining =
      command->add_subcommand("explain", "how much of MACs and parameters a ridge finds in encodings");
  of_explaining->add_option("--encoder", encoder, "file made by `encode train`")->required();
  of_explaining->add_option("--count", count, "architectures drawn")->capture_default_str();
  of_explaining->callback([this] { explain(); });

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

void EncodeCommand::compute() const {
  const Space& space = latencast::space(training.space);
  Rng rng(training.seed);
  ProxyList listed;
  if (!data.empty()) {
    const ProxyList all = read_proxies(data, space);
    for (const std::size_t i :
         rng.choose(all.architectures.size(), std::min(count, all.architectures.size()))) {
      listed.architectures.push_back(all.architectures[i]);
      listed.proxies.push_back(all.proxies[i]);
    }
  } else {
    while (listed.architectures.size() < count) listed.architectures.push_back(space.random(rng));
  }

  std::string csv = "arch";
  for (const char* name : kProxies) csv += std::string(",") + name;
  csv += "\n";
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::array<double, kProxyCount>> computed;
  for (const auto& architecture : listed.architectures) {
    ProxyOptions options = proxies;
    options.seed = rng.bits();
    computed.push_back(compute_proxies(space, architecture, options));
    csv += architecture;
    for (const double value : computed.back()) {
      char text[32] = ",";
      if (!std::isnan(value)) std::snprintf(text, sizeof text, ",%.9g", value);
      csv += text;
    }
    csv += "\n";
    if (!out.empty() && computed.size() % 50 == 0)
      std::fprintf(stderr, "%zu architectures\n", computed.size());
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  if (!out.empty()) write_file(out, csv);
  std::printf("%.3f s an architecture\n", passed.count() / double(computed.size()));
  for (std::size_t p = 0; p < kProxies.size() && !data.empty(); ++p) {
    std::vector<double> found, truth;
    for (std::size_t i = 0; i < computed.size(); ++i) {
      if (std::isnan(computed[i][p]) || std::isnan(listed.proxies[i][p])) continue;
      found.push_back(computed[i][p]);
      truth.push_back(listed.proxies[i][p]);
    }
    if (!found.empty()) std::printf("%-10s %.4f\n", kProxies[p], spearman(found, truth));
  }
}

void EncodeCommand::explain() const {
  const Encoder read = Encoder::read(read_file(encoder));
  const Space& space = read.space();
  Rng rng(training.seed);
  std::vector<Architecture> drawn;
  while (drawn.size() < count) drawn.push_back(space.random(rng));
  const auto n = static_cast<Eigen::Index>(count);
  Eigen::VectorXd macs(n), params(n);
  Matrix<float> counts = Matrix<float>::Zero(n, static_cast<Eigen::Index>(space.op_names().size()));
  for (Eigen::Index i = 0; i < n; ++i) {
    const Architecture& architecture = drawn[static_cast<std::size_t>(i)];
    macs(i) = std::log(double(space.macs(architecture)));
    params(i) = std::log(double(space.params(architecture)));
    for (const auto op : space.graph(architecture).op) ++counts(i, op);
  }
  const auto line = [&](const char* name, const Matrix<float>& columns) {
    std::printf("%-20s R^2 %.4f of log MACs, %.4f of log parameters\n", name, explained(columns, macs),
                explained(columns, params));
  };
  for (const Encoding one : {Encoding::arch2vec, Encoding::cate}) {
    const auto values = read.encode(one, drawn);
    line(name_of(one), ConstMatrixMap<float>(values.data(), n, width_of(one)));
  }
  line("counts of operations", counts);
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
