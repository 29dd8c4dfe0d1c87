// Invented devices: what a roofline with random rates would take. Few real devices are known, and a target
// may be unlike all of them; who has also seen invented ones knows more ways of being a device.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "latencast/rng.h"
#include "latencast/space.h"

namespace latencast {

/// Raise it whenever the devices drawn from the same seed come to differ.
constexpr int kSimulateVersion = 2;

class SimulatedDevice {
 public:
  /// Draws one. space: outlives it.
  SimulatedDevice(const Space& space, Rng& rng);

  /// In arbitrary units, positive; only comparisons within a device mean anything.
  double latency(const Graph& graph);

 private:
  struct Rate {
    double macs, overhead;  ///< per unit of time; units of time per kernel
  };
  /// Elements per unit of time, and how many times slower whatever does not fit into the cache comes.
  struct Memory {
    double bandwidth, cache, miss;
    double time(double elements) const { return elements / bandwidth * (elements > cache ? miss : 1); }
  };

  const Rate& rate_of(const Kernel& kernel) const;
  double time_of(const Kernel& kernel, double quirk);
  double kernel_quirk(const Kernel& kernel);
  double node_time(int op, int place);

  const Space& space_;
  Rate dense_, pointwise_, grouped_, depthwise_, wide_depthwise_, other_;
  Memory activations_, weights_;
  double by_resolution_, by_channels_;  ///< exponents by which the rates change with a kernel's size
  double depthwise_by_resolution_, depthwise_by_channels_;
  int lanes_;              ///< channels are worked on in groups of that many
  double overlap_;         ///< of arithmetic and traffic. 1: they add; large: the longer one counts
  double launch_overlap_;  ///< of a kernel's overhead and its work, the same: an accelerator is fed while it
                           ///< works
  double critical_path_;   ///< share of the longest path, against the sum of all operations
  bool executes_dead_;     ///< operations that cannot reach the output
  bool folds_constants_;   ///< a network whose output does not depend on its input is computed beforehand
  bool fuses_;             ///< sums and pools cost no overhead
  double kernel_spread_;   ///< of the factors that single kernels have of their own
  std::vector<double> quirk_, idle_;  ///< per operation: factor on its work; time where it executes nothing
  Rng kernel_rng_;
  std::map<std::vector<int>, double> kernel_quirk_;
  std::map<std::pair<int, int>, double> known_;
};

}  // namespace latencast
