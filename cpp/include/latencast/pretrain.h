// Latencies of many architectures on many devices -> a pre-trained predictor (arXiv 2403.02446, section 4).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "latencast/predictor.h"

namespace latencast {

/// Raise it whenever the same options come to give other weights, so that no pre-training kept from before is
/// used.
constexpr int kPretrainVersion = 1;

/// A table of measured latencies.
struct LatencyTable {
  std::vector<Architecture> architectures;  ///< canonical
  std::vector<std::string> devices;
  std::vector<std::vector<double>> latency_ms;  ///< [device][architecture]; NaN where not measured
};

struct PretrainOptions {
  std::string space = "nb201";
  std::string gnn = "ensemble";  ///< "dgf", "gat" or "ensemble"
  std::size_t samples = 4000;    ///< architectures drawn per device, at most
  int epochs = 60;
  int batch = 128;
  int devices_per_batch = 4;  ///< a batch mixes that many devices; pairs are formed within each
  double learning_rate = 1e-3;
  std::uint64_t seed = 0;  ///< decides everything random
};

/// Called after each epoch (counted from 1) with the mean pairwise hinge loss.
using PretrainProgress = std::function<void(int epoch, double loss)>;

/// Every device of the table is a source device. Throws `argument` where a device has fewer than 2 latencies.
Predictor pretrain(const LatencyTable& table, const PretrainOptions& options,
                   const PretrainProgress& progress);

}  // namespace latencast
