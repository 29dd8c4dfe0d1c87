#include "kernels_evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "data.h"
#include "kernel_data.h"
#include "kernels_pool.h"
#include "kernels_target.h"
#include "latencast/error.h"
#include "latencast/fleet.h"
#include "latencast/rng.h"
#include "ncnn_benchmark.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr const char* kBayes = "bayes";
constexpr const char* kFlops = "flops";

// A model for which a fleet's platforms were decomposed. A .param that leaves the image's size open has that
// of the known model of its name.
Model read_for(const Fleet& fleet, const std::string& path) {
  const std::string bytes = read_file(path);
  const std::string name = std::filesystem::path(path).stem().string();
  for (const KnownModel& known : fleet.models())
    if (known.name == name) return read_open_param(bytes, known.input);
  return read_model(bytes);
}

// Columns `model`, a path relative to the table's folder or absolute, and `latency_ms`; rows without a
// latency count for nothing.
std::vector<ModelMeasurement> read_models(const std::string& path, const Fleet& fleet) {
  const CsvTable csv = read_csv(path);
  const std::size_t model = csv.column("model"), latency = csv.column("latency_ms");
  const auto folder = std::filesystem::path(path).parent_path();
  const std::string& family = fleet.platforms().front().family;
  std::vector<ModelMeasurement> all;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    const std::string& text = csv.rows[row][latency];
    if (text.empty()) continue;
    const double value = csv.number(row, latency);
    if (!std::isfinite(value) || value <= 0)
      throw Error(ErrorCode::measurement,
                  csv.place(row) + ": found latency " + text + " ms; expected a finite, positive number");
    try {
      all.push_back({decompose(read_for(fleet, (folder / csv.rows[row][model]).string()), family), value});
    } catch (const Error& error) {
      throw Error(error.code(), csv.place(row) + ": " + error.what());
    }
  }
  return all;
}

struct Estimates {
  std::vector<double> latency_ms;
  std::vector<Belief::Interval> intervals = {};  ///< empty where the method states none
};

// As many ms per multiply-add as the measured ones take.
Estimates by_flops(const std::vector<ModelMeasurement>& measured,
                   const std::vector<ModelMeasurement>& asked) {
  double log_rate = 0;
  for (const ModelMeasurement& one : measured)
    log_rate += std::log(one.latency_ms / double(one.model.macs())) / double(measured.size());
  Estimates estimates;
  for (const ModelMeasurement& one : asked)
    estimates.latency_ms.push_back(std::exp(log_rate) * double(one.model.macs()));
  return estimates;
}

json evaluate_seed(const Fleet& fleet, const std::vector<ModelMeasurement>& all, const std::string& name,
                   const EvaluateOptions& options, std::uint64_t seed) {
  Rng rng(seed * 1000003 + 17);
  const auto chosen = rng.choose(all.size(), options.samples);
  std::vector<bool> is_measured(all.size(), false);
  for (const std::size_t i : chosen) is_measured[i] = true;
  std::vector<ModelMeasurement> measured, rest;
  for (std::size_t i = 0; i < all.size(); ++i) (is_measured[i] ? measured : rest).push_back(all[i]);
  std::vector<double> truth;
  for (const ModelMeasurement& one : rest) truth.push_back(one.latency_ms);
  const double start = cpu_seconds();
  double adapted = start;
  Estimates estimates;
  if (options.method == kFlops) {
    estimates = by_flops(measured, rest);
  } else {
    const PlatformModel platform = fleet.adapt(measured);
    adapted = cpu_seconds();
    for (const ModelMeasurement& one : rest) {
      const ModelEstimate estimate = platform.estimate(one.model);
      estimates.latency_ms.push_back(estimate.latency_ms);
      estimates.intervals.push_back({estimate.low_ms, estimate.latency_ms, estimate.high_ms});
    }
  }
  const double done = cpu_seconds();
  return {{"targets", {{name, score(estimates.latency_ms, truth, estimates.intervals)}}},
          {"seconds",
           {{"transfer", adapted - start}, {"predict_1000", 1000 * (done - adapted) / double(rest.size())}}},
          {"architectures_scored", rest.size()}};
}

void print_figures(const json& result) {
  for (const char* figure : {"spearman", "kendall", "mdape", "within5", "within10", "coverage90"})
    if (result.at(figure).at("mean").is_number())
      std::printf("%-10s %.3f +- %.3f\n", figure, result.at(figure).at("mean").get<double>(),
                  result.at(figure).at("std").get<double>());
}

}  // namespace

KernelsEvaluateCommand::KernelsEvaluateCommand() {
  options.method = kBayes;
  options.samples = 10;
}

void KernelsEvaluateCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("evaluate", "accuracy on a platform measured little");
  auto* with_models =
      command->add_option("--models", models, "CSV with the columns model, a path, and latency_ms");
  auto* with_target = command->add_option(
      "--target", target, "CSV with the columns kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms");
  with_models->excludes(with_target);
  command->add_option("--pool", pool, "folder of the pool for --target")
      ->capture_default_str()
      ->needs(with_target);
  command->add_option("--perceptrons", perceptrons, "folder of those learnt for --method litepred")
      ->needs(with_target);
  command->add_option("--epochs", perceptron.tuning_epochs, "of perceptrons on the target's timings")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->needs(with_target);
  command->add_option("--samples", options.samples, "measurements to adapt to")->capture_default_str();
  command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--weights", weights, "fleet of known platforms for --models")
      ->capture_default_str()
      ->needs(with_models);
  std::vector<std::string> methods = kernel_methods();
  methods.insert(methods.end(), {kBayes, kFlops});
  auto* with_method = command->add_option("--method", options.method)->check(CLI::IsMember(methods));
  with_method->capture_default_str();
  command->add_flag("--json", as_json, "print JSON");
  command->callback([this, with_method] {
    if (models.empty() == target.empty()) throw CLI::RequiredError("--models or --target");
    if (!target.empty() && with_method->count() == 0) options.method = kernel_methods().front();
    if (target.empty())
      run();
    else
      run_on_kernels();
  });
}

void KernelsEvaluateCommand::run_on_kernels() const {
  KernelProtocol protocol;
  protocol.method = options.method;
  protocol.samples = options.samples;
  protocol.seeds = seeds;
  protocol.perceptron = perceptron;
  protocol.perceptron.epochs = perceptron.tuning_epochs;
  if (protocol.method == "litepred" && perceptrons.empty())
    throw Error(ErrorCode::argument, "evaluate: litepred needs --perceptrons");
  const auto timings = read_timings(target);
  const json result = evaluate_kernels(
      timed_so(read_pool(pool), Timed::alone), timings, protocol,
      perceptrons.empty() ? std::vector<PerceptronPlatform>{} : read_perceptrons(perceptrons));
  if (as_json) {
    std::cout << result.dump(2) << "\n";
    return;
  }
  std::printf("%zu kernels, %zu measured, %s\n", timings.size(), options.samples, options.method.c_str());
  print_figures(result);
}

void KernelsEvaluateCommand::run() const {
  if (options.method != kBayes && options.method != kFlops)
    throw Error(ErrorCode::argument, "evaluate: " + options.method + " is a method for --target");
  const Fleet fleet(read_file(weights));
  const auto all = read_models(models, fleet);
  if (all.size() < options.samples + 2)
    throw Error(ErrorCode::argument, models + ": has " + std::to_string(all.size()) + " measured models; " +
                                         std::to_string(options.samples) + " samples need at least two more");
  std::vector<json> figures;
  for (int seed = 0; seed < seeds; ++seed)
    figures.push_back(evaluate_seed(fleet, all, models, options, static_cast<std::uint64_t>(seed)));
  json result = summary(options, figures);
  result["models_scored"] = result.at("architectures_scored");
  result.erase("architectures_scored");
  if (as_json) {
    std::cout << result.dump(2) << "\n";
    return;
  }
  std::printf("%zu models, %zu measured, %s\n", all.size(), options.samples, options.method.c_str());
  print_figures(result);
}

}  // namespace latencast
