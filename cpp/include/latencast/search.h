// Latency-constrained search: the best architectures for each latency (NASFLAT, arXiv 2403.02446, section 6.5).
#pragma once

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

/// What is to be large: of many architectures at once, one value each; NaN where unknown (never chosen).
using Quality = std::function<std::vector<double>(const std::vector<Architecture>&)>;

struct SearchOptions {
  /// Upper limits in ms, each finite and positive; at least one.
  std::vector<double> limits_ms;
  /// Regularised evolution (Real et al., AAAI 2019), where the space is not small enough to list.
  int population = 100;
  int tournament = 25;
  int evaluations = 5000;  ///< predictions asked for at most, all limits together
  bool exhaustive_if_possible = true;
  std::uint64_t seed = 0;
};

/// A search in progress; drop it to cancel.
class Search {
 public:
  /// predictor: transferred (else `argument`).
  Search(const Predictor& predictor, Quality quality, const SearchOptions& options);
  ~Search();
  Search(Search&&) noexcept;
  Search& operator=(Search&&) noexcept;

  /// Some tens of milliseconds of work. Returns false when none is left.
  bool step();

  /// Share done, 0..1.
  double done() const;

  /// Per limit, the candidate of highest quality predicted at or below it; of equal quality the faster one. Absent
  /// where none was found. Grows better with every step.
  std::vector<std::optional<Candidate>> best() const;

  /// Candidates found that no other beats in both latency and quality, by latency ascending.
  std::vector<Candidate> front() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latencast
