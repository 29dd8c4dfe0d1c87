// Latency-constrained search: the best architectures for each latency (NASFLAT, arXiv 2403.02446,
// section 6.5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "latencast/predictor.h"

namespace latencast {

struct Candidate {
  Architecture architecture;
  double latency_ms;  ///< predicted
  double quality;     ///< larger is better: an accuracy in percent, or a stand-in for it
};

/// A property of many architectures at once, one value each, in order; NaN where unknown.
using Estimate = std::function<std::vector<double>(const std::vector<Architecture>&)>;

struct SearchOptions {
  /// Upper limits in ms, each finite and positive; at least one.
  std::vector<double> limits_ms;
  /// Canonical; looked at first, as the measured ones, which are known to run.
  std::vector<Architecture> start;
  /// Regularised evolution (Real et al., AAAI 2019), where the space is not small enough to list.
  int population = 100;    ///< >= 2
  int tournament = 25;     ///< >= 1
  int evaluations = 5000;  ///< >= 1; architectures looked at, all limits together
  bool exhaustive_if_possible = true;
  std::uint64_t seed = 0;
};

/// A search in progress; drop it to cancel.
class Search {
 public:
  /// latency_ms, quality: called within step(), where an architecture without a finite value of both is never
  /// chosen; what they throw comes through. Throws `argument` on options out of range.
  Search(const Space& space, Estimate latency_ms, Estimate quality, const SearchOptions& options);

  /// With the latency that a transferred predictor (else `argument`) estimates.
  Search(const Predictor& predictor, Estimate quality, const SearchOptions& options);
  ~Search();
  Search(Search&&) noexcept;
  Search& operator=(Search&&) noexcept;

  /// Looks at some dozens of architectures, or at thousands where the space is listed: predicting many
  /// together is cheaper. Returns false when none is left.
  bool step();

  /// Share done, 0..1.
  double done() const;

  /// Architectures looked at so far, each counted once.
  std::size_t evaluated() const;

  /// Per limit, the candidate of highest quality at or below it; of equal quality the faster one. Absent
  /// where none was found. Grows better with every step.
  std::vector<std::optional<Candidate>> best() const;

  /// Candidates found that no other beats in both latency and quality, by latency ascending.
  std::vector<Candidate> front() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latencast
