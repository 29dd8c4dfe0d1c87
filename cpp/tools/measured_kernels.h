// Kernels timed with the profiler: weights/measured.
#pragma once

#include <string>
#include <vector>

#include "kernel_data.h"

namespace latencast {

struct MeasuredPlatform {
  TimedPlatform platform;            ///< chip is its runtime: all were measured on one chip
  std::vector<std::string> origins;  ///< of each timing: how its kernel came to be measured, e.g. "real"
};

/// A folder's kernels.csv (columns as of read_shapes(), and origin) and its platforms: every other CSV file
/// whose comments name `id`, `title` and `runtime`, with the columns arch, a key of kernels.csv, and
/// latency_ms. By id. Throws `argument` on a kernel that kernels.csv does not list.
std::vector<MeasuredPlatform> read_measured(const std::string& folder);

}  // namespace latencast
