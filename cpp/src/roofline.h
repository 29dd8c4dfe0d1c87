// Latency by work and traffic alone: what is left to say of a kernel nobody timed, and what trees are fitted
// beside.
#pragma once

#include <vector>

#include "kernel_features.h"

namespace latencast {

/// overhead + per_mac * macs + per_element * traffic, in ms; nothing is negative.
struct Roofline {
  double overhead = 1e-6, per_mac = 0, per_element = 0;

  double log_ms(const KernelWork& work) const;
};

/// Least relative deviations; robust against some that are far off. log_ms: of each kernel.
Roofline fit_roofline(const std::vector<KernelWork>& work, const std::vector<double>& log_ms);

}  // namespace latencast
