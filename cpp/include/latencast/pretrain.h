// Latencies of many architectures on many devices -> a pre-trained predictor (arXiv 2403.02446, section 4).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "latencast/encode.h"
#include "latencast/predictor.h"

namespace latencast {

/// Raise it whenever the same options come to give other weights, so that no pre-training kept from before is
/// used.
constexpr int kPretrainVersion = 3;

/// A table of measured latencies.
struct LatencyTable {
  std::vector<Architecture> architectures;  ///< canonical
  std::vector<std::string> devices;
  std::vector<std::vector<double>> latency_ms;  ///< [device][architecture]; NaN where not measured
};

struct PretrainOptions {
  std::string space = "nb201";

  // The network; its variants are those of NASFLAT's ablations.
  std::string gnn = "ensemble";  ///< "dgf", "gat" or "ensemble"
  std::string hardware_place =
      "operation";  ///< "operation": in every operation's vector; "head": beside the read-out
  int operation_width = 40;
  int hardware_width = 16;
  int state_width = 64;
  int stage1_layers = 2;
  int stage2_layers = 3;
  Encoding supplement = Encoding::none;
  std::optional<Encoder> encoder;  ///< of the space; needed where there is a supplement

  std::size_t samples = 4000;  ///< architectures drawn per device, at most
  /// Invented devices to learn from besides the table's (NASFLAT has none): what a roofline of random rates
  /// would take. The predictor keeps the first 64 of them, by the names simulated_1 ..., as starts for a
  /// transfer.
  int invented = 256;
  double invented_share = 0.75;  ///< of the batches' devices, in [0, 1)
  int steps = 10000;             ///< of the optimiser
  int batch = 128;
  int devices_per_batch = 4;  ///< a batch mixes that many devices; pairs are formed within each
  double learning_rate = 1e-3;
  std::uint64_t seed = 0;  ///< decides everything random
};

/// Called after each pass through the measurements, and at the end, with the steps done and the mean pairwise
/// hinge loss since the last call.
using PretrainProgress = std::function<void(int step, double loss)>;

/// Every device of the table is a source device. Throws `argument` where a device has fewer than 2 latencies.
Predictor pretrain(const LatencyTable& table, const PretrainOptions& options,
                   const PretrainProgress& progress);

}  // namespace latencast
