#include "latencast/pool.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "assembly.h"
#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "pool_state.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr double kErrorOfUnknown = 0.7;  // of log latency, for a type without timings
constexpr std::size_t kLeaves = 11500;   // of all trees of a platform: 60 kB when compressed
constexpr const char* kKind = "pool-platform";
constexpr int kVersion = 1;

FeatureTable table_of(const std::vector<KernelTiming>& timings, const std::vector<std::size_t>& rows) {
  FeatureTable table;
  table.columns = kPhysicalFeatures;
  for (const std::size_t row : rows) {
    const KernelFeatures all = features_of(timings[row].kernel);
    table.values.insert(table.values.end(), all.begin(), all.begin() + kPhysicalFeatures);
  }
  return table;
}

// leaves: of all trees.
PoolPlatform::State::Predictor learn(const std::vector<KernelTiming>& timings,
                                     const std::vector<double>& log_ms, const std::vector<std::size_t>& rows,
                                     std::size_t leaves, std::uint64_t seed) {
  std::vector<KernelWork> work;
  std::vector<double> own;
  for (const std::size_t row : rows) {
    work.push_back(work_of(timings[row].kernel));
    own.push_back(log_ms[row]);
  }
  PoolPlatform::State::Predictor made{fit_roofline(work, own), {}};
  for (std::size_t i = 0; i < rows.size(); ++i) own[i] -= made.roofline.log_ms(work[i]);
  BoostOptions options;
  options.leaves = rows.size() < 200 ? 6 : rows.size() < 2000 ? 12 : 28;
  options.trees = std::max(1, static_cast<int>(leaves) / options.leaves);
  options.rate = std::clamp(35.0 / options.trees, 0.08, 0.3);
  made.trees = boost(table_of(timings, rows), own, options, seed);
  return made;
}

double log_ms_of(const PoolPlatform::State::Predictor& predictor, const KernelShape& kernel,
                 const KernelFeatures& features) {
  return predictor.roofline.log_ms(work_of(kernel)) + sum_of(predictor.trees, features.data());
}

json as_json(const Roofline& r) { return {r.overhead, r.per_mac, r.per_element}; }

// Far beyond any file's, yet squares of what kernels and models take stay finite within them.
constexpr double kLeastOverhead = 1e-12, kMostRate = 1e6;  // ms
constexpr double kMostError = 20, kMostLeaves = 150;       // of log latency
constexpr double kMostShare = 1e6;

[[noreturn]] void damaged(const std::string& what) { throw Error(ErrorCode::checkpoint, "pool: " + what); }

std::string text_of(double value) { return json(value).dump(); }

double within(double value, double low, double high, const std::string& what) {
  if (!(value >= low && value <= high))
    damaged(what + ": found " + text_of(value) + "; expected " + text_of(low) + " to " + text_of(high));
  return value;
}

Roofline roofline_of(const json& value, const std::string& of) {
  const auto v = value.get<std::array<double, 3>>();
  return {within(v[0], kLeastOverhead, kMostRate, "the overhead of " + of),
          within(v[1], 0, kMostRate, "the time per multiply-add of " + of),
          within(v[2], 0, kMostRate, "the time per element of " + of)};
}

// The covariance as a matrix of correlations, whose pivots do not depend on units.
void check_covariance(const std::array<double, kTerms * kTerms>& covariance) {
  // As far as rounding takes a product of triangles from symmetry; what cholesky() leaves of a pivot.
  constexpr double kUneven = 1e-9, kLeastPivot = 1e-12;
  const auto place = [](std::size_t a, std::size_t b) {
    return "composition.covariance, row " + std::to_string(a + 1) + ", column " + std::to_string(b + 1);
  };
  Terms spread{};
  for (std::size_t a = 0; a < kTerms; ++a)
    spread[a] = std::sqrt(
        within(covariance[a * (kTerms + 1)], 1e-24, kMostShare * kMostShare, place(a, a) + ", a variance"));
  std::array<Terms, kTerms> lower{};
  for (std::size_t a = 0; a < kTerms; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      const double scale = spread[a] * spread[b];
      const double here = covariance[a * kTerms + b] / scale, there = covariance[b * kTerms + a] / scale;
      if (!(std::abs(here - there) <= kUneven))
        damaged(place(a, b) + ": found " + text_of(covariance[a * kTerms + b]) + "; expected " +
                text_of(covariance[b * kTerms + a]) + " as on the other side of the diagonal");
      double rest = here;
      for (std::size_t k = 0; k < b; ++k) rest -= lower[a][k] * lower[b][k];
      if (a == b && !(rest > kLeastPivot))
        damaged(place(a, a) + ": found a pivot of " + text_of(rest) +
                " of the variance; expected a positive one, as of a positive definite matrix");
      lower[a][b] = a == b ? std::sqrt(rest) : rest / lower[b][b];
    }
}

Composition composition_of(const json& value) {
  if (value.at("share").size() != kTerms || value.at("covariance").size() != kTerms * kTerms)
    damaged("composition: found " + std::to_string(value.at("share").size()) + " factors and " +
            std::to_string(value.at("covariance").size()) + " covariances; expected " +
            std::to_string(kTerms) + " and " + std::to_string(kTerms * kTerms));
  const Composition read{value.at("share").get<Terms>(),
                         value.at("covariance").get<std::array<double, kTerms * kTerms>>(),
                         within(value.at("noise").get<double>(), 0, kMostError, "composition.noise")};
  for (std::size_t a = 0; a < kTerms; ++a)
    within(read.share[a], -kMostShare, kMostShare, "composition.share, factor " + std::to_string(a + 1));
  check_covariance(read.covariance);
  return read;
}

std::vector<float> as_floats(const std::vector<std::int16_t>& values) {
  return {values.begin(), values.end()};
}

Trees trees_of(const Tensor& feature, const Tensor& number) {
  Trees trees;
  if (feature.values.size() != number.values.size())
    damaged(feature.name + " and " + number.name + " differ in length");
  for (const float value : feature.values) {
    if (value < -1 || value >= float(kPhysicalFeatures) || value != std::floor(value))
      damaged(feature.name + " holds no feature's index");
    trees.feature.push_back(static_cast<std::int16_t>(value));
  }
  trees.number = number.values;
  if (!trees.index()) damaged(feature.name + " describes no trees");
  double most = 0;
  for (std::size_t tree = 0; tree < trees.size(); ++tree) {
    const std::size_t end = tree + 1 < trees.size() ? trees.roots[tree + 1] : trees.feature.size();
    double largest = 0;
    for (std::size_t i = trees.roots[tree]; i < end; ++i)
      if (trees.feature[i] == Trees::kLeaf) largest = std::max(largest, std::abs(double(trees.number[i])));
    most += largest;
  }
  within(most, 0, kMostLeaves, number.name + ", the largest leaves of all trees together");
  return trees;
}

void check_latency(double latency_ms, const std::string& place) {
  if (!std::isfinite(latency_ms) || latency_ms <= 0)
    throw Error(ErrorCode::measurement, place + " has latency " + std::to_string(latency_ms) +
                                            " ms; latencies must be finite and positive");
}

}  // namespace

std::vector<double> log_latencies(const std::vector<KernelTiming>& timings, const std::string& who) {
  std::vector<double> logs;
  for (const KernelTiming& one : timings) {
    check_latency(one.latency_ms, who + ": timing " + std::to_string(logs.size() + 1));
    logs.push_back(std::log(one.latency_ms));
  }
  return logs;
}

void check_models(const std::vector<ModelMeasurement>& models, const std::string& who) {
  for (std::size_t i = 0; i < models.size(); ++i)
    check_latency(models[i].latency_ms, who + ": model " + std::to_string(i + 1));
}

double PoolPlatform::State::log_ms(const KernelShape& kernel, const KernelFeatures& features) const {
  return knows(kernel.type) ? log_ms_of(predictors[static_cast<std::size_t>(kernel.type)], kernel, features)
                            : any.log_ms(work_of(kernel));
}

PoolPlatform learn_platform(const PoolEntry& entry, const std::vector<KernelTiming>& timings,
                            const std::vector<ModelMeasurement>& models, std::uint64_t seed) {
  const std::vector<double> log_ms = log_latencies(timings, "learn_platform");
  check_models(models, "learn_platform");
  if (timings.empty()) throw Error(ErrorCode::measurement, "learn_platform: no timings of " + entry.id);
  auto state = std::make_shared<PoolPlatform::State>();
  state->entry = entry;
  std::array<std::vector<std::size_t>, kKernelTypes> of_type;
  for (std::size_t i = 0; i < timings.size(); ++i)
    of_type[static_cast<std::size_t>(timings[i].kernel.type)].push_back(i);
  std::vector<KernelWork> work;
  std::vector<double> of_work;
  Rng rng(seed);
  double needs = 0;
  for (const auto& rows : of_type) needs += std::sqrt(double(rows.size()));
  for (std::size_t type = 0; type < kKernelTypes; ++type) {
    auto rows = of_type[type];
    state->entry.timings[type] = static_cast<std::int32_t>(rows.size());
    if (rows.empty()) continue;
    rng.shuffle(rows);
    // As many of each type, so that the common roofline is of all of them.
    for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), 500); ++i) {
      work.push_back(work_of(timings[rows[i]].kernel));
      of_work.push_back(log_ms[rows[i]]);
    }
    const std::size_t leaves = std::min(
        rows.size(), static_cast<std::size_t>(double(kLeaves) * std::sqrt(double(rows.size())) / needs));
    const std::size_t held_out = rows.size() / 5;
    const std::vector<std::size_t> rest(rows.begin() + std::ptrdiff_t(held_out), rows.end());
    double error = kErrorOfUnknown;
    if (held_out >= 4) {
      const auto trial = learn(timings, log_ms, rest, leaves, seed);
      std::vector<double> deviations;
      for (std::size_t i = 0; i < held_out; ++i) {
        const KernelShape& kernel = timings[rows[i]].kernel;
        deviations.push_back(std::abs(log_ms_of(trial, kernel, features_of(kernel)) - log_ms[rows[i]]));
      }
      // Robust: the interval is to hold 90 %.
      std::sort(deviations.begin(), deviations.end());
      error = deviations[deviations.size() * 9 / 10] / kCovered90;
    }
    state->entry.error[type] = std::max(error, 1e-3);
    std::sort(rows.begin(), rows.end());
    state->predictors[type] = learn(timings, log_ms, rows, leaves, seed);
  }
  state->any = fit_roofline(work, of_work);
  state->entry.models = static_cast<int>(models.size());
  if (!models.empty()) {
    std::vector<Terms> terms;
    std::vector<double> latency_ms;
    for (const ModelMeasurement& one : models) {
      std::vector<KernelEstimate> estimates;
      for (const FusedKernel& kernel : one.model.kernels) {
        const KernelShape shape = shape_of(kernel);
        estimates.push_back({std::exp(state->log_ms(shape, features_of(shape))), 0, 0});
      }
      terms.push_back(parts_of(one.model.kernels, estimates, state->any).whole);
      latency_ms.push_back(one.latency_ms);
    }
    state->composition = compose(vague_composition(entry.timed), terms, latency_ms);
  }
  return PoolPlatform(std::shared_ptr<const PoolPlatform::State>(std::move(state)));
}

PoolPlatform::PoolPlatform(std::shared_ptr<const State> state) : state_(std::move(state)) {}

const PoolEntry& PoolPlatform::entry() const { return state_->entry; }

std::string PoolPlatform::write() const {
  Checkpoint checkpoint;
  json kernels = json::array();
  for (std::size_t type = 0; type < kKernelTypes; ++type) {
    if (state_->entry.timings[type] == 0) continue;
    const std::string called = name(static_cast<KernelType>(type));
    const auto& predictor = state_->predictors[type];
    kernels.push_back({{"type", called},
                       {"timings", state_->entry.timings[type]},
                       {"error", state_->entry.error[type]},
                       {"roofline", as_json(predictor.roofline)}});
    const std::size_t size = predictor.trees.feature.size();
    checkpoint.tensors.push_back({called + ".feature", {size}, as_floats(predictor.trees.feature)});
    checkpoint.tensors.push_back({called + ".number", {size}, predictor.trees.number});
  }
  json meta = {{"kind", kKind},
               {"version", kVersion},
               {"id", state_->entry.id},
               {"title", state_->entry.title},
               {"chip", state_->entry.chip},
               {"source", state_->entry.source},
               {"any", as_json(state_->any)},
               {"kernels", kernels}};
  if (state_->entry.timed != Timed::alone) meta["timed"] = name(state_->entry.timed);
  if (state_->composition)
    meta["composition"] = {{"models", state_->entry.models},
                           {"share", state_->composition->share},
                           {"covariance", state_->composition->covariance},
                           {"noise", state_->composition->noise}};
  checkpoint.meta = meta.dump();
  return write_checkpoint(checkpoint, Precision::float16);
}

PoolPlatform::PoolPlatform(std::string_view bytes) {
  const Checkpoint checkpoint = read_checkpoint(bytes);
  auto state = std::make_shared<State>();
  try {
    const json meta = read_json(checkpoint.meta);
    if (meta.at("kind") != kKind || meta.at("version") != kVersion)
      damaged("found a file of another kind or version; " + std::string(kKind) + " " +
              std::to_string(kVersion) + " expected");
    state->entry.id = meta.at("id").get<std::string>();
    state->entry.title = meta.at("title").get<std::string>();
    state->entry.chip = meta.at("chip").get<std::string>();
    state->entry.source = meta.at("source").get<std::string>();
    state->entry.timed = read_timed(meta.value("timed", name(Timed::alone)));
    state->any = roofline_of(meta.at("any"), "any kernel");
    const json& kernels = meta.at("kernels");
    if (checkpoint.tensors.size() != 2 * kernels.size()) damaged("two tensors expected for each kernel type");
    std::size_t tensor = 0;
    for (const json& kernel : kernels) {
      const auto called = kernel.at("type").get<std::string>();
      const auto type = static_cast<std::size_t>(kernel_type(called));
      state->entry.timings[type] =
          static_cast<int>(whole_number(kernel.at("timings"), 1, kMostCounted, "pool: timings of " + called));
      state->entry.error[type] =
          within(kernel.at("error").get<double>(), 1e-12, kMostError, "the error of " + called);
      state->predictors[type] = {roofline_of(kernel.at("roofline"), called),
                                 trees_of(checkpoint.tensors[tensor], checkpoint.tensors[tensor + 1])};
      tensor += 2;
    }
    if (meta.contains("composition")) {
      const json& composition = meta.at("composition");
      state->entry.models = static_cast<int>(
          whole_number(composition.at("models"), 1, kMostCounted, "pool: composition.models"));
      state->composition = composition_of(composition);
    }
  } catch (const json::exception& error) {
    damaged(error.what());
  }
  state_ = std::move(state);
}

std::string name(Timed timed) { return timed == Timed::inside ? "inside" : "alone"; }

Timed read_timed(const std::string& text) {
  for (const Timed one : {Timed::alone, Timed::inside})
    if (text == name(one)) return one;
  throw Error(ErrorCode::checkpoint, "pool: kernels timed '" + text + "' found; alone or inside expected");
}

const char* runtime_family(const PoolEntry& platform) {
  // What a runtime fuses with its neighbours takes next to nothing inside a network. What it does not,
  // counts.
  if (platform.timed == Timed::inside) return kFusesLeast;
  constexpr std::pair<const char*, const char*> kFamilies[] = {{"tensorrt", "tensorrt"},
                                                               {"openvino", "openvino"},
                                                               {"ncnn", "ncnn"},
                                                               {"litert", "tflite"},
                                                               {"tflite", "tflite"}};
  for (const auto& [begin, family] : kFamilies)
    if (platform.id.find(begin) != std::string::npos) return family;
  return "onnxruntime";
}

std::vector<PoolPlatform> timed_so(const std::vector<PoolPlatform>& pool, Timed timed) {
  std::vector<PoolPlatform> chosen;
  for (const PoolPlatform& one : pool)
    if (one.entry().timed == timed) chosen.push_back(one);
  return chosen;
}

double PoolPlatform::latency_ms(const KernelShape& kernel) const {
  return std::exp(state_->log_ms(kernel, features_of(kernel)));
}

KernelEstimate PoolPlatform::estimate(const KernelShape& kernel) const {
  const double log_ms = state_->log_ms(kernel, features_of(kernel));
  const double wide =
      kCovered90 * (state_->knows(kernel.type) ? state_->entry.error[static_cast<std::size_t>(kernel.type)]
                                               : kErrorOfUnknown);
  return {std::exp(log_ms), std::exp(log_ms - wide), std::exp(log_ms + wide)};
}

KernelSum sum_of(const std::vector<KernelShape>& kernels, const std::vector<KernelEstimate>& estimates) {
  KernelSum sum{0, 0, 0, {}};
  std::array<double, kKernelTypes> below{}, above{};
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const KernelEstimate& one = estimates[i];
    sum.latency_ms += one.latency_ms;
    sum.kernel_ms.push_back(one.latency_ms);
    below[static_cast<std::size_t>(kernels[i].type)] += one.latency_ms - one.low_ms;
    above[static_cast<std::size_t>(kernels[i].type)] += one.high_ms - one.latency_ms;
  }
  const auto together = [](const std::array<double, kKernelTypes>& parts) {
    return std::sqrt(std::inner_product(parts.begin(), parts.end(), parts.begin(), 0.0));
  };
  // The lower end as a share of the whole, so that it stays positive.
  sum.low_ms = sum.latency_ms - std::min(together(below), 0.99 * sum.latency_ms);
  sum.high_ms = sum.latency_ms + together(above);
  return sum;
}

KernelSum estimate_model(const PoolPlatform& platform, const Decomposition& model) {
  std::vector<KernelEstimate> estimates;
  for (const FusedKernel& kernel : model.kernels) estimates.push_back(platform.estimate(shape_of(kernel)));
  const PoolPlatform::State& state = platform.state();
  return Assembly(state.composition.value_or(Composition{})).estimate(model.kernels, estimates, state.any);
}

}  // namespace latencast
