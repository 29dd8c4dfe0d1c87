// A pool before it is read. What a platform takes for a kernel that is no probe is interpolated from its
// probes of that type: a Gaussian process over the sizes in which latency is smooth, about a roofline.
#include <algorithm>
#include <cmath>

#include "json.h"
#include "kernel_features.h"
#include "latencast/error.h"
#include "latencast/pool.h"
#include "linear.h"
#include "pool_state.h"
#include "roofline.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr int kVersion = 3;
// A twelfth of a nat or so: finer than what is read from the probes, and an index of 200 platforms stays
// under 30 kB.
constexpr int kSteps = 63;
constexpr double kLength = 6;     // of the covariance; the process of adapt() mostly finds it so
constexpr double kNoise = 0.003;  // of the probes, as a share of the variance

bool knows(const PoolEntry& platform, KernelType type) {
  return platform.timings[static_cast<std::size_t>(type)] > 0;
}

std::vector<KernelShape> read_probes(const std::vector<std::string>& probes) {
  std::vector<KernelShape> kernels;
  for (const std::string& one : probes) kernels.push_back(read_kernel(one));
  return kernels;
}

// Two digits a byte: a packer makes one byte of them, as of base64.
std::string hex_of(const std::vector<int>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const int byte : bytes) (text += kDigits[byte / 16]) += kDigits[byte % 16];
  return text;
}

std::vector<int> read_hex(const std::string& text) {
  const auto digit = [&](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    throw Error(ErrorCode::checkpoint, "pool: found '" + std::string(1, c) + "' among hexadecimal digits");
  };
  std::vector<int> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(16 * digit(text[i]) + digit(text[i + 1]));
  return bytes;
}

double covariance(const KernelShape& a, const KernelShape& b) {
  const auto x = smooth_features(a), y = smooth_features(b);
  double square = 0;
  for (std::size_t f = 0; f < kSmoothFeatures; ++f) square += (x[f] - y[f]) * (x[f] - y[f]);
  const double r = std::sqrt(3 * square) / kLength;
  return (1 + r) * std::exp(-r);
}

// Weights of the probes in what is interpolated at each of some kernels, all of one type: (kernels, probes).
DoubleMatrix weights_of(const std::vector<KernelShape>& probes, const std::vector<KernelShape>& kernels) {
  using Index = Eigen::Index;
  const auto n = Index(probes.size()), m = Index(kernels.size());
  DoubleMatrix among(n, n), to(n, m);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j)
      among(i, j) = covariance(probes[std::size_t(i)], probes[std::size_t(j)]) + (i == j ? kNoise : 0);
    for (Index j = 0; j < m; ++j) to(i, j) = covariance(probes[std::size_t(i)], kernels[std::size_t(j)]);
  }
  const DoubleMatrix lower = cholesky(among);
  return solve_lower_transposed(lower, solve_lower(lower, to)).transpose();
}

}  // namespace

PoolIndex::PoolIndex(std::vector<std::string> probes, const std::vector<PoolPlatform>& pool)
    : probes_(std::move(probes)), kernels_(read_probes(probes_)) {
  for (const PoolPlatform& one : pool) {
    platforms_.push_back(one.entry());
    log_ms_.emplace_back();
    for (const KernelShape& kernel : kernels_)
      log_ms_.back().push_back(knows(one.entry(), kernel.type) ? std::log(one.latency_ms(kernel)) : 0);
  }
}

std::string PoolIndex::write() const {
  json platforms = json::array();
  for (std::size_t j = 0; j < platforms_.size(); ++j) {
    const PoolEntry& entry = platforms_[j];
    json timings = json::object();
    for (std::size_t type = 0; type < kKernelTypes; ++type)
      if (entry.timings[type] > 0) timings[name(static_cast<KernelType>(type))] = entry.timings[type];
    std::vector<double> known;
    for (std::size_t i = 0; i < kernels_.size(); ++i)
      if (knows(entry, kernels_[i].type)) known.push_back(log_ms_[j][i]);
    json one = {{"id", entry.id},
                {"title", entry.title},
                {"chip", entry.chip},
                {"source", entry.source},
                {"timings", timings}};
    if (entry.timed != Timed::alone) one["timed"] = name(entry.timed);
    if (!known.empty()) {
      const auto [least, most] = std::minmax_element(known.begin(), known.end());
      const double step = std::max(*most - *least, 1e-6) / kSteps;
      std::vector<int> steps;
      for (const double value : known)
        steps.push_back(static_cast<int>(std::lround((value - *least) / step)));
      // Of a few digits, which are as good as all of them here.
      const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
      one["probes"] = {{"log_ms", {rounded(*least), rounded(*least + kSteps * step)}},
                       {"steps", hex_of(steps)}};
    }
    platforms.push_back(one);
  }
  return json{{"version", kVersion}, {"probes", probes_}, {"platforms", platforms}}.dump() + "\n";
}

PoolIndex::PoolIndex(std::string_view text) {
  const json index = read_json(text);
  try {
    if (!index.is_object() || index.at("version") != kVersion)
      throw Error(ErrorCode::checkpoint, "pool: found no index of version " + std::to_string(kVersion) +
                                             "; `latencast kernels index` writes one");
    probes_ = index.at("probes").get<std::vector<std::string>>();
    kernels_ = read_probes(probes_);
    for (const json& one : index.at("platforms")) {
      PoolEntry entry;
      entry.id = one.at("id").get<std::string>();
      entry.title = one.at("title").get<std::string>();
      entry.chip = one.at("chip").get<std::string>();
      entry.source = one.at("source").get<std::string>();
      entry.timed = read_timed(one.value("timed", name(Timed::alone)));
      for (const auto& [type, count] : one.at("timings").items())
        entry.timings[static_cast<std::size_t>(kernel_type(type))] = static_cast<int>(
            whole_number(count, 1, kMostCounted, "pool: " + entry.id + ", timings of " + type));
      log_ms_.emplace_back(kernels_.size(), 0.0);
      std::vector<std::size_t> known;
      for (std::size_t i = 0; i < kernels_.size(); ++i)
        if (knows(entry, kernels_[i].type)) known.push_back(i);
      if (!known.empty()) {
        const json& probes = one.at("probes");
        const auto [least, most] = probes.at("log_ms").get<std::pair<double, double>>();
        const std::vector<int> steps = read_hex(probes.at("steps").get<std::string>());
        if (steps.size() != known.size())
          throw Error(ErrorCode::checkpoint, "pool: " + entry.id + " has " + std::to_string(steps.size()) +
                                                 " probes; " + std::to_string(known.size()) + " expected");
        if (!(most > least))
          throw Error(ErrorCode::checkpoint, "pool: " + entry.id + " has probes from " +
                                                 std::to_string(least) + " to " + std::to_string(most) +
                                                 " in log ms; the least before the most expected");
        if (*std::max_element(steps.begin(), steps.end()) > kSteps)
          throw Error(ErrorCode::checkpoint,
                      "pool: " + entry.id + " has a probe beyond step " + std::to_string(kSteps));
        for (std::size_t i = 0; i < known.size(); ++i)
          log_ms_.back()[known[i]] = least + (most - least) * steps[i] / kSteps;
      }
      platforms_.push_back(std::move(entry));
    }
  } catch (const json::exception& error) {
    throw Error(ErrorCode::checkpoint, std::string("pool: ") + error.what());
  } catch (const Error& error) {
    throw Error(ErrorCode::checkpoint, error.what());
  }
}

std::vector<Similarity> PoolIndex::similarities(const std::vector<KernelTiming>& all_timings) const {
  log_latencies(all_timings, "similarities");
  std::array<bool, kKernelTypes> probed{};
  for (const KernelShape& one : kernels_) probed[static_cast<std::size_t>(one.type)] = true;
  std::vector<KernelTiming> timings;
  for (const KernelTiming& one : all_timings)
    if (probed[static_cast<std::size_t>(one.kernel.type)]) timings.push_back(one);
  if (timings.empty())
    throw Error(ErrorCode::measurement,
                "similarities: none of the " + std::to_string(all_timings.size()) +
                    " timings is of a type by which the pool's platforms are compared");
  const std::vector<double> log_ms = log_latencies(timings, "similarities");
  std::vector<Claims> claims;
  for (const PoolEntry& one : platforms_)
    claims.push_back({&one, std::vector<double>(timings.size(), std::nan(""))});
  for (std::size_t t = 0; t < kKernelTypes; ++t) {
    const auto type = static_cast<KernelType>(t);
    std::vector<std::size_t> probes, asked;
    std::vector<KernelShape> probe_kernels, kernels;
    std::vector<KernelWork> work;
    for (std::size_t i = 0; i < kernels_.size(); ++i)
      if (kernels_[i].type == type) {
        probes.push_back(i);
        probe_kernels.push_back(kernels_[i]);
        work.push_back(work_of(kernels_[i]));
      }
    for (std::size_t i = 0; i < timings.size(); ++i)
      if (timings[i].kernel.type == type) {
        asked.push_back(i);
        kernels.push_back(timings[i].kernel);
      }
    if (asked.empty()) continue;
    const DoubleMatrix weights = weights_of(probe_kernels, kernels);
    for (std::size_t j = 0; j < platforms_.size(); ++j) {
      if (!knows(platforms_[j], type)) continue;
      std::vector<double> own;
      for (const std::size_t i : probes) own.push_back(log_ms_[j][i]);
      const Roofline roofline = fit_roofline(work, own);
      for (std::size_t k = 0; k < asked.size(); ++k) {
        double sum = roofline.log_ms(work_of(kernels[k]));
        for (std::size_t i = 0; i < probes.size(); ++i)
          sum += weights(Eigen::Index(k), Eigen::Index(i)) * (own[i] - roofline.log_ms(work[i]));
        claims[j].log_ms[asked[k]] = sum;
      }
    }
  }
  // Of types that a platform does not know: as all its other kernels go.
  for (std::size_t j = 0; j < platforms_.size(); ++j) {
    std::vector<KernelWork> work;
    std::vector<double> own;
    for (std::size_t i = 0; i < kernels_.size(); ++i)
      if (knows(platforms_[j], kernels_[i].type)) {
        work.push_back(work_of(kernels_[i]));
        own.push_back(log_ms_[j][i]);
      }
    const Roofline roofline = own.empty() ? Roofline{} : fit_roofline(work, own);
    for (std::size_t i = 0; i < timings.size(); ++i)
      if (std::isnan(claims[j].log_ms[i])) claims[j].log_ms[i] = roofline.log_ms(work_of(timings[i].kernel));
  }
  std::vector<Similarity> all;
  for (const Judged& one : judge(claims, timings, log_ms)) all.push_back(one.similarity);
  return all;
}

}  // namespace latencast
