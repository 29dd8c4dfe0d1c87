#include "perceptrons.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "adam.h"
#include "data.h"
#include "encode_layers.h"
#include "kernel_features.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "median.h"
#include "pool_state.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr const char* kKind = "kernel-perceptrons";
constexpr int kVersion = 1;
constexpr const char* kSuffix = ".perceptrons";
constexpr Eigen::Index kInputs = 11;

// in-16-32-64-128-128-256x7-128-64-16-1
struct Network {
  Layout layout;
  Perceptron perceptron;

  Network() {
    std::vector<Eigen::Index> widths = {kInputs, 16, 32, 64, 128, 128};
    widths.insert(widths.end(), 7, 256);
    widths.insert(widths.end(), {128, 64, 16, 1});
    for (std::size_t i = 0; i + 1 < widths.size(); ++i)
      perceptron.layers.push_back(layout.linear(std::to_string(i), widths[i], widths[i + 1]));
  }

  // After He et al. (ICCV 2015), since so many layers would let all but nothing through otherwise.
  Flat<float> initial_parameters(Rng& rng) const {
    auto parameters = layout.initial_parameters<float>(rng);
    for (std::size_t i = 0; i + 1 < perceptron.layers.size(); ++i)
      perceptron.layers[i].w.of(parameters) *= std::sqrt(2.f);
    return parameters;
  }
};

const Network& network() {
  static const Network made;
  return made;
}

Matrix<float> inputs_of(const std::vector<KernelShape>& kernels) {
  Matrix<float> rows(static_cast<Eigen::Index>(kernels.size()), kInputs);
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const KernelShape& k = kernels[i];
    const KernelWork work = work_of(k);
    const std::array<double, kInputs> values = {
        double(k.n),  double(k.h),        double(k.w),      double(k.cin), double(k.cout),  double(k.kh),
        double(k.kw), double(k.stride_h), double(k.groups), work.macs,     1 + work.weights};
    for (std::size_t c = 0; c < values.size(); ++c)
      rows(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(c)) =
          static_cast<float>(std::log(values[c]));
  }
  return rows;
}

std::vector<KernelShape> kernels_of(const std::vector<KernelTiming>& timings) {
  std::vector<KernelShape> kernels;
  for (const KernelTiming& one : timings) kernels.push_back(one.kernel);
  return kernels;
}

std::map<KernelType, std::vector<KernelTiming>> by_type(const std::vector<KernelTiming>& timings) {
  std::map<KernelType, std::vector<KernelTiming>> of_type;
  for (const KernelTiming& one : timings) of_type[one.kernel.type].push_back(one);
  return of_type;
}

double elements_of(const KernelShape& kernel) {
  const KernelWork work = work_of(kernel);
  return work.macs + work.traffic();
}

double divergence_of(const std::vector<KernelTiming>& measured, const std::vector<double>& predicted) {
  double all_measured = 0, all_predicted = 0, sum = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    all_measured += measured[i].latency_ms;
    all_predicted += predicted[i];
  }
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const double p = measured[i].latency_ms / all_measured;
    sum += p * std::log(p * all_predicted / predicted[i]);
  }
  return sum;
}

}  // namespace

struct KernelPerceptron::State {
  RowVector<float> mean, inverse_spread;  // (1, kInputs), of the inputs
  double centre = 0;                      // what is added to the output
  Flat<float> parameters;

  Matrix<float> standard(const std::vector<KernelShape>& kernels) const {
    Matrix<float> rows = inputs_of(kernels);
    rows.rowwise() -= mean;
    rows.array().rowwise() *= inverse_spread.array();
    return rows;
  }

  void train(const std::vector<KernelTiming>& timings, int epochs, double learning_rate, int batch,
             std::uint64_t seed) {
    // Beyond this factor an error pulls as at it: of an exponential the relative error has no slope far below
    // the truth, and estimates of nothing would stay so.
    constexpr float kHardest = 2.718f;
    const Perceptron& layers = network().perceptron;
    const Matrix<float> rows = standard(kernels_of(timings));
    const std::vector<double> log_ms = log_latencies(timings, "perceptron");
    Rng rng(seed);
    std::vector<Eigen::Index> order;
    for (Eigen::Index i = 0; i < rows.rows(); ++i) order.push_back(i);
    const auto size = static_cast<std::size_t>(batch);
    AdamOptions options;
    options.learning_rate = learning_rate;
    options.last_learning_rate = 0;
    options.weight_decay = 0;
    Adam<float> adam(parameters.size(), options, epochs * static_cast<int>((order.size() + size - 1) / size));
    Flat<float> gradients(parameters.size());
    Perceptron::Cache<float> cache;
    cache.x.resize(1);
    for (int epoch = 0; epoch < epochs; ++epoch) {
      rng.shuffle(order);
      for (std::size_t from = 0; from < order.size(); from += size) {
        const auto count = static_cast<Eigen::Index>(std::min(size, order.size() - from));
        cache.x[0].resize(count, kInputs);
        for (Eigen::Index i = 0; i < count; ++i)
          cache.x[0].row(i) = rows.row(order[from + static_cast<std::size_t>(i)]);
        layers.forward(parameters, cache);
        Matrix<float> d(count, 1);
        for (Eigen::Index i = 0; i < count; ++i) {
          const double truth = log_ms[static_cast<std::size_t>(order[from + static_cast<std::size_t>(i)])];
          const auto ratio = static_cast<float>(std::exp(double(cache.out()(i, 0)) + centre - truth));
          d(i, 0) = (ratio > 1 ? std::min(ratio, kHardest) : -std::max(ratio, 1 / kHardest)) /
                    static_cast<float>(count);
        }
        layers.backward(parameters, gradients, cache, std::move(d));
        adam.step(parameters, gradients);
      }
    }
  }
};

KernelPerceptron::KernelPerceptron(State state) : state_(std::make_shared<const State>(std::move(state))) {}

KernelPerceptron::KernelPerceptron(const std::vector<KernelTiming>& timings,
                                   const PerceptronOptions& options) {
  State state;
  const Matrix<float> rows = inputs_of(kernels_of(timings));
  state.mean = rows.colwise().mean();
  const RowVector<float> spread = (rows.rowwise() - state.mean).array().square().colwise().mean().sqrt();
  state.inverse_spread = (spread.array() > 1e-3f).select(spread.cwiseInverse(), 1.f);
  for (const double log_ms : log_latencies(timings, "perceptron"))
    state.centre += log_ms / double(timings.size());
  Rng rng(options.seed);
  state.parameters = network().initial_parameters(rng);
  state.train(timings, options.epochs, options.learning_rate, options.batch, options.seed);
  state_ = std::make_shared<const State>(std::move(state));
}

KernelPerceptron KernelPerceptron::scaled(double factor) const {
  State state = *state_;
  state.centre += std::log(factor);
  return KernelPerceptron(std::move(state));
}

KernelPerceptron KernelPerceptron::tuned(const std::vector<KernelTiming>& timings,
                                         const PerceptronOptions& options) const {
  std::vector<double> rest;
  const auto predicted = latency_ms(kernels_of(timings));
  for (std::size_t i = 0; i < timings.size(); ++i)
    rest.push_back(std::log(timings[i].latency_ms / predicted[i]));
  State state = *scaled(std::exp(median_of(rest))).state_;
  state.train(timings, options.tuning_epochs, options.tuning_learning_rate, options.batch, options.seed);
  return KernelPerceptron(std::move(state));
}

std::vector<double> KernelPerceptron::latency_ms(const std::vector<KernelShape>& kernels) const {
  Perceptron::Cache<float> cache;
  cache.x = {state_->standard(kernels)};
  network().perceptron.forward(state_->parameters, cache);
  std::vector<double> latency_ms;
  for (const float log_ms : cache.out().reshaped())
    latency_ms.push_back(std::exp(double(log_ms) + state_->centre));
  return latency_ms;
}

PerceptronPlatform::PerceptronPlatform(std::string id, const std::vector<KernelTiming>& timings,
                                       const PerceptronOptions& options)
    : id_(std::move(id)) {
  for (const auto& [type, own] : by_type(timings)) types_.emplace(type, KernelPerceptron(own, options));
}

const KernelPerceptron* PerceptronPlatform::of(KernelType type) const {
  const auto found = types_.find(type);
  return found == types_.end() ? nullptr : &found->second;
}

std::string PerceptronPlatform::write() const {
  Checkpoint checkpoint;
  json types = json::array();
  const auto add = [&](const std::string& name, const float* from, std::size_t size) {
    checkpoint.tensors.push_back({name, {size}, {from, from + size}});
  };
  for (const auto& [type, perceptron] : types_) {
    const KernelPerceptron::State& state = *perceptron.state_;
    const std::string called = name(type);
    types.push_back({{"type", called}, {"centre", state.centre}});
    add(called + ".mean", state.mean.data(), kInputs);
    add(called + ".inverse_spread", state.inverse_spread.data(), kInputs);
    add(called + ".parameters", state.parameters.data(), state.parameters.size());
  }
  checkpoint.meta = json{{"kind", kKind}, {"version", kVersion}, {"id", id_}, {"types", types}}.dump();
  return write_checkpoint(checkpoint, Precision::float16);
}

PerceptronPlatform::PerceptronPlatform(std::string_view bytes) {
  const Checkpoint checkpoint = read_checkpoint(bytes);
  const json meta = json::parse(checkpoint.meta, nullptr, false);
  if (!meta.is_object() || meta.value("kind", "") != kKind || meta.value("version", 0) != kVersion)
    throw Error(ErrorCode::checkpoint, "perceptrons: found a file of another kind or version; " +
                                           std::string(kKind) + " " + std::to_string(kVersion) + " expected");
  id_ = meta.at("id").get<std::string>();
  const json& types = meta.at("types");
  const auto& tensors = checkpoint.tensors;
  const std::size_t parameters = network().layout.size(), inputs = kInputs;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (tensors.size() != 3 * types.size() || tensors[3 * i].values.size() != inputs ||
        tensors[3 * i + 1].values.size() != inputs || tensors[3 * i + 2].values.size() != parameters)
      throw Error(ErrorCode::checkpoint, "perceptrons: found tensors of other sizes than expected");
    KernelPerceptron::State state;
    state.centre = types[i].at("centre").get<double>();
    state.mean = Eigen::Map<const RowVector<float>>(tensors[3 * i].values.data(), kInputs);
    state.inverse_spread = Eigen::Map<const RowVector<float>>(tensors[3 * i + 1].values.data(), kInputs);
    state.parameters.assign(tensors[3 * i + 2].values.begin(), tensors[3 * i + 2].values.end());
    types_.emplace(kernel_type(types[i].at("type").get<std::string>()), KernelPerceptron(std::move(state)));
  }
}

std::size_t least_divergent(const std::vector<PerceptronPlatform>& pool,
                            const std::vector<KernelTiming>& timings) {
  const auto of_type = by_type(timings);
  std::vector<double> divergences;
  for (const PerceptronPlatform& one : pool) {
    double sum = 0;
    for (const auto& [type, own] : of_type) {
      const KernelPerceptron* known = one.of(type);
      sum += double(own.size()) * (known ? divergence_of(own, known->latency_ms(kernels_of(own))) : 1);
    }
    divergences.push_back(sum);
  }
  return static_cast<std::size_t>(std::min_element(divergences.begin(), divergences.end()) -
                                  divergences.begin());
}

AdaptedPerceptrons::AdaptedPerceptrons(const std::vector<PerceptronPlatform>& pool,
                                       const std::vector<KernelTiming>& timings,
                                       const PerceptronOptions& options) {
  std::vector<double> log_rates, rest;
  const PerceptronPlatform* nearest = pool.empty() ? nullptr : &pool[least_divergent(pool, timings)];
  const auto known = [&](KernelType type) { return nearest ? nearest->of(type) : nullptr; };
  for (const auto& [type, own] : by_type(timings)) {
    types_.emplace(type, known(type) ? known(type)->tuned(own, options) : KernelPerceptron(own, options));
    for (const KernelTiming& one : own) {
      log_rates.push_back(std::log(one.latency_ms / elements_of(one.kernel)));
      if (known(type)) rest.push_back(std::log(one.latency_ms / known(type)->latency_ms({one.kernel})[0]));
    }
  }
  ms_per_element_ = std::exp(median_of(log_rates));
  for (std::size_t i = 0; i < kKernelTypes; ++i) {
    const auto type = static_cast<KernelType>(i);
    if (known(type) && !types_.count(type))
      types_.emplace(type, known(type)->scaled(std::exp(median_of(rest))));
  }
}

std::vector<double> AdaptedPerceptrons::latency_ms(const std::vector<KernelShape>& kernels) const {
  std::vector<double> latency_ms(kernels.size());
  std::map<KernelType, std::vector<std::size_t>> rows;
  for (std::size_t i = 0; i < kernels.size(); ++i) rows[kernels[i].type].push_back(i);
  for (const auto& [type, of_type] : rows) {
    const auto known = types_.find(type);
    std::vector<KernelShape> asked;
    for (const std::size_t i : of_type) {
      latency_ms[i] = ms_per_element_ * elements_of(kernels[i]);
      asked.push_back(kernels[i]);
    }
    if (known == types_.end()) continue;
    const auto found = known->second.latency_ms(asked);
    for (std::size_t i = 0; i < of_type.size(); ++i) latency_ms[of_type[i]] = found[i];
  }
  return latency_ms;
}

void write_perceptrons(const std::string& folder, const PerceptronPlatform& platform) {
  write_file((std::filesystem::path(folder) / (platform.id() + kSuffix)).string(), platform.write());
}

std::vector<PerceptronPlatform> read_perceptrons(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (file.path().extension() == kSuffix) paths.push_back(file.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<PerceptronPlatform> pool;
  for (const std::string& path : paths) pool.emplace_back(read_file(path));
  return pool;
}

}  // namespace latencast
