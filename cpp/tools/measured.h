// Platforms that the project's own profiler measured (weights/profiler, weights/measured).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernel_data.h"
#include "latencast/decompose.h"

namespace latencast {

constexpr const char* kMeasured = "measured";  ///< PoolEntry::source of these

struct MeasuredPlatform {
  PoolEntry entry;  ///< chip: the machine and the runtime, whose settings leave the pool together
  std::string machine, runtime;
  std::string family;  ///< whose fusions take its networks apart
  std::vector<KernelTiming> timings;
  std::vector<std::string> origins;  ///< of each timing: real, range, vae, random
  std::vector<double> network_ms;    ///< of Measured::networks; NaN where it was not measured
  std::string version, precision;
  int threads = 1;
  double retest_5 = 0,
         retest_10 = 0;  ///< share of kernels on which two halves of the rounds agree within 5, 10 %
};

struct Measured {
  std::vector<MeasuredPlatform> platforms;
  std::vector<std::string> networks;  ///< "nb201-0", ...
};

/// What was timed so on all machines: kernels.csv, networks.csv and platforms.csv of `folder`/MACHINE, or of
/// `folder`/MACHINE/inside. Throws `argument` where machines ran different lists of networks.
Measured read_measured(const std::string& folder, Timed timed);

/// Platforms of other runtimes than that one, on whatever machine.
std::vector<PoolPlatform> without_runtime(const std::vector<PoolPlatform>& pool, const Measured& measured,
                                          const std::string& runtime);

/// The networks of `latencast kernels networks`, whose names are those measured, as a family fuses them.
class NetworksInParts {
 public:
  explicit NetworksInParts(const std::vector<std::string>& names);

  const std::vector<Decomposition>& by(const std::string& family);

  /// Of one platform: every network measured there.
  std::vector<ModelMeasurement> measured_on(const MeasuredPlatform& platform);

 private:
  std::vector<Model> models_;
  std::map<std::string, std::vector<Decomposition>> parts_;
};

}  // namespace latencast
