#include "spaces/features.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace latencast {
namespace {

constexpr int kFixed = 16;  // before the one-hot stage

// log2 of an amount, `low` at -0.9 and `high` at 0.9; none at all is -1.
float logarithm(std::int64_t amount, double low, double high) {
  if (amount <= 0) return -1;
  // log2 and pow have tables of their own in WebAssembly, 6 kB that cannot be compressed.
  const double log2 = std::log(static_cast<double>(amount)) / 0.69314718055994530942;
  return static_cast<float>(1.8 * (log2 - low) / (high - low) - 0.9);
}

}  // namespace

int node_feature_width(int stages) { return kFixed + stages + 2; }

std::vector<float> node_features(const std::vector<Kernel>& kernels, const NodeSite& site, int stages) {
  std::int64_t dense = 0, small = 0, large = 0, params = 0, read = 0, written = 0;
  int widest = std::max(site.in_channels, site.out_channels);
  bool grouped = false, excited = false;
  for (const Kernel& kernel : kernels) {
    (!kernel.depthwise() ? dense : kernel.size <= 3 ? small : large) += kernel.macs();
    params += kernel.params();
    read += kernel.inputs();
    written += kernel.outputs();
    widest = std::max(widest, kernel.out_channels);
    grouped |= kernel.groups > 1 && !kernel.depthwise();
    excited |= kernel.type == Kernel::Type::scale;
  }
  std::vector<float> features = {
      logarithm(dense, 12, 27),
      logarithm(small, 12, 25),
      logarithm(large, 12, 25),
      logarithm(params, 8, 22),
      logarithm(read, 10, 23),
      logarithm(written, 10, 23),
      static_cast<float>(kernels.size()) / 8,
      logarithm(site.in_channels, 1, 11),
      logarithm(site.out_channels, 1, 11),
      logarithm(widest, 1, 11),
      logarithm(site.in_pixels, 0, 8),
      logarithm(site.out_pixels, 0, 8),
      site.in_pixels > site.out_pixels ? 1.0f : 0.0f,
      grouped ? 1.0f : 0.0f,
      excited ? 1.0f : 0.0f,
      kernels.empty() ? 1.0f : 0.0f,
  };
  features.resize(static_cast<std::size_t>(node_feature_width(stages)));
  if (site.stage >= 0) features[static_cast<std::size_t>(kFixed + site.stage)] = 1;
  features[features.size() - 2] = static_cast<float>(site.in_stage) / 4;
  features[features.size() - 1] = site.depth;
  return features;
}

}  // namespace latencast
