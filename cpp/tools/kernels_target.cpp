#include "kernels_target.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "evaluate.h"
#include "kernel_features.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "trees.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr std::size_t kFewestOfType = 10;  // scored timings that give a type figures of its own
constexpr std::size_t kNearestShown = 5;

struct Answer {
  std::vector<double> latency_ms;
  std::vector<Belief::Interval> intervals;
};

// What shape features alone give: the baseline of the goals.
Answer by_extra_trees(const std::vector<KernelTiming>& known, const std::vector<KernelShape>& asked,
                      std::uint64_t seed) {
  const auto row_of = [](const KernelShape& k) {
    const KernelWork work = work_of(k);
    std::vector<float> row;
    for (const double value :
         {double(k.cin), double(k.h), double(k.w), double(k.kh), double(k.kw), double(k.cout), double(k.n),
          double(k.stride_h), double(k.groups), work.macs, work.traffic()})
      row.push_back(static_cast<float>(std::log(value)));
    for (std::size_t type = 0; type < kKernelTypes; ++type)
      row.push_back(static_cast<std::size_t>(k.type) == type ? 1.f : 0.f);
    return row;
  };
  FeatureTable table;
  std::vector<double> target;
  for (const KernelTiming& one : known) {
    const auto row = row_of(one.kernel);
    table.columns = row.size();
    table.values.insert(table.values.end(), row.begin(), row.end());
    target.push_back(std::log(one.latency_ms));
  }
  const ExtraTrees forest = grow_extra_trees(table, target, {300, 1.0, 1}, seed);
  Answer answer;
  for (const KernelShape& kernel : asked)
    answer.latency_ms.push_back(
        std::exp(sum_of(forest.trees, row_of(kernel).data()) / double(forest.trees.size())));
  return answer;
}

json score_rows(const Answer& answer, const std::vector<double>& truth,
                const std::vector<std::size_t>& rows) {
  std::vector<double> predicted, measured;
  std::vector<Belief::Interval> intervals;
  for (const std::size_t row : rows) {
    predicted.push_back(answer.latency_ms[row]);
    measured.push_back(truth[row]);
    if (!answer.intervals.empty()) intervals.push_back(answer.intervals[row]);
  }
  return score(predicted, measured, intervals);
}

// Of the figures of every seed.
json over_seeds(const std::vector<json>& seeds) {
  json result = {{"coverage90", {{"mean", nullptr}, {"std", nullptr}}}};
  for (const auto& figure : seeds.front().items()) {
    std::vector<double> values;
    for (const json& seed : seeds) values.push_back(seed.at(figure.key()).get<double>());
    result[figure.key()] = mean_and_std(values);
  }
  return result;
}

}  // namespace

const std::vector<std::string>& kernel_methods() {
  static const std::vector<std::string> methods = {"pool", "alone", "extra-trees", "litepred", "perceptron"};
  return methods;
}

std::vector<PoolPlatform> without_chip(const std::vector<PoolPlatform>& pool, const std::string& chip) {
  std::vector<PoolPlatform> others;
  for (const PoolPlatform& one : pool)
    if (one.entry().chip != chip) others.push_back(one);
  return others;
}

json evaluate_kernels(const std::vector<PoolPlatform>& pool, const std::vector<KernelTiming>& timings,
                      const KernelProtocol& protocol, const std::vector<PerceptronPlatform>& perceptrons) {
  if (timings.size() < protocol.samples + 2)
    throw Error(ErrorCode::argument, "found " + std::to_string(timings.size()) + " timings; " +
                                         std::to_string(protocol.samples) +
                                         " samples need at least two more");
  // What may be scored is drawn once: the same for every seed, method and number of samples.
  std::vector<std::size_t> scored = Rng(20).choose(timings.size(), timings.size());
  if (protocol.scored_at_most > 0)
    scored.resize(std::min({scored.size(), protocol.scored_at_most, timings.size() - protocol.samples}));
  std::vector<bool> is_scored(timings.size(), false);
  const bool all = scored.size() == timings.size();
  if (!all)
    for (const std::size_t i : scored) is_scored[i] = true;
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < timings.size(); ++i)
    if (!is_scored[i]) rest.push_back(i);

  std::vector<json> figures;
  std::map<std::string, std::vector<json>> of_type;
  std::map<std::string, double> similar;
  double adapt_seconds = 0, predict_seconds = 0;
  std::size_t count = 0;
  for (int seed = 0; seed < protocol.seeds; ++seed) {
    Rng rng(static_cast<std::uint64_t>(seed) * 1000003 + 17);
    std::vector<KernelTiming> known;
    std::vector<bool> is_known(timings.size(), false);
    for (const std::size_t i : rng.choose(rest.size(), protocol.samples)) {
      known.push_back(timings[rest[i]]);
      is_known[rest[i]] = true;
    }
    std::vector<KernelShape> asked;
    std::vector<double> truth;
    for (const std::size_t i : scored)
      if (!is_known[i]) {
        asked.push_back(timings[i].kernel);
        truth.push_back(timings[i].latency_ms);
      }
    count = asked.size();
    const double start = cpu_seconds();
    Answer answer;
    if (protocol.method == "extra-trees") {
      answer = by_extra_trees(known, asked, static_cast<std::uint64_t>(seed));
    } else if (protocol.method == "litepred" || protocol.method == "perceptron") {
      const AdaptedPerceptrons adapted(
          protocol.method == "litepred" ? perceptrons : std::vector<PerceptronPlatform>{}, known,
          protocol.perceptron);
      const double between = cpu_seconds();
      adapt_seconds += between - start;
      answer.latency_ms = adapted.latency_ms(asked);
      predict_seconds += cpu_seconds() - between;
    } else {
      const AdaptedPlatform adapted =
          adapt(protocol.method == "pool" ? pool : std::vector<PoolPlatform>{}, known);
      const double between = cpu_seconds();
      adapt_seconds += between - start;
      for (const KernelEstimate& one : adapted.estimate(asked)) {
        answer.latency_ms.push_back(one.latency_ms);
        answer.intervals.push_back({one.low_ms, one.latency_ms, one.high_ms});
      }
      predict_seconds += cpu_seconds() - between;
      for (const Similarity& one : adapted.nearest()) similar[pool[one.platform].entry().id] += one.share;
    }
    std::vector<std::size_t> every;
    std::map<std::string, std::vector<std::size_t>> rows_of;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      every.push_back(i);
      rows_of[name(asked[i].type)].push_back(i);
    }
    figures.push_back(score_rows(answer, truth, every));
    for (const auto& [type, rows] : rows_of)
      if (rows.size() >= kFewestOfType) of_type[type].push_back(score_rows(answer, truth, rows));
  }
  json result = over_seeds(figures);
  for (const auto& [type, seeds] : of_type) result["kernels"][type] = over_seeds(seeds);
  std::vector<std::pair<double, std::string>> nearest;
  for (const auto& [id, share] : similar) nearest.emplace_back(share / protocol.seeds, id);
  std::sort(nearest.rbegin(), nearest.rend());
  nearest.resize(std::min(nearest.size(), kNearestShown));
  result["nearest"] = json::array();
  for (const auto& [share, id] : nearest)
    if (share > 0) result["nearest"].push_back({{"platform", id}, {"share", share}});
  result["method"] = protocol.method;
  result["sampler"] = "random";
  result["samples"] = protocol.samples;
  result["seeds"] = protocol.seeds;
  result["kernels_scored"] = count;
  result["seconds"] = {{"transfer", adapt_seconds / protocol.seeds},
                       {"predict_1000", 1000 * predict_seconds / protocol.seeds / double(count)}};
  return result;
}

}  // namespace latencast
