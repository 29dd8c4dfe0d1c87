// Twenty measurements -> a predictor for a device never seen before (NASFLAT, arXiv 2403.02446, section 4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latencast/predictor.h"

namespace latencast {

/// Raise it whenever the same base, measurements and options come to give another result, so that no figures
/// kept from before are used.
constexpr int kTransferVersion = 1;

struct TransferOptions {
  std::string device = "my device";       ///< name of the new device
  Quantity quantity = Quantity::latency;  ///< of the measurements
  int epochs = 40;                        ///< >= 1
  /// > 0, AdamW with cosine to 1e-6, for every weight but the hardware embedding. Absent: from 2e-4 to 1e-3,
  /// the higher the worse the nearest source ranks the measurements, since the network then has more to
  /// learn.
  std::optional<double> learning_rate;
  double hardware_learning_rate = 1e-2;  ///< > 0, the same for the hardware embedding
  /// Where the hardware embedding starts: "correlation", that of the nearest source, or "random", a draw from
  /// N(0, 1).
  std::string init = "correlation";
  bool log_ratio_margin = true;  ///< rank pairs by a margin that grows with the latencies' ratio; else 0.1
  std::uint64_t seed = 0;        ///< decides everything random

  /// The paper's settings for NAS-Bench-201: 3e-3 for every weight, margin 0.1. The defaults above were
  /// chosen on source devices (docs/results.md).
  static TransferOptions published() {
    TransferOptions options;
    options.learning_rate = options.hardware_learning_rate = 3e-3;
    options.log_ratio_margin = false;
    return options;
  }
};

/// Where a running transfer stands.
struct TransferProgress {
  int step = 0;         ///< optimiser steps done
  int total_steps = 0;  ///< of these many
  int epoch = 0;        ///< epochs completed
  int epochs = 0;
  double loss = 0;  ///< mean pairwise hinge loss of the last completed epoch
};

/// A fine-tuning in progress. The base predictor is untouched; two transfers with the same input and seed
/// give the same result. Cancel by dropping it.
class Transfer {
 public:
  /// base: pre-trained, not itself transferred (else `argument`). measurements: at least 3, not all of one
  /// latency; latencies finite and positive; the same architecture may appear again (both readings count).
  /// Throws `measurement`, naming the offending one by its number from 1.
  Transfer(const Predictor& base, const std::vector<Measurement>& measurements,
           const TransferOptions& options);
  ~Transfer();
  Transfer(Transfer&&) noexcept;
  Transfer& operator=(Transfer&&) noexcept;

  /// One optimiser step (a few milliseconds). Returns false when none is left.
  bool step();

  const TransferProgress& progress() const;

  /// The source device whose hardware embedding the new one started from.
  const Nearest& nearest() const;

  /// The adapted predictor, once step() has returned false; throws `argument` before.
  Predictor result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs a Transfer to its end.
Predictor transfer(const Predictor& base, const std::vector<Measurement>& measurements,
                   const TransferOptions& options);

/// Monotone least squares of log latency on score: see Calibration. At least one measurement.
Calibration calibrate(const std::vector<double>& scores, const std::vector<double>& latency_ms);

}  // namespace latencast
