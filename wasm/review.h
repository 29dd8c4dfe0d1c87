// Beliefs and reviews across the boundary, of any space.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "latencast/estimate.h"
#include "options.h"

namespace latencast::boundary {

inline Json to_json(const Belief& belief) {
  const Belief::Interval interval = belief.interval();
  return {{"low", interval.low}, {"latency_ms", interval.median}, {"high", interval.high}};
}

/// The option "errors": relative, one for each measurement, 0 where unknown.
inline void read_errors(Options& options, std::vector<Measurement>& measurements) {
  std::vector<double> errors;
  options.read("errors", errors);
  if (errors.empty()) return;
  if (errors.size() != measurements.size())
    throw Error(ErrorCode::argument, "transfer: found " + std::to_string(errors.size()) + " errors for " +
                                         std::to_string(measurements.size()) +
                                         " measurements; expected as many of each");
  for (std::size_t i = 0; i < errors.size(); ++i) measurements[i].relative_error = errors[i];
}

inline Json to_json(const Review& review) {
  Json left_out = Json::array(), doubts = Json::array(), likenesses = Json::array();
  for (const Belief& belief : review.left_out) left_out.push_back(to_json(belief));
  for (const Doubt& doubt : review.doubts)
    doubts.push_back({{"measurements", doubt.measurements},
                      {"kind", name_of(doubt.kind)},
                      {"message", doubt.message},
                      {"factor", doubt.factor},
                      {"set_aside", doubt.set_aside}});
  constexpr std::size_t kMostShown = 5;
  for (std::size_t i = 0; i < std::min(kMostShown, review.likenesses.size()); ++i)
    likenesses.push_back(
        {{"device", review.likenesses[i].device}, {"probability", review.likenesses[i].probability}});
  return {{"left_out", left_out},
          {"doubts", doubts},
          {"noise", review.noise},
          {"timer_unit_ms", review.timer_unit_ms},
          {"likenesses", likenesses},
          {"expected_spearman", review.expected_spearman},
          {"expected_error", review.expected_error}};
}

/// All lows, then all medians, then all highs. Throws `argument` where the coverage is not between 0 and 1.
inline std::vector<double> columns_of(const std::vector<Belief>& beliefs, double coverage) {
  if (!(coverage > 0 && coverage < 1))
    throw Error(ErrorCode::argument, "intervals: found the coverage " + std::to_string(coverage) +
                                         "; expected one between 0 and 1");
  const std::size_t n = beliefs.size();
  std::vector<double> values(3 * n);
  const double reach = normal_reach(coverage);
  for (std::size_t i = 0; i < n; ++i) {
    const Belief::Interval interval = beliefs[i].within(reach);
    values[i] = interval.low;
    values[n + i] = interval.median;
    values[2 * n + i] = interval.high;
  }
  return values;
}

}  // namespace latencast::boundary
