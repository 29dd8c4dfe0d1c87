#include "latencast/posterior.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"
#include "linear.h"
#include "product.h"
#include "slips.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

// Standard deviations in log latency: how far a device is from the centre it is most like, and of noise.
constexpr double kApart[] = {0.01, 0.03, 0.1, 0.3};
constexpr double kNoise[] = {0.004, 0.01, 0.025, 0.06, 0.15, 0.3};
constexpr double kLog2Pi = 1.8378770664093453;

// Above as many measurements as this, their sufficient statistics stand for them.
constexpr Index kMostRows = 256;

// Where many rows are merged before their noise is known, what is stated of each is weighed against this.
constexpr double kUsualNoise = 0.025;

constexpr double kNegligible = 1e-4;  // weights below count for nothing

double log_sum(const std::vector<double>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

double square(double value) { return value * value; }

// The unit of a timer that shows in the readings: all are whole multiples of it, and it is coarse for them.
double timer_unit(const std::vector<double>& latency_ms) {
  if (latency_ms.size() < 5) return 0;
  const double smallest = *std::min_element(latency_ms.begin(), latency_ms.end());
  for (const double unit : {100.0, 10.0, 1.0, 0.1, 0.01}) {
    if (smallest > 200 * unit) return 0;
    const auto is_multiple = [&](double ms) { return std::abs(ms / unit - std::round(ms / unit)) < 1e-6; };
    if (std::all_of(latency_ms.begin(), latency_ms.end(), is_multiple)) return unit;
  }
  return 0;
}

}  // namespace

double normal_reach(double coverage) {
  double low = 0, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < coverage ? low : high) = middle;
  }
  return low;
}

Belief::Interval Belief::interval(double coverage) const { return within(normal_reach(coverage)); }

Belief::Interval Belief::within(double reach) const {
  return {std::exp(mean - reach * spread), std::exp(mean), std::exp(mean + reach * spread)};
}

// With one choice of a and b. Rows: the measurements that count, or what stands for them.
struct Posterior::Component {
  double apart, noise;
  double weight = 0;
  DoubleMatrix rows;       // psi of each row, then its share of the level (1 for a measurement)
  DoubleMatrix inverse;    // L^-1 of the rows' covariance without the level
  DoubleMatrix precision;  // inverse of the covariance, level and all
  // Weighted centres that are not negligible: weights within the component, t and level of each after the
  // measurements.
  std::vector<double> share;
  DoubleMatrix coefficients;  // a row each, the level last
};

Posterior::Posterior(const Prior& prior, const RowMatrix& psi, const std::vector<double>& latency_ms,
                     const PosteriorOptions& options)
    : prior_(prior), psi_(psi.cast<double>()), set_aside_(latency_ms.size(), false) {
  if (psi.rows() != static_cast<Index>(latency_ms.size()) ||
      (!options.trusted.empty() && options.trusted.size() != latency_ms.size()) ||
      (!options.relative_error.empty() && options.relative_error.size() != latency_ms.size()))
    throw Error(ErrorCode::argument, "posterior: found " + std::to_string(psi.rows()) + " rows, " +
                                         std::to_string(latency_ms.size()) + " latencies; expected as many");
  for (std::size_t i = 0; i < latency_ms.size(); ++i) {
    if (!std::isfinite(latency_ms[i]) || latency_ms[i] <= 0)
      throw Error(ErrorCode::measurement, "transfer: sample " + std::to_string(i + 1) + " has latency " +
                                              std::to_string(latency_ms[i]) +
                                              " ms; latencies must be finite and positive");
    log_ms_.push_back(std::log(latency_ms[i]));
  }
  stated_.assign(latency_ms.size(), 0);
  for (std::size_t i = 0; i < options.relative_error.size(); ++i) {
    const double error = options.relative_error[i];
    if (!std::isfinite(error) || error < 0)
      throw Error(ErrorCode::measurement, "transfer: sample " + std::to_string(i + 1) +
                                              " has a relative error of " + std::to_string(error) +
                                              "; errors must be finite and not negative");
    stated_[i] = square(error);
  }
  if (!stated_.empty()) {
    least_noise_ = *std::min_element(stated_.begin(), stated_.end());
    for (double& variance : stated_) variance -= least_noise_;
  }
  timer_unit_ms_ = timer_unit(latency_ms);
  for (const double ms : latency_ms) rounding_.push_back(square(timer_unit_ms_ / ms) / 12);
  if (psi_.rows() == 0) psi_.resize(0, prior.basis.cols());

  fit(set_aside_, true);
  if (!options.sets_aside) return;
  std::vector<bool> found = find_slips(log_ms_, options.trusted, [&](const std::vector<bool>& aside) {
    if (!is_final_ || aside != set_aside_) fit(aside, false);
    return Evidence{log_evidence_, without_, left_out_};
  });
  // Its trials have left their own fits behind.
  if (!is_final_ || found != set_aside_) fit(found, true);
  set_aside_ = std::move(found);
}

Posterior::~Posterior() = default;
Posterior::Posterior(Posterior&&) noexcept = default;

void Posterior::fit(const std::vector<bool>& ignored, bool last) {
  const Index q = prior_.basis.cols(), centres = prior_.centres.rows();
  const std::size_t n = log_ms_.size();
  std::vector<Index> used;
  for (std::size_t i = 0; i < n; ++i)
    if (!ignored[i]) used.push_back(static_cast<Index>(i));
  const auto m = static_cast<Index>(used.size());

  // What is known: rows of (psi, 1), the log latencies, and what the timer and their stated errors add to
  // their variance.
  DoubleMatrix rows(m, q + 1);
  Eigen::VectorXd y(m), rounding(m), stated(m);
  for (Index i = 0; i < m; ++i) {
    const Index from = used[static_cast<std::size_t>(i)];
    rows.row(i).head(q) = psi_.row(from);
    rows(i, q) = 1;
    y[i] = log_ms_[static_cast<std::size_t>(from)] - prior_.level;
    rounding[i] = rounding_[static_cast<std::size_t>(from)];
    stated[i] = stated_[static_cast<std::size_t>(from)];
  }
  // With many, an orthogonal transformation leaves all that the rows say of (t, level) in q + 1 of them.
  const bool compressed = m > std::max(kMostRows, q + 1);
  double left_over = 0, scaled = 0;
  Index lost = 0;
  if (compressed) {
    DoubleMatrix all(m, q + 2);
    all << rows, y;
    for (Index i = 0; i < m; ++i) {
      const double scale = 1 / std::sqrt(1 + stated[i] / square(kUsualNoise));
      all.row(i) *= scale;
      scaled += std::log(scale);
    }
    const DoubleMatrix upper = upper_triangle(std::move(all));
    rows = upper.topLeftCorner(q + 1, q + 1);
    y = upper.col(q + 1).head(q + 1);
    left_over = square(upper(q + 1, q + 1));
    rounding = Eigen::VectorXd::Constant(q + 1, rounding.mean());
    stated.setZero(q + 1);
    lost = m - q - 1;
  }
  const Index r = rows.rows();

  DoubleMatrix gram(r, r), expected(r, centres);
  const DoubleMatrix psi = rows.leftCols(q);
  const DoubleMatrix all_centres = prior_.centres.cast<double>();
  if (r > 0) {
    set_product(psi, psi.transpose(), gram);
    set_product(psi, all_centres.transpose(), expected);
  }
  const DoubleMatrix residual = (-expected).colwise() + y;
  const Eigen::VectorXd level = rows.col(q), added = rounding + stated;

  struct Trial {
    double apart, noise;
    DoubleMatrix lower, alpha;
    Eigen::VectorXd precision;       // diagonal of the inverse covariance
    std::vector<double> log_weight;  // per centre
  };
  std::vector<Trial> trials;
  std::vector<double> all_weights;
  for (const double apart : kApart) {
    for (const double noise : kNoise) {
      Trial trial{apart, noise, {}, {}, {}, {}};
      DoubleMatrix covariance =
          square(apart) * gram + square(prior_.level_spread) * level * level.transpose();
      covariance.diagonal() += (added.array() + square(noise)).matrix();
      trial.lower = cholesky(covariance);
      const DoubleMatrix whitened = solve_lower(trial.lower, residual);
      trial.alpha = solve_lower_transposed(trial.lower, whitened);
      const DoubleMatrix inverse = solve_lower(trial.lower, DoubleMatrix::Identity(r, r));
      trial.precision = inverse.colwise().squaredNorm();
      const double variance = square(noise) + (lost > 0 ? rounding[0] : 0);
      const double common = -trial.lower.diagonal().array().log().sum() + scaled - 0.5 * double(m) * kLog2Pi -
                            0.5 * double(lost) * std::log(variance) - 0.5 * left_over / variance;
      for (Index s = 0; s < centres; ++s)
        trial.log_weight.push_back(common - 0.5 * whitened.col(s).squaredNorm() + std::log(prior_.mass(s)));
      all_weights.insert(all_weights.end(), trial.log_weight.begin(), trial.log_weight.end());
      trials.push_back(std::move(trial));
    }
  }
  log_evidence_ = log_sum(all_weights);

  // Each measurement from the others, all in closed form (Rasmussen and Williams, 2006, equation 5.12).
  without_.assign(n, log_evidence_);
  left_out_.assign(n, {});
  if (!compressed) {
    for (Index i = 0; i < m; ++i) {
      double largest = -std::numeric_limits<double>::infinity();
      const auto weight_without = [&](const Trial& trial, Index s) {
        const double alpha = trial.alpha(i, s), precision = trial.precision[i];
        return trial.log_weight[static_cast<std::size_t>(s)] +
               0.5 * (kLog2Pi - std::log(precision) + square(alpha) / precision);
      };
      for (const Trial& trial : trials)
        for (Index s = 0; s < centres; ++s) largest = std::max(largest, weight_without(trial, s));
      double sum = 0, mean = 0, mean_square = 0;
      for (const Trial& trial : trials) {
        for (Index s = 0; s < centres; ++s) {
          const double log_weight = weight_without(trial, s) - largest;
          if (log_weight < -20) continue;
          const double weight = std::exp(log_weight), off = trial.alpha(i, s) / trial.precision[i];
          sum += weight;
          mean += weight * off;
          mean_square += weight * (square(off) + 1 / trial.precision[i]);
        }
      }
      const auto at = static_cast<std::size_t>(used[static_cast<std::size_t>(i)]);
      without_[at] = largest + std::log(sum);
      mean /= sum;
      left_out_[at] = {log_ms_[at] - mean, std::sqrt(mean_square / sum - square(mean))};
    }
  }

  is_final_ = last;
  if (!last) return;

  // What predictions need.
  components_.clear();
  noise_ = 0;
  std::vector<double> likeness(prior_.devices.size(), 0);
  for (const Trial& trial : trials) {
    Component component{trial.apart, trial.noise, 0, {}, {}, {}, {}, {}};
    std::vector<Index> kept;
    for (Index s = 0; s < centres; ++s) {
      const double weight = std::exp(trial.log_weight[static_cast<std::size_t>(s)] - log_evidence_);
      component.weight += weight;
      if (static_cast<std::size_t>(s) < likeness.size()) likeness[static_cast<std::size_t>(s)] += weight;
      if (weight < kNegligible) continue;
      kept.push_back(s);
      component.share.push_back(weight);
    }
    noise_ += component.weight * square(trial.noise);
    if (component.weight < 1e-3) continue;
    if (kept.empty()) {  // spread thin over all centres
      for (Index s = 0; s < centres; ++s) {
        kept.push_back(s);
        component.share.push_back(std::exp(trial.log_weight[static_cast<std::size_t>(s)] - log_evidence_));
      }
    }
    DoubleMatrix alpha(r, static_cast<Index>(kept.size()));
    component.coefficients.resize(alpha.cols(), q + 1);
    for (Index k = 0; k < alpha.cols(); ++k)
      alpha.col(k) = trial.alpha.col(kept[static_cast<std::size_t>(k)]);
    if (r > 0)
      set_product(alpha.transpose(), rows, component.coefficients);
    else
      component.coefficients.setZero();
    component.coefficients.leftCols(q) *= square(trial.apart);
    component.coefficients.col(q) *= square(prior_.level_spread);
    component.coefficients.col(q).array() += prior_.level;
    for (Index k = 0; k < alpha.cols(); ++k)
      component.coefficients.row(k).head(q) += all_centres.row(kept[static_cast<std::size_t>(k)]);
    DoubleMatrix covariance = square(trial.apart) * gram;
    covariance.diagonal() += (added.array() + square(trial.noise)).matrix();
    component.inverse = solve_lower(cholesky(covariance), DoubleMatrix::Identity(r, r));
    const DoubleMatrix whitening = solve_lower(trial.lower, DoubleMatrix::Identity(r, r));
    set_product(whitening.transpose(), whitening, component.precision);
    component.rows = rows;
    components_.push_back(std::move(component));
  }
  noise_ = std::sqrt(noise_);
  likenesses_.clear();
  std::vector<std::size_t> order(likeness.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return likeness[a] != likeness[b] ? likeness[a] > likeness[b] : a < b;
  });
  for (const std::size_t d : order) likenesses_.push_back({prior_.devices[d], likeness[d]});

  // What is set aside, or too many to leave out one by one, is predicted like anything else.
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < n; ++i)
    if (ignored[i] || compressed) rest.push_back(i);
  RowMatrix rest_psi(static_cast<Index>(rest.size()), q);
  for (std::size_t i = 0; i < rest.size(); ++i)
    rest_psi.row(static_cast<Index>(i)) = psi_.row(static_cast<Index>(rest[i])).cast<float>();
  const auto beliefs = predict(rest_psi);
  for (std::size_t i = 0; i < rest.size(); ++i) left_out_[rest[i]] = beliefs[i];
}

Eigen::VectorXd Posterior::mean_coefficients() const {
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(prior_.basis.cols() + 1);
  double total = 0;
  for (const Component& component : components_) {
    for (std::size_t k = 0; k < component.share.size(); ++k) {
      mean += component.share[k] * component.coefficients.row(static_cast<Index>(k)).transpose();
      total += component.share[k];
    }
  }
  return mean / total;
}

std::vector<double> Posterior::predict_log_ms(const RowMatrix& psi) const {
  const Eigen::VectorXd coefficients = mean_coefficients();
  const Index q = psi.cols();
  const RowMatrix t = coefficients.head(q).cast<float>();
  RowMatrix product;
  set_product(psi, t, product);
  std::vector<double> log_ms(static_cast<std::size_t>(psi.rows()));
  for (std::size_t i = 0; i < log_ms.size(); ++i)
    log_ms[i] = double(product(static_cast<Index>(i), 0)) + coefficients[q];
  return log_ms;
}

std::vector<Belief> Posterior::predict(const RowMatrix& psi) const {
  const Index n = psi.rows(), q = psi.cols();
  const auto means = predict_log_ms(psi);
  std::vector<Belief> beliefs(static_cast<std::size_t>(n));
  Eigen::VectorXd variance = Eigen::VectorXd::Zero(n);

  // Between the centres that are likely: a systematic sample of them, each as often as it is likely, so that
  // many that are each unlikely count as well.
  constexpr std::size_t kSampled = 32, kMostComponents = 4;
  double total = 0;
  for (const Component& component : components_)
    for (const double share : component.share) total += share;
  std::vector<std::pair<const Component*, Index>> sampled;
  std::vector<double> weight;
  double passed = 0;
  for (const Component& component : components_) {
    for (std::size_t k = 0; k < component.share.size(); ++k) {
      const auto before = static_cast<std::size_t>(std::lround(passed * kSampled));
      passed += component.share[k] / total;
      const auto after = static_cast<std::size_t>(std::lround(passed * kSampled));
      if (after == before) continue;
      sampled.emplace_back(&component, static_cast<Index>(k));
      weight.push_back(double(after - before) / kSampled);
    }
  }
  const std::size_t kept = sampled.size();
  RowMatrix t(q, static_cast<Index>(kept)), products;
  std::vector<double> level(kept);
  for (std::size_t k = 0; k < kept; ++k) {
    const auto row = sampled[k].first->coefficients.row(sampled[k].second);
    t.col(static_cast<Index>(k)) = row.head(q).transpose().cast<float>();
    level[k] = row[q];
  }
  set_product(psi, t, products);
  for (Index i = 0; i < n; ++i) {
    double mean = 0, mean_square = 0;
    for (std::size_t k = 0; k < kept; ++k) {
      const double value = double(products(i, static_cast<Index>(k))) + level[k];
      mean += weight[k] * value;
      mean_square += weight[k] * square(value);
    }
    variance[i] = std::max(0.0, mean_square - square(mean));
  }

  // Around each centre: what is left of a and of the level, and noise.
  std::vector<const Component*> components;
  for (const Component& component : components_) components.push_back(&component);
  std::sort(components.begin(), components.end(),
            [](const Component* a, const Component* b) { return a->weight > b->weight; });
  components.resize(std::min(components.size(), kMostComponents));
  double weights = 0;
  for (const Component* component : components) weights += component->weight;
  RowMatrix cross;
  const DoubleMatrix rows = components.front()->rows;
  const RowMatrix row_psi = rows.leftCols(q).cast<float>();
  if (rows.rows() > 0) set_product(psi, row_psi.transpose(), cross);
  const DoubleMatrix cross_double = cross.cast<double>();
  for (const Component* component : components) {
    const double a2 = square(component->apart), share = component->weight / weights;
    DoubleMatrix whitened(n, rows.rows());
    DoubleMatrix of_rows = DoubleMatrix::Zero(rows.rows(), 1);
    if (rows.rows() > 0) {
      set_product(cross_double, component->inverse.transpose(), whitened);
      set_product(component->inverse, rows.rightCols(1), of_rows);
    }
    const double level_variance = 1 / (1 / square(prior_.level_spread) + of_rows.squaredNorm());
    const double noise = std::max(square(component->noise), least_noise_);
    for (Index i = 0; i < n; ++i) {
      double explained = 0, of_level = 0;
      for (Index j = 0; j < whitened.cols(); ++j) {
        explained += square(a2 * whitened(i, j));
        of_level += a2 * whitened(i, j) * of_rows(j, 0);
      }
      const double own = a2 * double(psi.row(i).squaredNorm());
      variance[i] += share * (std::max(own - explained, 0.0) + square(1 - of_level) * level_variance + noise);
    }
  }
  for (Index i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double rounding = square(timer_unit_ms_ / std::exp(means[at])) / 12;
    beliefs[at] = {means[at], std::sqrt(variance[i] + rounding)};
  }
  return beliefs;
}

double Posterior::expected_spearman(const RowMatrix& psi) const {
  const auto beliefs = predict(psi);
  // The part of the error that all share moves no rank.
  double level_variance = 0;
  for (const Component& component : components_) {
    DoubleMatrix of_rows = DoubleMatrix::Zero(component.rows.rows(), 1);
    if (component.rows.rows() > 0) set_product(component.inverse, component.rows.rightCols(1), of_rows);
    level_variance += component.weight / (1 / square(prior_.level_spread) + of_rows.squaredNorm());
  }
  std::vector<double> estimates, drawn;
  Rng rng(1);
  for (const Belief& belief : beliefs) {
    estimates.push_back(belief.mean);
    drawn.push_back(belief.mean +
                    rng.normal() * std::sqrt(std::max(square(belief.spread) - level_variance, 0.0)));
  }
  return spearman(estimates, drawn);
}

DoubleMatrix Posterior::covariance() const {
  const Index q = prior_.basis.cols();
  DoubleMatrix covariance = DoubleMatrix::Zero(q + 1, q + 1);
  const Eigen::VectorXd mean = mean_coefficients();
  double total = 0;
  for (const Component& component : components_) {
    for (const double share : component.share) total += share;
  }
  for (const Component& component : components_) {
    Eigen::VectorXd prior = Eigen::VectorXd::Constant(q + 1, square(component.apart));
    prior[q] = square(prior_.level_spread);
    DoubleMatrix within = prior.asDiagonal();
    if (component.rows.rows() > 0) {
      const DoubleMatrix scaled = component.rows * prior.asDiagonal();
      DoubleMatrix half, removed;
      set_product(component.precision, scaled, half);
      set_product(scaled.transpose(), half, removed);
      within -= removed;
    }
    covariance += component.weight * within;
    DoubleMatrix off = component.coefficients.rowwise() - mean.transpose(), weighted = off, between;
    for (std::size_t k = 0; k < component.share.size(); ++k)
      weighted.row(static_cast<Index>(k)) *= component.share[k] / total;
    set_product(weighted.transpose(), off, between);
    covariance += between;
  }
  return covariance;
}

Posterior::Next Posterior::next(const RowMatrix& psi, std::size_t count) const {
  const Index n = psi.rows(), q = psi.cols();
  if (count > static_cast<std::size_t>(n))
    throw Error(ErrorCode::argument,
                "next: asked for " + std::to_string(count) + " of " + std::to_string(n) + " candidates");
  DoubleMatrix rows(n, q + 1);
  rows.leftCols(q) = psi.cast<double>();
  rows.col(q).setOnes();
  DoubleMatrix centred = rows, importance, known = covariance();
  centred.rowwise() -= rows.colwise().mean();  // only differences between architectures matter
  set_product(centred.transpose(), centred, importance);
  importance /= double(n);
  Next next;
  const double before = importance.cwiseProduct(known).sum();
  // A tenth of what is not known is taken for noise: the model is not so good that one reading could tell
  // all.
  const double noise = std::max(square(noise_), least_noise_) + 0.1 * before;
  std::vector<bool> taken(static_cast<std::size_t>(n), false);
  DoubleMatrix moved, weighed;
  while (next.rows.size() < count) {
    set_product(rows, known, moved);  // covariance of each with the coefficients
    set_product(moved, importance, weighed);
    Index best = -1;
    double best_gain = -1;
    for (Index i = 0; i < n; ++i) {
      if (taken[static_cast<std::size_t>(i)]) continue;
      const double gain = weighed.row(i).dot(moved.row(i)) / (moved.row(i).dot(rows.row(i)) + noise);
      if (gain > best_gain) {
        best_gain = gain;
        best = i;
      }
    }
    const Eigen::VectorXd direction = moved.row(best).transpose();
    known -= direction * direction.transpose() / (direction.dot(rows.row(best).transpose()) + noise);
    taken[static_cast<std::size_t>(best)] = true;
    next.rows.push_back(static_cast<std::size_t>(best));
  }
  const double after = importance.cwiseProduct(known).sum();
  next.worth = 1 - std::sqrt((std::max(after, 0.0) + square(noise_)) / (before + square(noise_)));
  return next;
}

}  // namespace latencast
