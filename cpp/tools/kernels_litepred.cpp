#include "kernels_litepred.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "data.h"
#include "jobs.h"
#include "kernel_data.h"
#include "kernel_samples.h"
#include "kernels_sample.h"
#include "latencast/error.h"
#include "markdown.h"

namespace latencast {
namespace {

const std::vector<std::string> kTables = {"litepred-divergence"};
constexpr std::size_t kCompared = 10000;  // configurations in a histogram

// How far each way to draw configurations is from the ones of networks that it has not seen.
std::string divergences(const KernelsLitePredCommand& command) {
  const auto seen = kernels_of_families(command.networks, 1),
             unseen = kernels_of_families(command.networks, 2);
  std::vector<Cells> rows;
  for (const KernelType type : {KernelType::conv, KernelType::dwconv, KernelType::se}) {
    const auto known = occurring(type, seen);
    const auto other = occurring(type, unseen);
    const auto drawn = [&](const ConfigurationSampler& sampler, std::uint64_t seed) {
      Rng rng(seed);
      std::vector<Configuration> all;
      while (all.size() < kCompared) all.push_back(sampler(rng));
      return all;
    };
    const auto real = drawn(sample_known(other), 3);
    const auto add_row = [&](const char* sampler, const ConfigurationSampler& of) {
      const Divergence found = divergence(type, real, drawn(of, 4));
      Cells row = {name(type), sampler};
      for (std::size_t d = 0; d < kDimensions; ++d) {
        const auto& dimensions = dimensions_of(type);
        const auto at = std::find(dimensions.begin(), dimensions.end(), static_cast<Dimension>(d));
        row.push_back(at == dimensions.end()
                          ? "-"
                          : number(found.of_dimension[static_cast<std::size_t>(at - dimensions.begin())]));
      }
      row.push_back(number(found.joint));
      rows.push_back(row);
    };
    add_row("real", sample_known(known));
    add_row("vae", sample_like(type, known, command.autoencoder));
    add_row("random", sample_at_random(type, known));
  }
  Cells header = {"kernel", "sampler"};
  for (std::size_t d = 0; d < kDimensions; ++d) header.push_back(name(static_cast<Dimension>(d)));
  header.push_back("all together");
  return markdown(header, rows);
}

void add_epochs(CLI::App& command, PerceptronOptions& options) {
  command
      .add_option_function<int>(
          "--epochs", [&options](int epochs) { options.epochs = options.tuning_epochs = epochs; },
          "of perceptrons (LitePred: 350)")
      ->check(CLI::PositiveNumber)
      ->default_val(options.epochs);
}

}  // namespace

void KernelsLitePredCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("litepred", "LitePred's sampler and perceptron beside ours");
  command->add_option("--out", out, "document with markers; printed if absent");
  command->add_option("--tables", tables, "which, of all")->delimiter(',')->check(CLI::IsMember(kTables));
  command->add_option("--networks", networks, "random ones, whose kernels the samplers know")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_options(*command, autoencoder);
  command->callback([this] { run(); });
}

void KernelsLitePredCommand::run() const {
  std::map<std::string, std::string> made;
  for (const std::string& name : tables.empty() ? kTables : tables) made[name] = divergences(*this);
  if (out.empty()) {
    for (const auto& [name, text] : made) std::printf("%s\n\n%s\n", name.c_str(), text.c_str());
    return;
  }
  write_file(out, with_tables(read_file(out), [&](const std::string& name, const std::string& present) {
               return made.count(name) ? made[name] : present;
             }));
}

void LearnPerceptronsCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("learn-perceptrons", "LitePred's predictors of a pool's platforms");
  command->add_option("--data", data, "folder of data sets, uncompressed")->required();
  command->add_option("--out", out, "folder to write to")->required();
  add_epochs(*command, perceptron);
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void LearnPerceptronsCommand::run() const {
  const auto platforms = read_kernel_data(data);
  if (platforms.empty()) throw Error(ErrorCode::argument, "learn-perceptrons: found no platform to learn");
  std::filesystem::create_directories(out);
  run_jobs("platforms", platforms.size(), threads, [&](std::size_t i) {
    write_perceptrons(out, PerceptronPlatform(platforms[i].entry.id, platforms[i].timings, perceptron));
  });
}

}  // namespace latencast
