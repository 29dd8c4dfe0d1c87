// What of a kernel's shape a predictor sees.
#pragma once

#include <array>

#include "latencast/pool.h"

namespace latencast {

/// Elements, not bytes: precision is a matter of the platform.
struct KernelWork {
  double macs;  ///< multiply-adds of products and convolutions; sums and comparisons of the rest
  double in, weights, out;
  double traffic() const { return in + weights + out; }
};

KernelWork work_of(const KernelShape& kernel);

constexpr std::size_t kPhysicalFeatures = 36;                              ///< within a type
constexpr std::size_t kKernelFeatures = kPhysicalFeatures + kKernelTypes;  ///< and the type, one-hot

/// Sizes and work as binary logarithms; what tiles, vectors and Winograd transforms waste on them. Index 0 is
/// the work, 1 the traffic.
using KernelFeatures = std::array<float, kKernelFeatures>;
KernelFeatures features_of(const KernelShape& kernel);

/// By what libraries choose algorithms, and how well tiles fill a chip: how often sizes can be halved (at
/// most 8 times), whether a Winograd transform or a plain product would do, and, for some numbers of compute
/// units and sizes of tiles, how much of the last round is idle, as a binary logarithm of the whole.
constexpr std::size_t kChoiceFeatures = 15;
std::array<float, kChoiceFeatures> choice_features(const KernelShape& kernel);

/// Features in which latency is smooth, scaled so that a distance of 1 is a small change.
constexpr std::size_t kSmoothFeatures = 12;
std::array<double, kSmoothFeatures> smooth_features(const KernelShape& kernel);

/// smooth_features() and further sizes, what is wasted when channels and pixels are rounded up to multiples
/// of 4 to 32, and choice_features(); scaled so that a distance of 1 is a small change.
constexpr std::size_t kProcessFeatures = 30 + kChoiceFeatures;
std::array<double, kProcessFeatures> process_features(const KernelShape& kernel);

}  // namespace latencast
