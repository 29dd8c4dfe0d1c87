// Which measurements of a device are slips: far longer than all others let expect, or by a digit too short.
#pragma once

#include <functional>
#include <vector>

#include "latencast/posterior.h"

namespace latencast {

/// What a fit without some measurements says of the others.
struct Evidence {
  double log_evidence = 0;
  std::vector<double> without;   ///< log evidence without each measurement as well
  std::vector<Belief> left_out;  ///< each measurement from all others
};

/// Chosen forward by evidence. trusted: per measurement, or empty; these are never a slip. fit: without the
/// measurements that it marks; called first with none.
std::vector<bool> find_slips(const std::vector<double>& log_ms, const std::vector<bool>& trusted,
                             const std::function<Evidence(const std::vector<bool>& aside)>& fit);

}  // namespace latencast
