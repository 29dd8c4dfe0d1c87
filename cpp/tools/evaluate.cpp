#include "evaluate.h"

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <ctime>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "data.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

using nlohmann::json;

// Of this thread alone: the machine may be shared.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

struct Outcome {
  double spearman = 0, kendall = 0, mdape = 0, within5 = 0, within10 = 0;
  double transfer_seconds = 0, predict_seconds = 0;
};

using Estimator = std::function<std::vector<double>(const std::vector<Architecture>&)>;

// A baseline ranks by some score; the same calibration turns it into milliseconds.
Estimator calibrated(const std::vector<Measurement>& measured, Estimator score) {
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
    return values;
  };
}

Estimator by_arithmetic(const Space& space, std::int64_t (Space::*count)(const Architecture&) const) {
  return [&space, count](const std::vector<Architecture>& asked) {
    std::vector<double> values;
    for (const auto& architecture : asked) values.push_back(double((space.*count)(architecture)));
    return values;
  };
}

Estimator by_best_source(const LatencyTable& sources, const std::vector<Measurement>& measured) {
  std::map<Architecture, std::size_t> row;
  for (std::size_t i = 0; i < sources.architectures.size(); ++i) row[sources.architectures[i]] = i;
  double best = -2;
  std::size_t chosen = 0;
  for (std::size_t d = 0; d < sources.devices.size(); ++d) {
    std::vector<double> of_source, of_target;
    for (const auto& one : measured) {
      of_source.push_back(sources.latency_ms[d][row.at(one.architecture)]);
      of_target.push_back(one.latency_ms);
    }
    const double match = spearman(of_source, of_target);
    if (match > best) {
      best = match;
      chosen = d;
    }
  }
  return [row, latency = sources.latency_ms[chosen]](const std::vector<Architecture>& asked) {
    std::vector<double> values;
    for (const auto& architecture : asked) values.push_back(latency[row.at(architecture)]);
    return values;
  };
}

// Ridge of log latency on one-hot positions and operations; its strength by leave-one-out in closed form.
Estimator by_ridge(const std::vector<Measurement>& measured) {
  constexpr int kDigits = 10;
  const auto features = [](const Architecture& architecture) {
    Eigen::VectorXd row = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(architecture.size()) * kDigits);
    for (std::size_t i = 0; i < architecture.size(); ++i)
      row(static_cast<Eigen::Index>(i) * kDigits + (architecture[i] - '0')) = 1;
    return row;
  };
  const auto n = static_cast<Eigen::Index>(measured.size());
  Eigen::MatrixXd x(n, features(measured[0].architecture).size());
  Eigen::VectorXd y(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    x.row(i) = features(measured[static_cast<std::size_t>(i)].architecture);
    y(i) = std::log(measured[static_cast<std::size_t>(i)].latency_ms);
  }
  const double mean = y.mean();
  const Eigen::MatrixXd gram = x * x.transpose();
  Eigen::VectorXd best_dual;
  double best_error = std::numeric_limits<double>::infinity();
  for (const double strength : {0.01, 0.1, 1.0, 10.0, 100.0}) {
    const Eigen::MatrixXd inverse = (gram + strength * Eigen::MatrixXd::Identity(n, n)).inverse();
    const Eigen::VectorXd dual = inverse * (y.array() - mean).matrix();
    const double error = (dual.array() / inverse.diagonal().array()).square().sum();
    if (error < best_error) {
      best_error = error;
      best_dual = dual;
    }
  }
  const Eigen::VectorXd weights = x.transpose() * best_dual;
  return [features, weights](const std::vector<Architecture>& asked) {
    std::vector<double> values;
    for (const auto& architecture : asked) values.push_back(features(architecture).dot(weights));
    return values;
  };
}

Estimator make_estimator(const Predictor& base, const LatencyTable& sources, const EvaluateOptions& options,
                         const std::vector<Measurement>& measured, std::uint64_t seed) {
  const std::string& method = options.method;
  if (method == "finetune" || method == "finetune-published") {
    TransferOptions seeded = method == "finetune" ? options.transfer : TransferOptions::published();
    seeded.seed = seed;
    return [adapted = transfer(base, measured, seeded)](const std::vector<Architecture>& asked) {
      return adapted.latency_ms(asked);
    };
  }
  if (method == "best-source") return calibrated(measured, by_best_source(sources, measured));
  if (method == "flops") return calibrated(measured, by_arithmetic(base.space(), &Space::macs));
  if (method == "params") return calibrated(measured, by_arithmetic(base.space(), &Space::params));
  return calibrated(measured, by_ridge(measured));
}

Outcome one_transfer(const Predictor& base, const LatencyTable& sources, const Target& target,
                     const EvaluateOptions& options, std::uint64_t seed) {
  Rng rng(seed * 1000003 + 17);
  const auto chosen = rng.choose(target.measured.size(), options.samples);
  std::vector<Measurement> measured;
  std::vector<bool> is_measured(target.measured.size(), false);
  for (const std::size_t i : chosen) {
    measured.push_back(target.measured[i]);
    is_measured[i] = true;
  }
  std::vector<Architecture> unseen;
  std::vector<double> truth;
  for (std::size_t i = 0; i < target.measured.size(); ++i) {
    if (is_measured[i]) continue;
    unseen.push_back(target.measured[i].architecture);
    truth.push_back(target.measured[i].latency_ms);
  }
  const double start = cpu_seconds();
  const Estimator estimator = make_estimator(base, sources, options, measured, seed);
  const double adapted = cpu_seconds();
  const auto predicted = estimator(unseen);
  const double done = cpu_seconds();
  return {spearman(predicted, truth),
          kendall(predicted, truth),
          mdape(predicted, truth),
          within(predicted, truth, 0.05),
          within(predicted, truth, 0.10),
          adapted - start,
          (done - adapted) * 1000 / double(unseen.size())};
}

json mean_and_std(const std::vector<double>& values) {
  const double n = double(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {{"mean", mean}, {"std", values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0.0}};
}

struct Figure {
  const char* name;
  double Outcome::*value;
};
constexpr Figure kFigures[] = {{"spearman", &Outcome::spearman},
                               {"kendall", &Outcome::kendall},
                               {"mdape", &Outcome::mdape},
                               {"within5", &Outcome::within5},
                               {"within10", &Outcome::within10}};

}  // namespace

const std::vector<std::string>& evaluation_methods() {
  static const std::vector<std::string> methods = {
      "finetune", "finetune-published", "best-source", "flops", "params", "ridge"};
  return methods;
}

json evaluate(const Predictor& base, const std::vector<Target>& targets, const LatencyTable& sources,
              const EvaluateOptions& options) {
  for (const auto& target : targets)
    if (target.measured.size() < options.samples + 2)
      throw Error(ErrorCode::argument, "evaluate: " + target.device + " has " +
                                           std::to_string(target.measured.size()) + " architectures; " +
                                           std::to_string(options.samples) +
                                           " samples need at least two more");
  const auto seeds = static_cast<std::size_t>(options.seeds);
  std::vector<std::vector<Outcome>> outcomes(targets.size(), std::vector<Outcome>(seeds));
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> failures(targets.size() * seeds);
  const auto work = [&] {
    for (std::size_t job; (job = next++) < targets.size() * seeds;) {
      try {
        outcomes[job / seeds][job % seeds] =
            one_transfer(base, sources, targets[job / seeds], options, job % seeds);
      } catch (...) {
        failures[job] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);

  json result = {{"method", options.method},
                 {"sampler", options.sampler},
                 {"samples", options.samples},
                 {"seeds", options.seeds}};
  std::size_t scored = 0;
  json per_target = json::object();
  for (std::size_t t = 0; t < targets.size(); ++t) {
    scored += targets[t].measured.size() - options.samples;
    for (const auto& [name, value] : kFigures) {
      std::vector<double> over_seeds;
      for (const auto& outcome : outcomes[t]) over_seeds.push_back(outcome.*value);
      per_target[targets[t].device][name] = mean_and_std(over_seeds);
    }
  }
  for (const auto& [name, value] : kFigures) {
    std::vector<double> over_seeds(seeds, 0.0);
    for (std::size_t s = 0; s < seeds; ++s)
      for (std::size_t t = 0; t < targets.size(); ++t)
        over_seeds[s] += outcomes[t][s].*value / double(targets.size());
    result[name] = mean_and_std(over_seeds);
  }
  // Fine-tuning and the baselines state no intervals.
  result["coverage90"] = {{"mean", nullptr}, {"std", nullptr}};
  double transfer_seconds = 0, predict_seconds = 0;
  for (const auto& of_target : outcomes)
    for (const auto& outcome : of_target) {
      transfer_seconds += outcome.transfer_seconds / double(targets.size() * seeds);
      predict_seconds += outcome.predict_seconds / double(targets.size() * seeds);
    }
  result["seconds"] = {{"transfer", transfer_seconds}, {"predict_1000", predict_seconds}};
  result["architectures_scored"] = scored / targets.size();
  result["targets"] = std::move(per_target);
  return result;
}

LatencyTable task_table(const Task& task, const LatencyTable& all) {
  std::vector<std::string> devices = task.sources;
  devices.insert(devices.end(), task.targets.begin(), task.targets.end());
  const LatencyTable table = select_devices(all, devices);
  std::vector<bool> keep(table.architectures.size(), true);
  for (const auto& latency : table.latency_ms)
    for (std::size_t i = 0; i < latency.size(); ++i) keep[i] = keep[i] && std::isfinite(latency[i]);
  return select_architectures(table, keep);
}

}  // namespace latencast
