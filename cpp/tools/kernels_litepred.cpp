#include "kernels_litepred.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "jobs.h"
#include "kernel_samples.h"
#include "kernels_sample.h"
#include "kernels_target.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "markdown.h"
#include "measured.h"

namespace latencast {
namespace {

const std::vector<std::string> kTables = {"litepred-divergence", "litepred-samples", "litepred-perceptron"};
constexpr std::size_t kCompared = 10000;  // configurations in a histogram
constexpr std::size_t kScored = 1000;

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

std::vector<double> latencies(const std::vector<KernelTiming>& timings) {
  std::vector<double> values;
  for (const KernelTiming& one : timings) values.push_back(one.latency_ms);
  return values;
}

// Median errors on networks' kernels of predictors that learnt from one kind of configurations.
struct Learnt {
  double ours, perceptron;
};

Learnt learn_from(const std::vector<KernelTiming>& timings, const std::vector<KernelTiming>& asked,
                  const PerceptronOptions& options) {
  std::vector<KernelShape> kernels;
  for (const KernelTiming& one : asked) kernels.push_back(one.kernel);
  std::vector<double> ours;
  for (const KernelEstimate& one : adapt({}, timings).estimate(kernels)) ours.push_back(one.latency_ms);
  const auto truth = latencies(asked);
  return {mdape(ours, truth), mdape(KernelPerceptron(timings, options).latency_ms(kernels), truth)};
}

// Invented configurations against random ones, as many of each, as all that a predictor learns from.
std::string samples(const KernelsLitePredCommand& command) {
  const auto measured = read_measured(command.measured, Timed::alone).platforms;
  struct Job {
    const MeasuredPlatform* from;
    KernelType type;
    std::size_t count = 0, scored = 0;
    Learnt invented{}, random{};
  };
  std::vector<Job> jobs;
  for (const MeasuredPlatform& one : measured)
    for (const KernelType type : {KernelType::conv, KernelType::dwconv}) jobs.push_back({&one, type});
  run_jobs("samplers", jobs.size(), command.threads, [&](std::size_t j) {
    Job& job = jobs[j];
    std::map<std::string, std::vector<KernelTiming>> by_origin;
    const auto& timings = job.from->timings;
    for (std::size_t i = 0; i < timings.size(); ++i)
      if (timings[i].kernel.type == job.type) by_origin[job.from->origins[i]].push_back(timings[i]);
    auto &invented = by_origin["vae"], &random = by_origin["random"], &real = by_origin["real"];
    job.count = std::min(invented.size(), random.size());
    job.scored = real.size();
    if (job.count < 2 || real.empty()) return;
    invented.resize(job.count);
    random.resize(job.count);
    job.invented = learn_from(invented, real, command.perceptron);
    job.random = learn_from(random, real, command.perceptron);
  });
  std::vector<Cells> rows;
  std::map<KernelType, std::vector<const Job*>> of_type;
  const auto add_row = [&](const std::string& platform, const Job& job) {
    Cells row = {platform, name(job.type), std::to_string(job.count), std::to_string(job.scored)};
    for (const auto& [invented, random] : {std::pair(job.invented.ours, job.random.ours),
                                           std::pair(job.invented.perceptron, job.random.perceptron)})
      row.insert(row.end(), {number(invented), number(random), number(1 - invented / random)});
    rows.push_back(row);
  };
  for (const Job& job : jobs) {
    if (!(job.random.ours > 0)) continue;
    add_row(job.from->entry.id, job);
    of_type[job.type].push_back(&job);
  }
  for (const auto& [type, own] : of_type) {
    Job mean{nullptr, type};
    for (const Job* job : own) {
      const double share = 1 / double(own.size());
      mean.invented.ours += share * job->invented.ours, mean.random.ours += share * job->random.ours;
      mean.invented.perceptron += share * job->invented.perceptron;
      mean.random.perceptron += share * job->random.perceptron;
      mean.count = job->count, mean.scored = job->scored;
    }
    add_row("mean", mean);
  }
  return markdown({"platform", "kernel", "timings", "scored", "ours: invented", "random", "lower by",
                   "perceptron: invented", "random", "lower by"},
                  rows);
}

// Both ways to adapt, each with and without the platforms of other chips, mean over platforms.
std::string adaptation(const KernelsLitePredCommand& command) {
  if (command.perceptrons.empty())
    throw Error(ErrorCode::argument, "litepred: litepred-perceptron needs --perceptrons");
  const auto measured = read_measured(command.measured, Timed::alone).platforms;
  const auto perceptrons = read_perceptrons(command.perceptrons);
  std::map<std::string, std::string> chip;
  std::vector<std::optional<PoolPlatform>> learnt(measured.size());
  for (const MeasuredPlatform& one : measured) chip[one.entry.id] = one.entry.chip;
  run_jobs("platforms", measured.size(), command.threads,
           [&](std::size_t i) { learnt[i] = learn_platform(measured[i].entry, measured[i].timings); });
  std::vector<PoolPlatform> pool;
  for (const auto& one : learnt) pool.push_back(*one);

  struct Job {
    const MeasuredPlatform* platform;
    KernelProtocol protocol;
    nlohmann::json figures = {};
  };
  std::vector<Job> jobs;
  const std::vector<std::size_t> counts = {20, 100, 500, 2000};
  const std::vector<std::string> methods = {"pool", "alone", "litepred", "perceptron"};
  for (const std::size_t count : counts)
    for (const std::string& method : methods)
      for (const MeasuredPlatform& one : measured)
        if (one.timings.size() > count + kScored / 2)
          jobs.push_back({&one, {method, count, kScored, command.seeds, command.perceptron}});
  run_jobs("adaptations", jobs.size(), command.threads, [&](std::size_t i) {
    const std::string& own = jobs[i].platform->entry.chip;
    std::vector<PerceptronPlatform> others;
    for (const PerceptronPlatform& one : perceptrons)
      if (const auto found = chip.find(one.id()); found != chip.end() && found->second != own)
        others.push_back(one);
    jobs[i].figures =
        evaluate_kernels(without_chip(pool, own), jobs[i].platform->timings, jobs[i].protocol, others);
  });
  std::vector<Cells> rows;
  for (const std::size_t count : counts)
    for (const std::string& method : methods) {
      std::map<std::string, double> mean;
      double seconds = 0, platforms = 0;
      for (const Job& job : jobs) {
        if (job.protocol.samples != count || job.protocol.method != method) continue;
        for (const char* figure : {"mdape", "within5", "within10"})
          mean[figure] += job.figures.at(figure).at("mean").get<double>();
        seconds += job.figures.at("seconds").at("transfer").get<double>();
        platforms += 1;
      }
      if (platforms == 0) continue;
      rows.push_back({std::to_string(count), method, number(platforms, 0), number(mean["mdape"] / platforms),
                      number(mean["within5"] / platforms), number(mean["within10"] / platforms),
                      number(seconds / platforms, 1)});
    }
  return markdown({"timings", "method", "platforms", "median error", "within 5 %", "within 10 %", "seconds"},
                  rows);
}

std::string table(const std::string& name, const KernelsLitePredCommand& command) {
  if (name == kTables[0]) return divergences(command);
  return name == kTables[1] ? samples(command) : adaptation(command);
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
  command->add_option("--measured", measured, "folder of measured platforms")->capture_default_str();
  command->add_option("--perceptrons", perceptrons, "folder that learn-perceptrons wrote of them");
  add_epochs(*command, perceptron);
  command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsLitePredCommand::run() const {
  write_tables(out, tables.empty() ? kTables : tables,
               [&](const std::string& name) { return table(name, *this); });
}

void LearnPerceptronsCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("learn-perceptrons", "LitePred's predictors of a pool's platforms");
  command->add_option("--data", data, "folder of data sets, uncompressed, in place of measured platforms");
  command->add_option("--measured", measured, "folder of what the profiler measured")->capture_default_str();
  command->add_option("--out", out, "folder to write to")->required();
  add_epochs(*command, perceptron);
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void LearnPerceptronsCommand::run() const {
  std::vector<TimedPlatform> platforms;
  if (data.empty())
    for (const MeasuredPlatform& one : read_measured(measured, Timed::alone).platforms)
      platforms.push_back({one.entry, one.timings});
  else
    platforms = read_kernel_data(data);
  if (platforms.empty()) throw Error(ErrorCode::argument, "learn-perceptrons: found no platform to learn");
  std::filesystem::create_directories(out);
  run_jobs("platforms", platforms.size(), threads, [&](std::size_t i) {
    write_perceptrons(out, PerceptronPlatform(platforms[i].entry.id, platforms[i].timings, perceptron));
  });
}

}  // namespace latencast
