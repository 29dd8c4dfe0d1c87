// From the pool and a few timings to a new platform. Three things in turn:
// 1. a common estimate of the most similar platforms and of a roofline fitted to the timings, each scaled to
//    them;
// 2. a Gaussian process over what is missing to it (process.h): which platforms deviate the same way, and
//    what is smooth in the kernel's sizes. With 20 timings this is all there is;
// 3. extremely randomised trees over physical features, the platforms' and the process's estimates. They find
//    the jumps between algorithms, and where the platforms jump. Some say latency over multiply-adds, some
//    what the process misses.
// An estimate is the most likely value of the trees' and the process's together, in proportions and a sense
// of "likely" that are best on timings each part has not seen.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "assembly.h"
#include "kernel_features.h"
#include "latencast/error.h"
#include "latencast/pool.h"
#include "latencast/rng.h"
#include "linear.h"
#include "median.h"
#include "pool_state.h"
#include "process.h"
#include "trees.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

constexpr std::size_t kExperts = 12;          // platforms that serve at once
constexpr double kChoosiness = 4;             // power of how much better a platform fits that its share is
constexpr double kAnyLoss = 0.01;             // that even a perfect platform has
constexpr double kFewTimings = 3;             // that a type's scale is worth before it has any
constexpr std::size_t kProcessRows = 2000;    // its time grows with their cube
constexpr int kQuantiles = 21;                // of the process, as members of the bag
constexpr double kMostError = 0.3;            // of log latency: one that is wrong by more is just wrong
constexpr double kLeastWidth = 0.02;          // of log latency, of either side of an interval
constexpr double kDeviationsOfMedian = 1.48;  // of a normal, the median of its absolute values makes one
constexpr double kLog2 = 0.69314718055994530942;

// --- Scales ---

Shift shift_of(const std::vector<KernelTiming>& timings, const std::vector<double>& rest) {
  Shift shift;
  shift.all = median_of(rest);
  std::array<std::vector<double>, kKernelTypes> of_type;
  for (std::size_t i = 0; i < rest.size(); ++i)
    of_type[static_cast<std::size_t>(timings[i].kernel.type)].push_back(rest[i]);
  for (std::size_t t = 0; t < kKernelTypes; ++t) {
    const double count = double(of_type[t].size());
    shift.type[t] = (count * median_of(of_type[t]) + kFewTimings * shift.all) / (count + kFewTimings);
  }
  return shift;
}

// How many of the timings are of types that the platform knows.
double known_share(const PoolEntry& entry, const std::vector<KernelTiming>& timings) {
  double known = 0;
  for (const KernelTiming& one : timings)
    known += entry.timings[static_cast<std::size_t>(one.kernel.type)] > 0;
  return known / double(timings.size());
}

// Errors beyond a factor of e tell no more than that the platform was wrong.
double capped(double error) { return std::min(std::abs(error), 1.0); }

}  // namespace

std::vector<Judged> judge(const std::vector<Claims>& platforms, const std::vector<KernelTiming>& timings,
                          const std::vector<double>& log_ms) {
  std::vector<Judged> all;
  for (std::size_t j = 0; j < platforms.size(); ++j) {
    std::vector<double> rest;
    for (std::size_t i = 0; i < timings.size(); ++i) rest.push_back(log_ms[i] - platforms[j].log_ms[i]);
    Judged one{{j, 0, 0, 0}, 0, shift_of(timings, rest)};
    std::vector<double> errors;
    for (std::size_t i = 0; i < timings.size(); ++i) {
      const double left = rest[i] - one.shift.type[static_cast<std::size_t>(timings[i].kernel.type)];
      errors.push_back(std::abs(std::expm1(-left)));
      one.loss += capped(left) / double(timings.size());
    }
    one.similarity.error = median_of(errors);
    one.similarity.scale = std::exp(one.shift.all);
    // Each timing of a type that it does not know counts as an error.
    one.loss += 1 - known_share(*platforms[j].entry, timings);
    all.push_back(one);
  }
  std::stable_sort(all.begin(), all.end(), [](const Judged& a, const Judged& b) { return a.loss < b.loss; });
  double sum = 0;
  const auto weight = [&](const Judged& one) {
    return std::pow((all.front().loss + kAnyLoss) / (one.loss + kAnyLoss), kChoosiness);
  };
  for (std::size_t j = 0; j < std::min(all.size(), kExperts); ++j) sum += weight(all[j]);
  for (std::size_t j = 0; j < std::min(all.size(), kExperts); ++j)
    all[j].similarity.share = weight(all[j]) / sum;
  return all;
}

namespace {

std::vector<Judged> judge(const std::vector<PoolPlatform>& pool, const std::vector<KernelTiming>& timings,
                          const std::vector<double>& log_ms) {
  std::vector<Claims> claims;
  for (const PoolPlatform& one : pool) {
    claims.push_back({&one.entry(), {}});
    for (const KernelTiming& timing : timings)
      claims.back().log_ms.push_back(std::log(one.latency_ms(timing.kernel)));
  }
  return judge(claims, timings, log_ms);
}

// --- Bags of possible values ---

// Who says a value: trees of log latency over work, beside the level; trees of what the process misses; the
// process.
enum Part : std::size_t { kWork, kMissed, kProcess, kParts };
constexpr std::size_t kForests = kProcess;

struct Member {
  double value, weight;  // within its part, whose weights sum to 1
  Part part;
};
using Bag = std::vector<Member>;  // by value

// How a bag is read.
struct Reading {
  std::array<double, kParts> weight;  // sum to 1
  double width;                       // of the mode's kernel; 0: the median

  double operator()(const Bag& bag) const { return width > 0 ? mode(bag) : quantile(bag, 0.5); }

  double quantile(const Bag& bag, double share) const {
    double sum = 0;
    for (const Member& one : bag) {
      sum += weight_of(one);
      if (sum >= share) return one.value;
    }
    return bag.back().value;
  }

 private:
  double weight_of(const Member& one) const { return weight[one.part] * one.weight; }

  // Where Epanechnikov's kernel of that half-width sees most, among the members.
  double mode(const Bag& bag) const {
    double w = 0, wv = 0, wvv = 0, most = -1, best = bag.front().value;
    std::size_t begin = 0, end = 0;
    const double origin = bag.front().value;
    const auto add = [&](const Member& one, double sign) {
      const double v = one.value - origin, own = sign * weight_of(one);
      w += own, wv += own * v, wvv += own * v * v;
    };
    for (const Member& one : bag) {
      if (!(weight[one.part] > 0)) continue;
      while (end < bag.size() && bag[end].value <= one.value + width) add(bag[end++], 1);
      while (bag[begin].value < one.value - width) add(bag[begin++], -1);
      const double v = one.value - origin;
      const double seen = w - (v * v * w - 2 * v * wv + wvv) / (width * width);
      if (seen > most) most = seen, best = one.value;
    }
    return best;
  }
};

// Quantiles of a standard normal at (i + 1/2) / kQuantiles, by Newton's steps on its distribution function.
std::vector<double> normal_quantiles() {
  std::vector<double> all;
  for (int i = 0; i < kQuantiles; ++i) {
    const double share = (i + 0.5) / kQuantiles;
    double z = 0;
    for (int step = 0; step < 30; ++step) {
      const double density = std::exp(-z * z / 2) / std::sqrt(2 * 3.14159265358979323846);
      z -= std::clamp((0.5 * std::erfc(-z / std::sqrt(2.0)) - share) / density, -0.5, 0.5);
    }
    all.push_back(z);
  }
  return all;
}

}  // namespace

struct AdaptedPlatform::State {
  std::vector<Similarity> nearest;
  std::vector<std::size_t> set_aside;

  struct Expert {
    std::shared_ptr<const PoolPlatform> platform;  // none: the roofline
    Shift shift;
    double share;
  };
  std::vector<Expert> experts;
  Roofline roofline;
  Process process;
  double process_error = 0.1;  // of its left-out estimates, robust
  double level = 0;            // of log latency over work
  std::array<ExtraTrees, kForests> forests;
  Reading reading{{0.25, 0.25, 0.5}, 0};
  Assembly assembly;
  double widening = 1;  // of the bag's 5 % to 95 %, so that nine of ten left-out timings lie within

  struct Seen {  // of one kernel
    ProcessInput input;
    double common;  // estimate, in log
    double work;    // in log
    std::vector<float> features;
  };

  Seen see(const KernelShape& kernel) const {
    const KernelFeatures physical = features_of(kernel);
    Seen seen{{kernel.type, process_features(kernel), {}}, 0, kLog2 * double(physical[0]), {}};
    seen.features.assign(physical.begin(), physical.end());
    const auto choice = choice_features(kernel);
    seen.features.insert(seen.features.end(), choice.begin(), choice.end());
    const auto type = static_cast<std::size_t>(kernel.type);
    std::vector<double> logs;
    for (const Expert& expert : experts) {
      logs.push_back((expert.platform ? std::log(expert.platform->latency_ms(kernel))
                                      : roofline.log_ms(work_of(kernel))) +
                     expert.shift.type[type]);
      seen.common += expert.share * logs.back();
    }
    for (const double log_ms : logs) {
      seen.input.deviations.push_back(log_ms - seen.common);
      seen.features.push_back(static_cast<float>(log_ms - seen.work));
    }
    seen.features.push_back(static_cast<float>(seen.common - seen.work));
    // How far the platforms disagree: where they jump, this one may.
    if (experts.size() > 1) {
      std::vector<double> sorted(seen.input.deviations.begin(), seen.input.deviations.end() - 1);
      std::sort(sorted.begin(), sorted.end());
      const auto at = [&](std::size_t quarters) { return sorted[quarters * (sorted.size() - 1) / 4]; };
      for (const double value : {at(0), at(2), at(4), at(3) - at(1), at(4) - at(0)})
        seen.features.push_back(static_cast<float>(value));
    }
    return seen;
  }

  // Numbers of trees, of each forest.
  using OfForests = std::array<std::vector<std::size_t>, kForests>;

  Bag bag(const Seen& seen, double process_mean, const OfForests& trees) const {
    static const std::vector<double> quantiles = normal_quantiles();
    const double expected = seen.common + process_mean;
    Bag values;
    for (const double z : quantiles)
      values.push_back({expected + z * process_error, 1.0 / kQuantiles, kProcess});
    for (const Part part : {kWork, kMissed})
      for (const std::size_t t : trees[part])
        values.push_back({(part == kWork ? seen.work + level : expected) +
                              double(forests[part].trees.value(t, seen.features.data())),
                          1 / double(trees[part].size()), part});
    std::sort(values.begin(), values.end(),
              [](const Member& a, const Member& b) { return a.value < b.value; });
    return values;
  }

  std::vector<KernelEstimate> estimate(const std::vector<KernelShape>& kernels) const {
    OfForests all;
    for (const Part part : {kWork, kMissed}) {
      if (reading.weight[part] > 0) all[part].resize(forests[part].trees.size());
      std::iota(all[part].begin(), all[part].end(), std::size_t{0});
    }
    std::vector<KernelEstimate> estimates;
    for (const KernelShape& kernel : kernels) {
      Seen seen = see(kernel);
      const double process_mean = process.mean(seen.input);
      seen.features.push_back(static_cast<float>(seen.common + process_mean - seen.work));
      const Bag values = bag(seen, process_mean, all);
      const double point = reading(values);
      const double below = std::max(point - reading.quantile(values, 0.05), kLeastWidth) * widening;
      const double above = std::max(reading.quantile(values, 0.95) - point, kLeastWidth) * widening;
      estimates.push_back({std::exp(point), std::exp(point - below), std::exp(point + above)});
    }
    return estimates;
  }
};

AdaptedPlatform::AdaptedPlatform(std::shared_ptr<const State> state) : state_(std::move(state)) {}

const std::vector<Similarity>& AdaptedPlatform::nearest() const { return state_->nearest; }
const std::vector<std::size_t>& AdaptedPlatform::set_aside() const { return state_->set_aside; }

namespace {

using State = AdaptedPlatform::State;

// 1. The most similar platforms and a roofline, each scaled to the timings.
void choose_experts(const std::vector<PoolPlatform>& pool, const std::vector<KernelTiming>& timings,
                    const std::vector<double>& log_ms, State& state) {
  const std::vector<Judged> judged = judge(pool, timings, log_ms);
  for (const Judged& one : judged) state.nearest.push_back(one.similarity);
  for (std::size_t j = 0; j < std::min(judged.size(), kExperts); ++j)
    state.experts.push_back({std::make_shared<const PoolPlatform>(pool[judged[j].similarity.platform]),
                             judged[j].shift, judged[j].similarity.share});
  std::vector<KernelWork> work;
  for (const KernelTiming& one : timings) work.push_back(work_of(one.kernel));
  state.roofline = fit_roofline(work, log_ms);
  std::vector<double> rest;
  for (std::size_t i = 0; i < timings.size(); ++i) rest.push_back(log_ms[i] - state.roofline.log_ms(work[i]));
  state.experts.push_back({nullptr, shift_of(timings, rest), judged.empty() ? 1.0 : 0.0});
}

// 2. The process of what their common estimate misses. Returns what it says of each timing from the others.
std::vector<double> fit_process(const std::vector<State::Seen>& seen, const std::vector<double>& log_ms,
                                State& state) {
  const std::size_t rows = std::min(seen.size(), kProcessRows);
  std::vector<ProcessInput> inputs;
  std::vector<double> missing;
  for (std::size_t i = 0; i < rows; ++i) {
    inputs.push_back(seen[i].input);
    missing.push_back(log_ms[i] - seen[i].common);
  }
  state.process = Process(std::move(inputs), missing, 1);
  std::vector<double> said = state.process.left_out();
  for (std::size_t i = rows; i < seen.size(); ++i) said.push_back(state.process.mean(seen[i].input));
  std::vector<double> errors;
  for (std::size_t i = 0; i < seen.size(); ++i)
    errors.push_back(std::abs(log_ms[i] - seen[i].common - said[i]));
  state.process_error = std::max(kDeviationsOfMedian * median_of(errors), 1e-4);
  return said;
}

// 3. The trees, which see what the process says as a further feature of each timing.
void grow_forests(std::vector<State::Seen>& seen, const std::vector<double>& process,
                  const std::vector<double>& log_ms, State& state) {
  FeatureTable table;
  std::vector<double> rates, missed;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    seen[i].features.push_back(static_cast<float>(seen[i].common + process[i] - seen[i].work));
    table.values.insert(table.values.end(), seen[i].features.begin(), seen[i].features.end());
    rates.push_back(log_ms[i] - seen[i].work);
    missed.push_back(log_ms[i] - seen[i].common - process[i]);
  }
  table.columns = seen.front().features.size();
  state.level = median_of(rates);
  for (double& rate : rates) rate -= state.level;
  state.forests[kWork] = grow_extra_trees(table, rates, {}, 1);
  state.forests[kMissed] = grow_extra_trees(table, missed, {}, 2);
}

// What those parts say of a timing that have not seen it.
struct LeftOut {
  Bag bag;
  bool by_trees;  // by some of either forest
  double log_ms;  // of the timing

  double read(const Reading& reading) const { return own(reading)(bag); }
  double quantile(const Reading& reading, double share) const { return own(reading).quantile(bag, share); }

 private:
  Reading own(Reading reading) const {
    if (!by_trees) reading.weight = {0, 0, 1};
    return reading;
  }
};

std::vector<LeftOut> leave_out(const State& state, const std::vector<State::Seen>& seen,
                               const std::vector<double>& process, const std::vector<double>& log_ms) {
  std::vector<State::OfForests> unseen(seen.size());
  for (const Part part : {kWork, kMissed})
    for (std::size_t t = 0; t < state.forests[part].learnt.size(); ++t)
      for (std::size_t i = 0; i < seen.size(); ++i)
        if (!state.forests[part].learnt[t][i]) unseen[i][part].push_back(t);
  std::vector<LeftOut> all;
  for (std::size_t i = 0; i < seen.size(); ++i)
    all.push_back({state.bag(seen[i], process[i], unseen[i]),
                   !unseen[i][kWork].empty() && !unseen[i][kMissed].empty(), log_ms[i]});
  return all;
}

// The reading that is best on timings left out.
Reading choose_reading(const std::vector<LeftOut>& left_out) {
  constexpr double kDoubt = 0.3;  // of a reading far from the even mixture's median, in timings' errors
  const auto count = double(left_out.size());
  Reading best{{0.25, 0.25, 0.5}, 0};
  double least = std::numeric_limits<double>::infinity();
  for (const double weight : {0.0, 0.25, 0.5, 0.75, 1.0})
    for (const double share : {0.25, 0.5, 0.75})
      for (const double width : {0.0, 0.1, 0.2, 0.4}) {
        const Reading reading{{(1 - weight) * (1 - share), (1 - weight) * share, weight}, width};
        // Few timings do not say much about how to read: an even mixture's median until they do.
        double loss =
            kDoubt * (std::abs(weight - 0.5) + std::abs(share - 0.5) + (width > 0 ? 0.25 : 0)) / count;
        for (const LeftOut& one : left_out)
          loss += std::min(std::abs(one.read(reading) - one.log_ms), kMostError) / count;
        if (loss >= least) continue;
        least = loss;
        best = reading;
      }
  return best;
}

// By what intervals are to be wider than the bags', so that nine of ten timings left out lie within.
double widening_of(const std::vector<LeftOut>& left_out, const Reading& reading) {
  std::vector<double> ratios;
  for (const LeftOut& one : left_out) {
    const double point = one.read(reading);
    const double wide =
        one.log_ms < point ? point - one.quantile(reading, 0.05) : one.quantile(reading, 0.95) - point;
    ratios.push_back(std::abs(one.log_ms - point) / std::max(wide, kLeastWidth));
  }
  std::sort(ratios.begin(), ratios.end());
  const auto at = static_cast<std::size_t>(std::ceil(0.9 * double(ratios.size() + 1))) - 1;
  return std::max(ratios[std::min(at, ratios.size() - 1)], 0.1);
}

struct Fit {
  std::shared_ptr<State> state;
  std::vector<double> deviations;  // of each timing's log latency from what the parts that left it out say
};

// What follows from these timings, all of them believed.
Fit adapt_to(const std::vector<PoolPlatform>& pool, const std::vector<KernelTiming>& timings) {
  const std::vector<double> log_ms = log_latencies(timings, "adapt");
  Fit fit{std::make_shared<State>(), {}};
  State& state = *fit.state;
  choose_experts(pool, timings, log_ms, state);
  std::vector<State::Seen> seen;
  for (const KernelTiming& one : timings) seen.push_back(state.see(one.kernel));
  const std::vector<double> process = fit_process(seen, log_ms, state);
  grow_forests(seen, process, log_ms, state);
  const std::vector<LeftOut> left_out = leave_out(state, seen, process, log_ms);
  state.reading = choose_reading(left_out);
  state.widening = widening_of(left_out, state.reading);
  for (const LeftOut& one : left_out)
    fit.deviations.push_back(std::abs(one.log_ms - one.read(state.reading)));
  return fit;
}

// The same without the timings that fit nothing.
std::shared_ptr<AdaptedPlatform::State> adapt_kernels(const std::vector<PoolPlatform>& pool,
                                                      const std::vector<KernelTiming>& timings) {
  if (timings.size() < 2)
    throw Error(ErrorCode::measurement,
                "adapt: found " + std::to_string(timings.size()) + " timings; at least 2 expected");
  auto [state, deviations] = adapt_to(pool, timings);
  // A timing that is wrong by more than a factor of five, and by many times what most are, is a slip.
  const double limit = std::max(std::log(5.0), 15 * median_of(deviations));
  std::vector<std::size_t> suspects;
  for (std::size_t i = 0; i < timings.size(); ++i)
    if (deviations[i] > limit) suspects.push_back(i);
  if (suspects.empty() || suspects.size() + 2 > timings.size()) return state;
  const auto without = [&](const std::vector<std::size_t>& out) {
    std::vector<KernelTiming> kept;
    for (std::size_t i = 0; i < timings.size(); ++i)
      if (!std::binary_search(out.begin(), out.end(), i)) kept.push_back(timings[i]);
    return kept;
  };
  state = adapt_to(pool, without(suspects)).state;
  // Who was a suspect because of another's slip fits what the rest say.
  std::vector<KernelShape> shapes;
  for (const std::size_t i : suspects) shapes.push_back(timings[i].kernel);
  const auto estimates = state->estimate(shapes);
  std::vector<std::size_t> slips;
  for (std::size_t s = 0; s < suspects.size(); ++s)
    if (std::abs(std::log(timings[suspects[s]].latency_ms / estimates[s].latency_ms)) > limit)
      slips.push_back(suspects[s]);
  if (slips.size() < suspects.size()) state = adapt_to(pool, without(slips)).state;
  state->set_aside = slips;
  return state;
}

std::vector<KernelShape> shapes_of(const Decomposition& model) {
  std::vector<KernelShape> shapes;
  for (const FusedKernel& kernel : model.kernels) shapes.push_back(shape_of(kernel));
  return shapes;
}

// How kernels add up there. Without models: those timed alone to a sum, give or take what platforms of the
// pool do, which differ; those inside networks as they do on those platforms, the more so the more alike
// their kernels are.
Assembly assemble(const std::vector<PoolPlatform>& pool, const AdaptedPlatform::State& state,
                  const std::vector<ModelMeasurement>& models, Timed timed) {
  std::vector<Composition> known;
  std::vector<std::string> chips;
  std::vector<double> likeness;
  for (const Similarity& one : state.nearest) {
    const PoolPlatform& platform = pool[one.platform];
    if (!platform.state().composition || platform.entry().timed != timed) continue;
    known.push_back(*platform.state().composition);
    chips.push_back(platform.entry().chip);
    likeness.push_back(std::pow(one.error + 0.01, -2.0));
  }
  const Composition common =
      common_composition(known, chips, likeness, timed, models.empty() && timed == Timed::alone);
  if (models.empty()) return Assembly(common);
  std::vector<ModelParts> parts;
  std::vector<Terms> whole;
  std::vector<double> latency_ms;
  for (const ModelMeasurement& one : models) {
    parts.push_back(parts_of(one.model.kernels, state.estimate(shapes_of(one.model)), state.roofline));
    whole.push_back(parts.back().whole);
    latency_ms.push_back(one.latency_ms);
  }
  // Of kernels timed alone more is unknown than what a process over their sizes can tell. And without others
  // to know the shares by, a few models do not tell what shares explain from what kernels do.
  if (timed == Timed::inside && !known.empty()) return Assembly(common, parts, latency_ms);
  const Composition prior = rescaled(known.empty() ? vague_composition(timed) : common, whole, latency_ms);
  return Assembly(compose(prior, whole, latency_ms));
}

}  // namespace

AdaptedPlatform adapt(const std::vector<PoolPlatform>& pool, const std::vector<KernelTiming>& timings,
                      const std::vector<ModelMeasurement>& models, Timed timed) {
  check_models(models, "adapt");
  auto state = adapt_kernels(pool, timings);
  state->assembly = assemble(pool, *state, models, timed);
  return AdaptedPlatform(std::move(state));
}

std::vector<KernelEstimate> AdaptedPlatform::estimate(const std::vector<KernelShape>& kernels) const {
  return state_->estimate(kernels);
}

KernelSum estimate_model(const AdaptedPlatform& platform, const Decomposition& model) {
  const AdaptedPlatform::State& state = platform.state();
  return state.assembly.estimate(model.kernels, state.estimate(shapes_of(model)), state.roofline);
}

// --- Similarity ---

std::vector<Similarity> similarities(const std::vector<PoolPlatform>& pool,
                                     const std::vector<KernelTiming>& timings) {
  std::vector<Similarity> all;
  for (const Judged& one : judge(pool, timings, log_latencies(timings, "similarities")))
    all.push_back(one.similarity);
  return all;
}

std::vector<Similarity> similarities_by_divergence(const std::vector<PoolPlatform>& pool,
                                                   const std::vector<KernelTiming>& timings) {
  const std::vector<double> log_ms = log_latencies(timings, "similarities_by_divergence");
  std::vector<Judged> all = judge(pool, timings, log_ms);
  for (Judged& one : all) {
    std::array<double, kKernelTypes> measured{}, predicted{};
    std::array<double, kKernelTypes> count{};
    std::vector<double> predictions;
    for (std::size_t i = 0; i < timings.size(); ++i) {
      const auto type = static_cast<std::size_t>(timings[i].kernel.type);
      predictions.push_back(pool[one.similarity.platform].latency_ms(timings[i].kernel));
      measured[type] += timings[i].latency_ms;
      predicted[type] += predictions.back();
      count[type] += 1;
    }
    one.loss = 1 - known_share(pool[one.similarity.platform].entry(), timings);
    for (std::size_t i = 0; i < timings.size(); ++i) {
      const auto type = static_cast<std::size_t>(timings[i].kernel.type);
      const double p = timings[i].latency_ms / measured[type], q = predictions[i] / predicted[type];
      one.loss += count[type] / double(timings.size()) * p * std::log(p / q);
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Judged& a, const Judged& b) { return a.loss < b.loss; });
  std::vector<Similarity> found;
  for (const Judged& one : all) {
    found.push_back(one.similarity);
    found.back().share = found.size() == 1 ? 1 : 0;  // LitePred's choice is one platform
  }
  return found;
}

}  // namespace latencast
