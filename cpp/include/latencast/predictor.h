// The NASFLAT network (Akhauri and Abdelfattah, arXiv 2403.02446) with its devices: architectures -> scores,
// ms.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/checkpoint.h"
#include "latencast/encode.h"
#include "latencast/space.h"

namespace latencast {

/// Monotone map from rank score to latency, fitted in log space.
/// log(ms) is piecewise linear through the knots. Below them it goes on with the first slope; above them
/// latency itself goes on linearly, because scores of extreme architectures spread further than their log
/// latencies.
struct Calibration {
  std::vector<double> score;   ///< ascending, at least one
  std::vector<double> log_ms;  ///< not descending, same length
  double low_slope = 0;        ///< d log(ms) / d score below the first knot, >= 0
  double high_slope = 0;       ///< the same at the last knot, >= 0

  double latency_ms(double score) const;
};

/// What a device was measured for. Everything is computed from logarithms and differences, so energies go the
/// way of latencies: of an energy, whatever is called latency_ms is in millijoules.
enum class Quantity { latency, energy };

/// "latency", "energy" <-> Quantity. Throws `argument` on another name.
Quantity quantity_from_name(std::string_view name);
const char* name_of(Quantity quantity);

/// A measured architecture of the target device.
struct Measurement {
  Architecture architecture;  ///< canonical
  double latency_ms;          ///< finite, positive
  double relative_error =
      0;  ///< of the latency, one standard deviation, as measuring it has shown; 0: unknown
};

/// The source device a transfer started from: the one whose scores agree best with the target's latencies on
/// the measured architectures, by Kendall's tau.
struct Nearest {
  std::string device;
  double kendall;
  double spearman;
};

struct PredictorImpl;
class Posterior;
struct Belief;

/// An immutable trained predictor; copying is cheap and shares. Adapting one (latencast/transfer.h) returns
/// another.
class Predictor {
 public:
  /// From bytes of write(). Recomputes the self-test stored in them; throws `checkpoint` on any disagreement.
  /// encoder: of the same space; needed by a predictor with a supplementary encoding.
  static Predictor read(std::string_view bytes, const Encoder* encoder = nullptr);

  /// The same without the self-test, which is all that reading needs the network for: self_test() comes
  /// later.
  static Predictor read_untested(std::string_view bytes, const Encoder* encoder = nullptr);

  /// Throws `checkpoint` where the network does not give the scores that stood in the file. Nothing where it
  /// was not read from one, or has no network.
  void self_test() const;

  /// Bytes of a checkpoint holding everything; reading them gives a predictor with the very same scores.
  std::string write() const;

  const Space& space() const;

  /// Names of the devices with a hardware embedding, e.g. "pixel3"; for a transferred predictor only its own.
  const std::vector<std::string>& devices() const;

  /// Whether it is the result of a transfer, to devices()[0].
  bool is_transferred() const { return calibration().has_value() || posterior(); }

  /// What it was measured for; latency of a pre-trained one.
  Quantity quantity() const;

  /// Whether it can be transferred in closed form (latencast/estimate.h).
  bool has_prior() const;

  /// Of a transfer in closed form; else null. Lives as long as any copy of the predictor.
  const Posterior* posterior() const;

  /// Log latencies with their uncertainty. Throws `argument` without a posterior().
  std::vector<Belief> beliefs(const std::vector<Architecture>& architectures) const;

  /// Where fine-tuning started; absent for others.
  const std::optional<Nearest>& nearest() const;

  /// The measurements it was adapted on; empty for a pre-trained one.
  const std::vector<Measurement>& measurements() const;

  /// Score -> milliseconds of the target, of a fine-tuned one; absent for others.
  const std::optional<Calibration>& calibration() const;

  /// Rank scores (larger is slower; only the order means anything), one per architecture, in order.
  /// device: one of devices(), else throws `argument`. architectures: canonical.
  std::vector<double> scores(const std::string& device, const std::vector<Architecture>& architectures) const;

  /// Milliseconds on devices()[0]. Throws `argument` on a pre-trained predictor.
  std::vector<double> latency_ms(const std::vector<Architecture>& architectures) const;

  /// Number of trained scalars.
  std::size_t parameter_count() const;

  explicit Predictor(std::shared_ptr<const PredictorImpl> impl) : impl_(std::move(impl)) {}
  const PredictorImpl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const PredictorImpl> impl_;
};

}  // namespace latencast
