// Search that measures as it goes: a few measurements for a first predictor, the rest where they decide which
// architecture is the best within a limit. What it finds has been measured, so it is known to meet the limit.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "latencast/transfer.h"

namespace latencast {

struct CampaignOptions {
  std::vector<double> limits_ms;  ///< upper limits, each finite and positive; at least one
  int budget = 20;                ///< measurements in all, for all limits together
  int first = 6;                  ///< of them before the first transfer, >= 3 and <= budget
  int second = 12;                ///< transfer again with that many
  TransferOptions transfer;       ///< its seed decides everything random
};

/// Ask next(), measure, tell(); until next() is absent.
class Campaign {
 public:
  /// base: pre-trained, not itself transferred. candidates: canonical, of its space, all different; quality:
  /// one value each, larger is better, NaN where unknown (never measured). Throws `argument` on anything out
  /// of range.
  Campaign(const Predictor& base, std::vector<Architecture> candidates, std::vector<double> quality,
           const CampaignOptions& options);
  ~Campaign();
  Campaign(Campaign&&) noexcept;
  Campaign& operator=(Campaign&&) noexcept;

  /// What to measure now; absent once the budget is spent or no candidate can be expected to improve on what
  /// is known.
  const std::optional<Architecture>& next() const;

  /// The latency of next(), finite and positive, else throws `measurement`. Takes as long as a transfer at
  /// the two places where there is one, which throws as Transfer does.
  void tell(double latency_ms);

  /// What has been told, in order.
  const std::vector<Measurement>& measured() const;

  /// Per limit, of what has been measured at or below it, the best; absent where there is none.
  std::vector<std::optional<Measurement>> best() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latencast
