#include "kernel_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include "families.h"
#include "kernel_features.h"
#include "latencast/export.h"
#include "latencast/model.h"

namespace latencast {
namespace {

constexpr double kFar = 4;
constexpr int kNetworks = 20;               // of each family
constexpr std::uint64_t kNetworksSeed = 2;  // 1 draws those that are measured

double distance(const std::array<double, kSmoothFeatures>& a, const std::array<double, kSmoothFeatures>& b) {
  double sum = 0;
  for (std::size_t f = 0; f < kSmoothFeatures; ++f) sum += (a[f] - b[f]) * (a[f] - b[f]);
  return std::sqrt(sum);
}

}  // namespace

std::vector<WantedKernel> wanted_of(const std::vector<Decomposition>& networks,
                                    const std::vector<PoolPlatform>& platforms) {
  std::map<std::string, double> typical;  // latency_ms by key
  const auto typical_ms = [&](const std::string& key, const KernelShape& kernel) {
    const auto [at, is_new] = typical.try_emplace(key, 0);
    if (is_new) {
      for (const PoolPlatform& one : platforms) at->second += std::log(one.latency_ms(kernel));
      at->second = std::exp(at->second / double(platforms.size()));
    }
    return at->second;
  };
  std::map<std::string, WantedKernel> wanted;
  for (const Decomposition& network : networks) {
    std::map<std::string, WantedKernel> own;
    double whole = 0;
    for (const FusedKernel& fused : network.kernels) {
      if (fused.type == KernelType::other) continue;
      const std::string key = fused.key();
      const KernelShape kernel = shape_of(fused);
      const double latency_ms = typical_ms(key, kernel);
      own.try_emplace(key, WantedKernel{kernel, 0}).first->second.share += latency_ms;
      whole += latency_ms;
    }
    for (const auto& [key, one] : own)
      wanted.try_emplace(key, WantedKernel{one.kernel, 0}).first->second.share += one.share / whole;
  }
  std::vector<WantedKernel> all;
  for (const auto& [key, one] : wanted) all.push_back(one);
  return all;
}

std::vector<WantedKernel> wanted_of_families(const std::vector<PoolPlatform>& platforms) {
  std::vector<Decomposition> networks;
  for (const NamedNetwork& one : networks_of_families(kNetworks, kNetworksSeed))
    networks.push_back(decompose(read_model(export_onnx(one.layers, one.name)), kFusesLeast));
  return wanted_of(networks, platforms);
}

std::vector<std::size_t> choose_kernels(const std::vector<KernelShape>& candidates,
                                        const std::vector<WantedKernel>& wanted, std::size_t count) {
  struct Pair {
    std::size_t wanted;
    double distance;
  };
  std::vector<std::vector<Pair>> within_reach(candidates.size());
  std::vector<std::array<double, kSmoothFeatures>> places;
  for (const WantedKernel& one : wanted) places.push_back(smooth_features(one.kernel));
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    const auto place = smooth_features(candidates[c]);
    for (std::size_t w = 0; w < wanted.size(); ++w) {
      if (wanted[w].kernel.type != candidates[c].type) continue;
      const double apart = distance(place, places[w]);
      if (apart < kFar) within_reach[c].push_back({w, apart});
    }
  }
  std::vector<double> nearest(wanted.size(), kFar);
  std::vector<std::size_t> chosen;
  std::vector<bool> taken(candidates.size());
  while (chosen.size() < std::min(count, candidates.size())) {
    std::size_t best = 0;
    double most = -1;
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      if (taken[c]) continue;
      double gain = 0;
      for (const Pair& one : within_reach[c])
        gain += wanted[one.wanted].share * std::max(nearest[one.wanted] - one.distance, 0.);
      if (gain > most) most = gain, best = c;
    }
    taken[best] = true;
    chosen.push_back(best);
    for (const Pair& one : within_reach[best])
      nearest[one.wanted] = std::min(nearest[one.wanted], one.distance);
  }
  return chosen;
}

}  // namespace latencast
