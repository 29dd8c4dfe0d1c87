// Measured kernel latencies, whoever collected them, in one shape.
#pragma once

#include <string>
#include <vector>

#include "latencast/pool.h"

namespace latencast {

/// A platform's timings. entry: id, title, chip and source.
struct TimedPlatform {
  PoolEntry entry;
  std::vector<KernelTiming> timings;
};

/// Of tables of kernels, in the order of key_of().
constexpr const char* kKernelColumns = "kernel,n,h,w,cin,cout,kh,kw,stride,groups";

/// The columns kKernelColumns, empty where one does not apply; others are ignored.
std::vector<KernelShape> read_shapes(const std::string& path);

/// Those columns of a kernel, comma between them; more (FusedKernel::key) where they do not tell all of it.
std::string key_of(const KernelShape& kernel);

/// The same and the column latency_ms; rows without a latency are ignored.
std::vector<KernelTiming> read_timings(const std::string& path);

/// Every platform with at least `fewest` timings of the data sets in a folder: those known by name
/// (miopen/conv2d_fwd.csv, lwnas_v100/..., neusight/..., cde/..., dlperf/..., deepbench/...), uncompressed;
/// those that are not there are left out; `argument` where none is. By id.
std::vector<TimedPlatform> read_kernel_data(const std::string& folder, std::size_t fewest = 100);

}  // namespace latencast
