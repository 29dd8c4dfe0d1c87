// Invented devices: what a roofline with random rates would take. Few real devices are known, and a target
// may be unlike all of them; a network that has also ranked for invented ones knows more ways of being a
// device.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "latencast/rng.h"
#include "latencast/space.h"

namespace latencast {

class SimulatedDevice {
 public:
  /// Draws one. space: outlives it.
  SimulatedDevice(const Space& space, Rng& rng);

  /// In arbitrary units; only comparisons within a device mean anything.
  double latency(const Graph& graph);

 private:
  struct Rate {
    double macs, overhead;  ///< per unit of time; units of time per kernel
  };

  double time_of(const Kernel& kernel) const;
  double node_time(int op, int place);

  const Space& space_;
  Rate dense_, pointwise_, grouped_, depthwise_, wide_depthwise_, other_;
  double bandwidth_, weight_bandwidth_;  ///< elements per unit of time
  double by_resolution_, by_channels_;   ///< exponents by which the rates change with a kernel's size
  int lanes_;                            ///< channels are worked on in groups of that many
  double overlap_;                       ///< 1: arithmetic and traffic add; large: the longer one counts
  double critical_path_;                 ///< share of the longest path, against the sum of all operations
  bool executes_dead_;                   ///< operations that cannot reach the output
  std::vector<double> quirk_, idle_;  ///< per operation: factor on its time; time where it executes nothing
  std::map<std::pair<int, int>, double> known_;
};

}  // namespace latencast
