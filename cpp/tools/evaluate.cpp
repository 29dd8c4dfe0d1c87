#include "evaluate.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>

#include "data.h"
#include "latencast/error.h"
#include "latencast/estimate.h"
#include "latencast/metrics.h"
#include "latencast/posterior.h"
#include "latencast/rng.h"
#include "latencast/sample.h"
#include "simulate.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr const char* kOracle = "latency-oracle";
constexpr const char* kInformative = "informative";

struct Estimates {
  std::vector<double> latency_ms;
  std::vector<Belief> beliefs = {};  ///< empty where the method states none
};
using Estimator = std::function<Estimates(const std::vector<Architecture>&)>;

// A baseline ranks by some score; the same calibration turns it into milliseconds.
Estimator calibrated(const std::vector<Measurement>& measured, const Score& score) {
  std::vector<Architecture> architectures;
  std::vector<double> latency_ms;
  for (const auto& one : measured) {
    architectures.push_back(one.architecture);
    latency_ms.push_back(one.latency_ms);
  }
  const Calibration calibration = calibrate(score(architectures), latency_ms);
  return [calibration, score](const std::vector<Architecture>& asked) {
    auto values = score(asked);
    for (double& value : values) value = calibration.latency_ms(value);
    return Estimates{std::move(values)};
  };
}

TransferOptions transfer_options(const EvaluateOptions& options) {
  return options.method != "finetune-published" ? options.transfer : TransferOptions::published();
}

Estimator make_estimator(const Setting& setting, const Predictor* base, const EvaluateOptions& options,
                         const std::vector<Measurement>& measured, std::uint64_t seed) {
  const std::string& method = options.method;
  if (method == "combined") {
    const Predictor closed =
        estimate(base->has_prior() ? *base : with_prior(*base, setting.prior(base)), measured);
    const auto kept = to_fine_tune_on(closed);
    TransferOptions seeded = options.transfer;
    seeded.seed = seed;
    const Predictor adapted = kept.empty() ? closed : combine(closed, transfer(*base, kept, seeded));
    return [adapted](const std::vector<Architecture>& asked) {
      Estimates estimates{{}, adapted.beliefs(asked)};
      for (const Belief& belief : estimates.beliefs) estimates.latency_ms.push_back(std::exp(belief.mean));
      return estimates;
    };
  }
  if (needs_predictor(method)) {
    TransferOptions seeded = transfer_options(options);
    seeded.seed = seed;
    return [adapted = transfer(*base, measured, seeded)](const std::vector<Architecture>& asked) {
      return Estimates{adapted.latency_ms(asked)};
    };
  }
  if (method == "bayes") {
    const Prior& prior = setting.prior(base);
    std::vector<Architecture> architectures;
    std::vector<double> latency_ms;
    for (const auto& one : measured) {
      architectures.push_back(one.architecture);
      latency_ms.push_back(one.latency_ms);
    }
    const auto posterior = std::make_shared<const Posterior>(
        prior, prior.embed(features_of(*setting.space, architectures)), latency_ms);
    return [&setting, &prior, posterior](const std::vector<Architecture>& asked) {
      Estimates estimates{{}, posterior->predict(prior.embed(features_of(*setting.space, asked)))};
      for (const Belief& belief : estimates.beliefs) estimates.latency_ms.push_back(std::exp(belief.mean));
      return estimates;
    };
  }
  const auto score = [&]() -> Score {
    if (method == "best-source") return by_best_source(setting.sources, measured);
    if (method == "source-ridge") return by_source_ridge(setting.sources, measured);
    if (method == "multipredict") return setting.multipredict().adapt(measured, seed);
    if (method == "flops") return by_macs(*setting.space);
    if (method == "params") return by_params(*setting.space);
    return by_one_hot_ridge(*setting.space, measured);
  };
  return calibrated(measured, score());
}

// One at random from each of `count` equal buckets of the architectures sorted by latency.
std::vector<std::size_t> choose_by_latency(const std::vector<double>& latency_ms, std::size_t count,
                                           std::uint64_t seed) {
  std::vector<std::size_t> order(latency_ms.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return latency_ms[a] < latency_ms[b]; });
  Rng rng(seed);
  std::vector<std::size_t> chosen;
  for (std::size_t bucket = 0; bucket < count; ++bucket) {
    const std::size_t from = bucket * order.size() / count, to = (bucket + 1) * order.size() / count;
    chosen.push_back(order[from + rng.below(to - from)]);
  }
  return chosen;
}

constexpr std::size_t kPool = 100;  // as in suggest()

// Those that the closed form learns most of before anything is measured.
std::vector<std::size_t> choose_informative(const Setting& setting, const Predictor* base, std::size_t count,
                                            std::uint64_t seed) {
  const auto& all = setting.targets.architectures;
  const auto pool = Rng(seed).choose(all.size(), std::min(all.size(), std::max(kPool, count)));
  std::vector<Architecture> candidates;
  for (const std::size_t i : pool) candidates.push_back(all[i]);
  const Prior& prior = setting.prior(base);
  const RowMatrix psi = prior.embed(features_of(*setting.space, candidates));
  std::vector<std::size_t> chosen;
  for (const std::size_t row : Posterior(prior, RowMatrix(0, psi.cols()), {}).next(psi, count).rows)
    chosen.push_back(pool[row]);
  return chosen;
}

struct Figures {
  double spearman, kendall, mdape, within5, within10;
};

struct Figure {
  const char* name;
  double Figures::*value;
};
constexpr const char* kCoverage = "coverage90";
constexpr Figure kFigures[] = {{"spearman", &Figures::spearman},
                               {"kendall", &Figures::kendall},
                               {"mdape", &Figures::mdape},
                               {"within5", &Figures::within5},
                               {"within10", &Figures::within10}};

}  // namespace

json describe(const EvaluateOptions& options) {
  const auto& [method, sampler, samples, scored_at_most, transfer] = options;
  json described = {
      {"method", method}, {"sampler", sampler}, {"samples", samples}, {"scored_at_most", scored_at_most}};
  if (method == "bayes" || method == "combined" || sampler == kInformative)
    described["prior"] = {{"version", kPriorVersion}, {"simulate", kSimulateVersion}};
  if (sampler == kInformative) described["pool"] = kPool;
  if (!needs_predictor(method)) return described;
  // A new option does not compile until it is part of the key.
  const TransferOptions asked = transfer_options(options);
  const auto& [device, quantity, epochs, learning_rate, hardware_learning_rate, init, log_ratio_margin,
               seed] = asked;
  static_cast<void>(device);
  static_cast<void>(quantity);
  static_cast<void>(seed);
  described["transfer"] = {{"version", kTransferVersion},
                           {"epochs", epochs},
                           {"learning_rate", learning_rate ? json(*learning_rate) : json()},
                           {"hardware_learning_rate", hardware_learning_rate},
                           {"init", init},
                           {"log_ratio_margin", log_ratio_margin}};
  return described;
}

const std::vector<std::string>& evaluation_methods() {
  static const std::vector<std::string> methods = {
      "bayes", "combined", "finetune", "finetune-published", "best-source", "source-ridge", "multipredict",
      "ridge", "flops",    "params"};
  return methods;
}

const std::vector<std::string>& evaluation_samplers() {
  static const std::vector<std::string> samplers = [] {
    auto names = sampler_names();
    names.push_back(kInformative);
    names.push_back(kOracle);
    return names;
  }();
  return samplers;
}

bool samples_by_encoding(const std::string& sampler) {
  return sampler != kOracle && sampler != kInformative && needs_encoder(sampler);
}

bool needs_predictor(const std::string& method) {
  return method == "combined" || method == "finetune" || method == "finetune-published";
}

bool needs_sources(const std::string& method) {
  return method == "bayes" || method == "combined" || method == "best-source" || method == "source-ridge" ||
         method == "multipredict";
}

const MultiPredict& Setting::multipredict() const {
  std::call_once(trained_, [this] {
    multipredict_.emplace(
        sources,
        encoder ? encoded_features(*encoder, Encoding::zcp) : one_hot_features(*space, sources.architectures),
        0);
  });
  return *multipredict_;
}

const Prior& Setting::prior(const Predictor* base) const {
  if (base && base->has_prior()) return prior_of(*base);
  std::call_once(learned_, [this] {
    prior_ = learn_prior(*space,
                         {features_of(*space, sources.architectures), sources.devices, sources.latency_ms});
  });
  return *prior_;
}

json evaluate_seed(const Setting& setting, const Predictor* base, const EvaluateOptions& options,
                   std::uint64_t seed) {
  const LatencyTable& targets = setting.targets;
  const auto& architectures = targets.architectures;
  if (architectures.size() < options.samples + 2)
    throw Error(ErrorCode::argument, "evaluate: " + targets.devices.front() + " has " +
                                         std::to_string(architectures.size()) + " architectures; " +
                                         std::to_string(options.samples) + " samples need at least two more");
  const std::uint64_t sampling_seed = seed * 1000003 + 17;
  const bool by_oracle = options.sampler == kOracle;
  std::vector<std::size_t> chosen;
  if (options.sampler == kInformative)
    chosen = choose_informative(setting, base, options.samples, sampling_seed);
  else if (!by_oracle)
    chosen = choose_samples(options.sampler, *setting.space, architectures, options.samples,
                            setting.encoder ? &*setting.encoder : nullptr, sampling_seed);
  // Training is not part of the transfer.
  if (options.method == "multipredict") setting.multipredict();
  if (options.method == "bayes" || options.method == "combined") setting.prior(base);
  json result = {{"targets", json::object()}};
  double transfer_seconds = 0, predict_seconds = 0;
  for (std::size_t t = 0; t < targets.devices.size(); ++t) {
    const auto& latency_ms = targets.latency_ms[t];
    if (by_oracle) chosen = choose_by_latency(latency_ms, options.samples, sampling_seed);
    std::vector<Measurement> measured;
    std::vector<bool> is_measured(architectures.size(), false);
    for (const std::size_t i : chosen) {
      measured.push_back({architectures[i], latency_ms[i]});
      is_measured[i] = true;
    }
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < architectures.size(); ++i)
      if (!is_measured[i]) rest.push_back(i);
    if (options.scored_at_most > 0 && options.scored_at_most < rest.size()) {
      Rng rng(sampling_seed + 1);
      rng.shuffle(rest);
      rest.resize(options.scored_at_most);
    }
    std::vector<Architecture> unseen;
    std::vector<double> truth;
    for (const std::size_t i : rest) {
      unseen.push_back(architectures[i]);
      truth.push_back(latency_ms[i]);
    }
    const double start = cpu_seconds();
    const Estimator estimator = make_estimator(setting, base, options, measured, seed);
    const double adapted = cpu_seconds();
    const auto [predicted, beliefs] = estimator(unseen);
    const double done = cpu_seconds();
    std::vector<Belief::Interval> intervals;
    const double reach = normal_reach(0.9);
    for (const Belief& belief : beliefs) intervals.push_back(belief.within(reach));
    result["targets"][targets.devices[t]] = score(predicted, truth, intervals);
    transfer_seconds += (adapted - start) / double(targets.devices.size());
    predict_seconds += (done - adapted) * 1000 / double(unseen.size() * targets.devices.size());
    result["architectures_scored"] = unseen.size();
  }
  result["seconds"] = {{"transfer", transfer_seconds}, {"predict_1000", predict_seconds}};
  return result;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

json score(const std::vector<double>& predicted, const std::vector<double>& truth,
           const std::vector<Belief::Interval>& intervals) {
  json result;
  const Figures figures = {spearman(predicted, truth), kendall(predicted, truth), mdape(predicted, truth),
                           within(predicted, truth, 0.05), within(predicted, truth, 0.10)};
  for (const auto& [name, value] : kFigures) result[name] = figures.*value;
  if (intervals.empty()) return result;
  double held = 0;
  for (std::size_t i = 0; i < truth.size(); ++i)
    held += intervals[i].low <= truth[i] && truth[i] <= intervals[i].high;
  result[kCoverage] = held / double(truth.size());
  return result;
}

json mean_and_std(const std::vector<double>& values) {
  const double n = double(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {{"mean", mean}, {"std", values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0.0}};
}

json summary(const EvaluateOptions& options, const std::vector<json>& seeds) {
  json result = {{"method", options.method},
                 {"sampler", options.sampler},
                 {"samples", options.samples},
                 {"seeds", seeds.size()},
                 {"architectures_scored", seeds.front().at("architectures_scored")},
                 // Fine-tuning and the baselines state none.
                 {"coverage90", {{"mean", nullptr}, {"std", nullptr}}}};
  const auto by_seed = [&](const auto& figure_of) {
    std::vector<double> values;
    for (const json& seed : seeds) values.push_back(figure_of(seed));
    return values;
  };
  const json& targets = seeds.front().at("targets");
  std::vector<std::string> names;
  for (const Figure& figure : kFigures) names.push_back(figure.name);
  if (targets.begin()->contains(kCoverage)) names.push_back(kCoverage);
  for (const std::string& name : names) {
    for (const auto& target : targets.items())
      result["targets"][target.key()][name] = mean_and_std(by_seed([&](const json& seed) {
        return seed.at("targets").at(target.key()).at(name).template get<double>();
      }));
    const auto means = by_seed([&](const json& seed) {
      double total = 0;
      for (const json& of_target : seed.at("targets")) total += of_target.at(name).get<double>();
      return total / double(targets.size());
    });
    result[name] = mean_and_std(means);
    if (name == "spearman") result["spearman_by_seed"] = means;
  }
  for (const char* part : {"transfer", "predict_1000"})
    result["seconds"][part] = mean_and_std(by_seed([&](const json& seed) {
                                return seed.at("seconds").at(part).template get<double>();
                              })).at("mean");
  return result;
}

LatencyTable complete_table(const LatencyTable& all, const std::vector<std::string>& devices) {
  const LatencyTable table = select_devices(all, devices);
  std::vector<bool> keep(table.architectures.size(), true);
  for (const auto& latency : table.latency_ms)
    for (std::size_t i = 0; i < latency.size(); ++i) keep[i] = keep[i] && std::isfinite(latency[i]);
  return select_architectures(table, keep);
}

}  // namespace latencast
