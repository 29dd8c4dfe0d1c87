// Rank score -> milliseconds: a monotone curve through log latency, as stiff as the measurements ask for.
//
// The curve is piecewise linear with non-negative slopes, fitted by least squares with a penalty on changes
// of slope; how stiff is chosen by leaving measurements out. A straight line is the stiff end, interpolation
// the other.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "latencast/error.h"
#include "latencast/transfer.h"

namespace latencast {
namespace {

constexpr std::size_t kMostSegments = 12;

// Least squares of log_ms = start + sum_j slope_j * run_j(score), slope_j >= 0, where run_j is how far the
// score has come along segment j, plus stiffness * sum_j (slope_{j+1} - slope_j)^2. Scores are in units of
// their range.
class Curve {
 public:
  Curve(std::vector<double> knots, const std::vector<double>& score, const std::vector<double>& log_ms,
        double stiffness)
      : knots_(std::move(knots)), slope_(knots_.size() - 1, 0.0) {
    const std::size_t n = score.size(), m = slope_.size();
    std::vector<std::vector<double>> run(m, std::vector<double>(n));
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t i = 0; i < n; ++i) run[j][i] = along(j, score[i]);

    // Normal equations with the start eliminated by centring, then coordinate descent: small, convex, exact
    // enough.
    const double mean_log = std::accumulate(log_ms.begin(), log_ms.end(), 0.0) / double(n);
    std::vector<double> mean_run(m, 0.0), target(m, 0.0);
    std::vector<std::vector<double>> gram(m, std::vector<double>(m, 0.0));
    for (std::size_t j = 0; j < m; ++j)
      mean_run[j] = std::accumulate(run[j].begin(), run[j].end(), 0.0) / double(n);
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t i = 0; i < n; ++i) target[j] += (run[j][i] - mean_run[j]) * (log_ms[i] - mean_log);
      for (std::size_t k = 0; k < m; ++k)
        for (std::size_t i = 0; i < n; ++i)
          gram[j][k] += (run[j][i] - mean_run[j]) * (run[k][i] - mean_run[k]);
    }
    for (std::size_t j = 0; j + 1 < m; ++j) {
      gram[j][j] += stiffness;
      gram[j + 1][j + 1] += stiffness;
      gram[j][j + 1] -= stiffness;
      gram[j + 1][j] -= stiffness;
    }
    constexpr int kSweeps = 2000;
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      double moved = 0;
      for (std::size_t j = 0; j < m; ++j) {
        if (gram[j][j] <= 0) continue;
        double rest = target[j];
        for (std::size_t k = 0; k < m; ++k)
          if (k != j) rest -= gram[j][k] * slope_[k];
        const double next = std::max(0.0, rest / gram[j][j]);
        moved = std::max(moved, std::abs(next - slope_[j]));
        slope_[j] = next;
      }
      if (moved < 1e-10) break;
    }
    start_ = mean_log;
    for (std::size_t j = 0; j < m; ++j) start_ -= slope_[j] * mean_run[j];
  }

  double operator()(double score) const {
    double value = start_;
    for (std::size_t j = 0; j < slope_.size(); ++j) value += slope_[j] * along(j, score);
    return value;
  }

  const std::vector<double>& knots() const { return knots_; }
  const std::vector<double>& slope() const { return slope_; }

 private:
  // The end segments go on for ever.
  double along(std::size_t j, double score) const {
    const double from = j == 0 ? -std::numeric_limits<double>::infinity() : knots_[j];
    const double to = j + 1 == slope_.size() ? std::numeric_limits<double>::infinity() : knots_[j + 1];
    return std::clamp(score, from, to) - knots_[j];
  }

  std::vector<double> knots_, slope_;
  double start_ = 0;
};

std::vector<double> quantile_knots(std::vector<double> sorted) {
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  const std::size_t segments = std::min(kMostSegments, sorted.size() - 1);
  std::vector<double> knots;
  for (std::size_t j = 0; j <= segments; ++j) knots.push_back(sorted[j * (sorted.size() - 1) / segments]);
  return knots;
}

double left_out_error(const std::vector<double>& knots, const std::vector<double>& score,
                      const std::vector<double>& log_ms, double stiffness) {
  // Leaving out one at a time, or in twenty parts where there are many.
  constexpr std::size_t kMostParts = 20;
  const std::size_t parts = std::min(kMostParts, score.size());
  double error = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    std::vector<double> kept_score, kept_log;
    for (std::size_t i = 0; i < score.size(); ++i) {
      if (i % parts == part) continue;
      kept_score.push_back(score[i]);
      kept_log.push_back(log_ms[i]);
    }
    const Curve curve(knots, kept_score, kept_log, stiffness);
    for (std::size_t i = part; i < score.size(); i += parts) error += std::abs(curve(score[i]) - log_ms[i]);
  }
  return error;
}

}  // namespace

Calibration calibrate(const std::vector<double>& scores, const std::vector<double>& latency_ms) {
  if (scores.empty() || scores.size() != latency_ms.size())
    throw Error(ErrorCode::argument, "calibrate: found " + std::to_string(scores.size()) + " scores and " +
                                         std::to_string(latency_ms.size()) +
                                         " latencies; expected as many, at least 1");
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return scores[i] < scores[j]; });
  const double lowest = scores[order.front()], range = scores[order.back()] - lowest;
  std::vector<double> score, log_ms;
  for (const std::size_t i : order) {
    score.push_back(range > 0 ? (scores[i] - lowest) / range : 0);
    log_ms.push_back(std::log(latency_ms[i]));
  }
  if (!(range > 0)) {
    std::vector<double> sorted = log_ms;
    std::sort(sorted.begin(), sorted.end());
    return {{lowest}, {sorted[sorted.size() / 2]}, 0, 0};
  }

  const auto knots = quantile_knots(score);
  double best_stiffness = 0, best_error = std::numeric_limits<double>::infinity();
  for (const double stiffness : {100.0, 10.0, 1.0, 0.1, 0.01, 0.001}) {
    const double error = score.size() < 4 ? 0 : left_out_error(knots, score, log_ms, stiffness);
    if (error < best_error) {
      best_error = error;
      best_stiffness = stiffness;
    }
  }
  const Curve curve(knots, score, log_ms, best_stiffness);
  Calibration calibration;
  for (const double knot : knots) {
    calibration.score.push_back(lowest + knot * range);
    calibration.log_ms.push_back(curve(knot));
  }
  calibration.low_slope = curve.slope().front() / range;
  calibration.high_slope = curve.slope().back() / range;
  return calibration;
}

}  // namespace latencast
