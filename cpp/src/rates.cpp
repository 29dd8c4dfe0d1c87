#include "rates.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>

#include "product.h"
#include "slips.h"
#include "work.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

// Standard deviations: how far a platform is from the one it is most like, as a share of how far platforms
// are from each other, and noise of log latency.
constexpr double kApart[] = {0.05, 0.15, 0.4, 1};
constexpr double kNoise[] = {0.02, 0.05, 0.1, 0.2};

// All pairs of these, side by side.
constexpr std::size_t kWays = std::size(kApart) * std::size(kNoise);
using Ways = Eigen::Array<double, kWays, 1>;
double apart_of(std::size_t way) { return kApart[way / std::size(kNoise)]; }
double noise_of(std::size_t way) { return kNoise[way % std::size(kNoise)]; }

// What rounding leaves of a pivot: far below the least noise.
constexpr double kLeastPivot = 1e-10;

// A new platform may be a hundred times faster or slower than the one it is like.
constexpr double kAnyLevel = 4;

// Rates were fitted to the residuals that are known, so those of a platform or model to come vary more.
constexpr double kFitted = 2;

// The same for models that no platform measured: what they have of their own on a platform varies as what
// known models have there, drawn towards what all have everywhere as by so many models.
constexpr double kFittedUnknown = 3.4, kModelsBeforehand = 6;

// What a model has of its own is like what models have that spend their time alike. How unlike two are is one
// less the cosine between the roots of their shares; at this much (squared) likeness falls to 1 / e. And how
// much of a model's own is like no other's, as a share of what is (variances).
constexpr double kAlikeWithin = 0.0625;
constexpr double kUnlikeAny = 0.09;

constexpr double kLog2Pi = 1.8378770664093453;
constexpr std::size_t kMostComponents = 64;

double square(double value) { return value * value; }

double log_sum(const std::vector<double>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

// The time of a model by kinds, at given rates: log of the sum, and each kind's share of it.
double split(const double* work, const double* log_rates, Index kinds, double* shares) {
  double sum = 0;
  for (Index k = 0; k < kinds; ++k) {
    shares[k] = work[k] > 0 ? work[k] * std::exp(log_rates[k]) : 0;
    sum += shares[k];
  }
  for (Index k = 0; k < kinds; ++k) shares[k] /= sum;
  return std::log(sum);
}

// Roots of the shares of a model's time: two of them are as alike as their product is near one.
Eigen::VectorXd style_of(const double* work, const Eigen::VectorXd& log_rates) {
  Eigen::VectorXd shares(log_rates.size());
  split(work, log_rates.data(), log_rates.size(), shares.data());
  return shares.cwiseSqrt();
}

double alikeness(double cosine) { return std::exp((cosine - 1) / kAlikeWithin); }

// --- Learning: expectation maximisation over (mean, covariance) of log rates and each model's spread ---

constexpr int kRounds = 4;
constexpr double kFirstSpread = 0.1;       // of residuals
constexpr double kLeastSpread = 0.03;      // the same
constexpr double kApartBeforehand = 0.35;  // of log rates, beyond a common factor
constexpr double kPlatformsBeforehand = 10, kReadingsBeforehand = 5;

struct Learner {
  const DoubleMatrix& work;
  const DoubleMatrix& log_ms;
  Eigen::VectorXd mean;
  DoubleMatrix covariance, precision;  // of log rates
  Eigen::VectorXd spread;              // of each model's residual

  // One platform: its rates, and what follows from them.
  struct Fit {
    Eigen::VectorXd log_rates, modelled;
    DoubleMatrix shares, covariance;
  };

  void split_all(Fit& fit) const {
    for (Index m = 0; m < work.rows(); ++m)
      fit.modelled[m] = split(&work(m, 0), fit.log_rates.data(), work.cols(), &fit.shares(m, 0));
  }

  // Gauss-Newton towards the most probable rates.
  void improve(Fit& fit, Index platform, int steps) const {
    const Index kinds = work.cols(), models = work.rows();
    DoubleMatrix weighted(models, kinds), hessian;
    for (int step = 0; step <= steps; ++step) {
      split_all(fit);
      Eigen::VectorXd gradient(kinds);
      for (Index k = 0; k < kinds; ++k) {
        gradient[k] = 0;
        for (Index l = 0; l < kinds; ++l) gradient[k] -= precision(k, l) * (fit.log_rates[l] - mean[l]);
      }
      for (Index m = 0; m < models; ++m) {
        const double off = log_ms(platform, m) - fit.modelled[m];
        const double weight = std::isfinite(off) ? 1 / square(spread[m]) : 0;
        for (Index k = 0; k < kinds; ++k) {
          weighted(m, k) = weight * fit.shares(m, k);
          if (weight > 0) gradient[k] += weighted(m, k) * off;
        }
      }
      set_product(fit.shares.transpose(), weighted, hessian);
      hessian += precision;
      const DoubleMatrix lower = cholesky(hessian);
      if (step == steps) {
        const DoubleMatrix half = solve_lower(lower, DoubleMatrix::Identity(kinds, kinds));
        set_product(half.transpose(), half, fit.covariance);
        return;
      }
      const DoubleMatrix move = solve_lower_transposed(lower, solve_lower(lower, DoubleMatrix(gradient)));
      constexpr double kLongest = 1.5;
      for (Index k = 0; k < kinds; ++k) fit.log_rates[k] += std::clamp(move(k, 0), -kLongest, kLongest);
    }
  }
};

DoubleMatrix inverse(const DoubleMatrix& a) {
  const DoubleMatrix half = solve_lower(cholesky(a), DoubleMatrix::Identity(a.rows(), a.cols()));
  DoubleMatrix result;
  set_product(half.transpose(), half, result);
  return result;
}

}  // namespace

RatePrior learn_rates(const RateSources& sources) {
  const DoubleMatrix &work = sources.work, &log_ms = sources.log_ms;
  const std::vector<double>& importance = sources.importance;
  const Index kinds = work.cols(), models = work.rows(), platforms = log_ms.rows();
  Eigen::VectorXd typical(kinds);
  for (Index k = 0; k < kinds; ++k) typical[k] = std::log(typical_ms(static_cast<int>(k)));
  Learner learner{work, log_ms, typical, 9 * DoubleMatrix::Ones(kinds, kinds), {}, {}};
  learner.covariance.diagonal().array() += 0.25;
  learner.spread = Eigen::VectorXd::Constant(models, kFirstSpread);
  const double total = std::accumulate(importance.begin(), importance.end(), 0.0);

  std::vector<Learner::Fit> fits;
  for (Index p = 0; p < platforms; ++p) {
    Learner::Fit fit{typical, Eigen::VectorXd(models), DoubleMatrix(models, kinds), {}};
    learner.split_all(fit);
    double level = 0;
    int count = 0;
    for (Index m = 0; m < models; ++m) {
      if (!std::isfinite(log_ms(p, m))) continue;
      level += log_ms(p, m) - fit.modelled[m];
      ++count;
    }
    fit.log_rates.array() += level / std::max(1, count);
    fits.push_back(std::move(fit));
  }
  for (int round = 0; round < kRounds; ++round) {
    learner.precision = inverse(learner.covariance);
    for (Index p = 0; p < platforms; ++p)
      learner.improve(fits[static_cast<std::size_t>(p)], p, round == 0 ? 6 : 2);
    // The mean of ratios between rates is drawn towards what is typical, that of the level is not.
    Eigen::VectorXd ratios = Eigen::VectorXd::Zero(kinds);
    double level = 0;
    for (Index p = 0; p < platforms; ++p) {
      const auto& fit = fits[static_cast<std::size_t>(p)];
      const double weight = importance[static_cast<std::size_t>(p)] / total;
      const double own = (fit.log_rates - typical).mean();
      level += weight * own;
      ratios += weight * ((fit.log_rates - typical).array() - own).matrix();
    }
    learner.mean = typical + ratios * (total / (total + 1)) + Eigen::VectorXd::Constant(kinds, level);
    learner.covariance =
        kPlatformsBeforehand * square(kApartBeforehand) * DoubleMatrix::Identity(kinds, kinds);
    Eigen::VectorXd squares = Eigen::VectorXd::Constant(models, kReadingsBeforehand * square(kFirstSpread));
    Eigen::VectorXd counts = Eigen::VectorXd::Constant(models, kReadingsBeforehand);
    DoubleMatrix spread_shares;
    for (Index p = 0; p < platforms; ++p) {
      const auto& fit = fits[static_cast<std::size_t>(p)];
      const double weight = importance[static_cast<std::size_t>(p)];
      const Eigen::VectorXd off = fit.log_rates - learner.mean;
      learner.covariance += weight * (off * off.transpose() + fit.covariance);
      set_product(fit.shares, fit.covariance, spread_shares);
      for (Index m = 0; m < models; ++m) {
        if (!std::isfinite(log_ms(p, m))) continue;
        squares[m] +=
            weight * (square(log_ms(p, m) - fit.modelled[m]) + spread_shares.row(m).dot(fit.shares.row(m)));
        counts[m] += weight;
      }
    }
    learner.covariance /= total + kPlatformsBeforehand;
    learner.spread = (squares.array() / counts.array()).sqrt().max(kLeastSpread);
  }

  // As they are stored.
  DoubleMatrix log_rates(platforms, kinds);
  for (Index p = 0; p < platforms; ++p)
    log_rates.row(p) = fits[static_cast<std::size_t>(p)].log_rates.transpose();
  const auto stored = [](double value) { return double(static_cast<float>(value)); };
  return restore_rates(sources, log_rates.unaryExpr(stored), cholesky(learner.covariance).unaryExpr(stored));
}

RatePrior restore_rates(const RateSources& sources, const DoubleMatrix& log_rates,
                        const DoubleMatrix& factor) {
  const DoubleMatrix& log_ms = sources.log_ms;
  const std::vector<double>& importance = sources.importance;
  const Index models = sources.work.rows(), platforms = log_ms.rows(), kinds = sources.work.cols();
  const double total = std::accumulate(importance.begin(), importance.end(), 0.0);
  RatePrior prior;
  prior.work = sources.work;
  prior.log_rates = log_rates;
  prior.factor = factor;
  prior.residuals.resize(platforms, models);
  prior.residual_mean.resize(models);
  prior.residual_spread.resize(models);
  for (const double one : importance) prior.mass.push_back(one / total);
  double unknown = 0;
  Eigen::VectorXd of_platform = Eigen::VectorXd::Zero(platforms), readings = Eigen::VectorXd::Zero(platforms);
  for (Index m = 0; m < models; ++m) {
    constexpr double kBeforehand = 3;
    double sum = 0, count = kBeforehand;
    Eigen::VectorXd shares(kinds);
    for (Index p = 0; p < platforms; ++p) {
      prior.residuals(p, m) =
          log_ms(p, m) - split(&sources.work(m, 0), &log_rates(p, 0), kinds, shares.data());
      if (!std::isfinite(prior.residuals(p, m))) continue;
      sum += importance[static_cast<std::size_t>(p)] * prior.residuals(p, m);
      count += importance[static_cast<std::size_t>(p)];
    }
    prior.residual_mean[m] = sum / count;
    double squares = kBeforehand * square(kFirstSpread);
    for (Index p = 0; p < platforms; ++p) {
      double& residual = prior.residuals(p, m);
      if (!std::isfinite(residual)) {
        residual = prior.residual_mean[m];
        continue;
      }
      squares += importance[static_cast<std::size_t>(p)] * square(residual - prior.residual_mean[m]);
      of_platform[p] += square(residual);
      ++readings[p];
    }
    unknown += square(prior.residual_mean[m]) + squares / count;
    prior.residual_spread[m] = std::sqrt(kFitted * squares / count);
  }
  unknown /= double(std::max<Index>(1, models));
  prior.unknown_spread = (kFittedUnknown * (of_platform.array() + kModelsBeforehand * unknown) /
                          (readings.array() + kModelsBeforehand))
                             .sqrt();

  prior.typical = Eigen::VectorXd::Zero(kinds);
  for (Index p = 0; p < platforms; ++p)
    prior.typical += prior.mass[static_cast<std::size_t>(p)] * log_rates.row(p).transpose();
  prior.styles.resize(models, kinds);
  for (Index m = 0; m < models; ++m)
    prior.styles.row(m) = style_of(&sources.work(m, 0), prior.typical).transpose();
  DoubleMatrix alike(models, models);
  for (Index m = 0; m < models; ++m)
    for (Index n = 0; n < models; ++n)
      alike(m, n) = alikeness(prior.styles.row(m).dot(prior.styles.row(n))) + (m == n ? kUnlikeAny : 0);
  prior.alike = cholesky(alike);
  return prior;
}

DoubleMatrix completed(const RatePrior& prior) {
  DoubleMatrix log_ms = prior.residuals;
  Eigen::VectorXd shares(prior.work.cols());
  for (Index c = 0; c < log_ms.rows(); ++c)
    for (Index m = 0; m < log_ms.cols(); ++m)
      log_ms(c, m) += split(&prior.work(m, 0), &prior.log_rates(c, 0), prior.work.cols(), shares.data());
  return log_ms;
}

// --- A new platform ---

RatePrior with_centres(const RatePrior& prior, const std::vector<double>& factors) {
  RatePrior kept = prior;
  kept.mass.clear();
  Index rows = 0;
  double total = 0;
  for (std::size_t c = 0; c < factors.size(); ++c) {
    if (factors[c] <= 0) continue;
    const auto from = static_cast<Index>(c);
    kept.log_rates.row(rows) = prior.log_rates.row(from);
    kept.unknown_spread[rows] = prior.unknown_spread[from];
    kept.residuals.row(rows++) = prior.residuals.row(from);
    kept.mass.push_back(factors[c] * prior.mass[c]);
    total += kept.mass.back();
  }
  kept.log_rates.conservativeResize(rows, Eigen::NoChange);
  kept.residuals.conservativeResize(rows, Eigen::NoChange);
  kept.unknown_spread.conservativeResize(rows);
  for (double& mass : kept.mass) mass /= total;
  return kept;
}

// A model near a centre: log latency there, and how it changes along each direction of the prior.
struct RatePosterior::Near {
  double log_ms;
  Eigen::VectorXd psi;
  double own;       // variance of the residual that grows with the distance from the centre
  double constant;  // variance of the residual that does not
};

struct RatePosterior::Kin {
  Eigen::VectorXd weights;  // of each known model's own; empty for a model that is known itself
  double left = 1;          // share of the variance that they leave
};

RatePosterior::Kin RatePosterior::kin(const ModelWork& model) const {
  Kin result;
  if (model.known >= 0) return result;
  const Eigen::VectorXd style = style_of(model.work.data(), prior_->typical);
  DoubleMatrix cross(prior_->styles.rows(), 1);
  for (Index m = 0; m < cross.rows(); ++m) cross(m, 0) = alikeness(prior_->styles.row(m).dot(style));
  const DoubleMatrix half = solve_lower(prior_->alike, std::move(cross));
  result.weights = solve_lower_transposed(prior_->alike, half).col(0);
  result.left = 1 - half.squaredNorm() / (1 + kUnlikeAny);
  return result;
}

RatePosterior::Near RatePosterior::near(std::size_t centre, const ModelWork& model, const Kin& kin) const {
  const auto c = static_cast<Index>(centre);
  const Index kinds = prior_->work.cols();
  Near result{0, Eigen::VectorXd::Zero(kinds), 0, 0};
  Eigen::VectorXd share(kinds);
  result.log_ms = split(model.work.data(), &prior_->log_rates(c, 0), kinds, share.data());
  for (Index k = 0; k < kinds; ++k) {
    if (share[k] == 0) continue;
    const double* row = &prior_->factor(k, 0);
    for (Index l = 0; l <= k; ++l) result.psi[l] += share[k] * row[l];
  }
  if (model.known >= 0) {
    result.log_ms += prior_->residuals(c, model.known);
    result.own = square(prior_->residual_spread[model.known]);
  } else {
    result.log_ms += prior_->residuals.row(c).dot(kin.weights);
    result.constant = kin.left * square(prior_->unknown_spread[c]);
  }
  return result;
}

RatePosterior::RatePosterior(std::shared_ptr<const RatePrior> prior, std::vector<ModelWork> measured,
                             const std::vector<double>& latency_ms, const PosteriorOptions& options)
    : prior_(std::move(prior)), measured_(std::move(measured)), set_aside_(latency_ms.size(), false) {
  for (const double ms : latency_ms) log_ms_.push_back(std::log(ms));
  std::optional<std::vector<bool>> fitted;
  const auto fit_without = [&](const std::vector<bool>& aside) {
    if (fitted != aside) fit(aside);
    fitted = aside;
    return Evidence{log_evidence_, without_, left_out_};
  };
  if (options.sets_aside) set_aside_ = find_slips(log_ms_, options.trusted, fit_without);
  fit_without(set_aside_);
  keep_likely();
}

void RatePosterior::fit(const std::vector<bool>& aside) {
  const std::size_t n = log_ms_.size(), centres = prior_->mass.size();
  used_.clear();
  for (std::size_t i = 0; i < n; ++i)
    if (!aside[i]) used_.push_back(i);
  const std::size_t m = used_.size();

  std::vector<Kin> kins;
  for (const std::size_t i : used_) kins.push_back(kin(measured_[i]));
  Ways apart2, noise2;
  for (std::size_t w = 0; w < kWays; ++w) {
    apart2[static_cast<Index>(w)] = square(apart_of(w));
    noise2[static_cast<Index>(w)] = square(noise_of(w));
  }
  log_weights_.assign(centres * kWays, 0);
  // Of each measurement, from all others: log weights, what is off, and its variance.
  std::vector<std::vector<double>> weights(m), offs(m), variances(m);
  std::vector<Ways> lower(m * m), alpha(m), column(m);
  for (std::size_t c = 0; c < centres; ++c) {
    std::vector<Near> at;
    for (std::size_t i = 0; i < m; ++i) at.push_back(near(c, measured_[used_[i]], kins[i]));
    Ways log_weight = Ways::Constant(std::log(prior_->mass[c]) - 0.5 * double(m) * kLog2Pi);
    for (std::size_t i = 0; i < m; ++i) {
      Ways* row = &lower[i * m];
      alpha[i] = Ways::Constant(log_ms_[used_[i]] - at[i].log_ms);
      for (std::size_t j = 0; j <= i; ++j) {
        const bool same = measured_[used_[i]].identity == measured_[used_[j]].identity;
        Ways rest = apart2 * (at[i].psi.dot(at[j].psi) + (same ? at[i].own : 0)) +
                    (square(kAnyLevel) + (same ? at[i].constant : 0));
        if (i == j) rest += noise2;
        const Ways* other = &lower[j * m];
        for (std::size_t k = 0; k < j; ++k) rest -= row[k] * other[k];
        if (i == j)
          row[j] = rest.max(kLeastPivot).sqrt();
        else
          row[j] = rest / other[j];
      }
      for (std::size_t j = 0; j < i; ++j) alpha[i] -= row[j] * alpha[j];
      alpha[i] /= row[i];
      log_weight -= 0.5 * alpha[i].square() + row[i].log();
    }
    for (std::size_t i = m; i-- > 0;) {
      alpha[i] /= lower[i * m + i];
      for (std::size_t j = 0; j < i; ++j) alpha[j] -= lower[i * m + j] * alpha[i];
    }
    for (std::size_t w = 0; w < kWays; ++w) log_weights_[c * kWays + w] = log_weight[static_cast<Index>(w)];

    // Each measurement from the others (Rasmussen and Williams, 2006, equation 5.12).
    for (std::size_t i = 0; i < m; ++i) {
      // The i-th column of the inverse of the factor.
      Ways precision = Ways::Zero();
      for (std::size_t j = i; j < m; ++j) {
        const Ways* row = &lower[j * m];
        Ways rest = Ways::Constant(j == i ? 1 : 0);
        for (std::size_t k = i; k < j; ++k) rest -= row[k] * column[k];
        column[j] = rest / row[j];
        precision += column[j].square();
      }
      const Ways off = alpha[i] / precision,
                 weight = log_weight + 0.5 * (kLog2Pi - precision.log() + alpha[i] * off);
      for (Index w = 0; w < off.size(); ++w) {
        weights[i].push_back(weight[w]);
        offs[i].push_back(off[w]);
        variances[i].push_back(1 / precision[w]);
      }
    }
  }
  log_evidence_ = log_sum(log_weights_);

  without_.assign(n, log_evidence_);
  left_out_.assign(n, {});
  for (std::size_t i = 0; i < m; ++i) {
    const double total = log_sum(weights[i]);
    double mean = 0, mean_square = 0;
    for (std::size_t a = 0; a < log_weights_.size(); ++a) {
      const double weight = std::exp(weights[i][a] - total);
      mean += weight * offs[i][a];
      mean_square += weight * (square(offs[i][a]) + variances[i][a]);
    }
    without_[used_[i]] = total;
    left_out_[used_[i]] = {log_ms_[used_[i]] - mean, std::sqrt(mean_square - square(mean))};
  }
}

// What predictions need.
void RatePosterior::keep_likely() {
  const std::size_t m = used_.size();
  likeness_.assign(prior_->mass.size(), 0);
  std::vector<std::size_t> order(log_weights_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (const std::size_t a : order) likeness_[a / kWays] += std::exp(log_weights_[a] - log_evidence_);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return log_weights_[a] > log_weights_[b]; });
  if (m > 0) order.resize(std::min(order.size(), kMostComponents));
  std::vector<Kin> kins;
  for (const std::size_t i : used_) kins.push_back(kin(measured_[i]));
  const auto rows = static_cast<Index>(m);
  DoubleMatrix covariance(rows, rows);
  double kept = 0;
  for (const std::size_t a : order) {
    const std::size_t way = a % kWays;
    Component component{
        a / kWays, apart_of(way), noise_of(way), std::exp(log_weights_[a] - log_evidence_), {}, {}, {}};
    kept += component.weight;
    component.psi.resize(rows, prior_->work.cols());
    DoubleMatrix rest(rows, 1);
    for (std::size_t i = 0; i < m; ++i) {
      const auto row = static_cast<Index>(i);
      const Near at = near(component.centre, measured_[used_[i]], kins[i]);
      component.psi.row(row) = at.psi.transpose();
      rest(row, 0) = log_ms_[used_[i]] - at.log_ms;
      for (std::size_t j = 0; j <= i; ++j) {
        const auto column = static_cast<Index>(j);
        const bool same = measured_[used_[i]].identity == measured_[used_[j]].identity;
        covariance(row, column) = covariance(column, row) =
            square(component.apart) *
                (at.psi.dot(component.psi.row(column).transpose()) + (same ? at.own : 0)) +
            square(kAnyLevel) + (same ? at.constant : 0) + (i == j ? square(component.noise) : 0);
      }
    }
    component.lower = cholesky(covariance);
    const DoubleMatrix alpha = solve_lower_transposed(component.lower, solve_lower(component.lower, rest));
    component.alpha.assign(alpha.data(), alpha.data() + m);
    components_.push_back(std::move(component));
  }
  for (Component& component : components_) component.weight /= kept;
  for (std::size_t i = 0; i < measured_.size(); ++i)
    if (set_aside_[i]) left_out_[i] = predict(measured_[i]);
}

Belief RatePosterior::predict(const ModelWork& model) const {
  double mean = 0, mean_square = 0;
  const std::size_t m = used_.size();
  std::vector<double> cross(m);
  const Kin own = kin(model);
  for (const Component& component : components_) {
    const Near at = near(component.centre, model, own);
    const double a2 = square(component.apart);
    double value = at.log_ms;
    double variance =
        a2 * (at.psi.squaredNorm() + at.own) + at.constant + square(kAnyLevel) + square(component.noise);
    for (std::size_t i = 0; i < m; ++i) {
      const ModelWork& other = measured_[used_[i]];
      const bool same = other.identity == model.identity;
      cross[i] = a2 * (component.psi.row(static_cast<Index>(i)).dot(at.psi) + (same ? at.own : 0)) +
                 (same ? at.constant : 0) + square(kAnyLevel);
      value += cross[i] * component.alpha[i];
    }
    for (std::size_t i = 0; i < m; ++i) {
      const double* row = &component.lower(static_cast<Index>(i), 0);
      for (std::size_t j = 0; j < i; ++j) cross[i] -= row[j] * cross[j];
      cross[i] /= row[i];
      variance -= square(cross[i]);
    }
    mean += component.weight * value;
    mean_square += component.weight * (variance + square(value));
  }
  return {mean, std::sqrt(std::max(mean_square - square(mean), 1e-8))};
}

Eigen::VectorXd RatePosterior::shares(const ModelWork& model) const {
  const Index kinds = prior_->work.cols();
  Eigen::VectorXd all = Eigen::VectorXd::Zero(kinds), one(kinds), moved(kinds);
  for (const Component& component : components_) {
    // The centre's rates, and what the measurements say beyond.
    Eigen::VectorXd direction = Eigen::VectorXd::Zero(kinds);
    for (std::size_t i = 0; i < used_.size(); ++i)
      direction += component.alpha[i] * component.psi.row(static_cast<Index>(i)).transpose();
    for (Index k = 0; k < kinds; ++k) {
      moved[k] = prior_->log_rates(static_cast<Index>(component.centre), k);
      for (Index l = 0; l <= k; ++l)
        moved[k] += square(component.apart) * prior_->factor(k, l) * direction[l];
    }
    split(model.work.data(), moved.data(), kinds, one.data());
    all += component.weight * one;
  }
  return all;
}

double RatePosterior::noise() const {
  double variance = 0;
  for (const Component& component : components_) variance += component.weight * square(component.noise);
  return std::sqrt(variance);
}

Posterior::Next RatePosterior::next(const std::vector<ModelWork>& candidates, std::size_t count) const {
  const auto n = static_cast<Index>(candidates.size());
  const std::size_t m = used_.size();
  // Covariance of the candidates' true latencies: within the components, and between them.
  DoubleMatrix known = DoubleMatrix::Zero(n, n);
  DoubleMatrix means(static_cast<Index>(components_.size()), n);
  std::vector<Kin> kins;
  for (const ModelWork& one : candidates) kins.push_back(kin(one));
  for (std::size_t a = 0; a < components_.size(); ++a) {
    const Component& component = components_[a];
    const double a2 = square(component.apart);
    std::vector<Near> at;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      at.push_back(near(component.centre, candidates[i], kins[i]));
    const auto covariance = [&](const Near& one, const Eigen::VectorXd& psi, bool same) {
      return a2 * (one.psi.dot(psi) + (same ? one.own : 0)) + (same ? one.constant : 0) + square(kAnyLevel);
    };
    DoubleMatrix cross(static_cast<Index>(m), n);
    for (Index j = 0; j < n; ++j) {
      const auto& one = at[static_cast<std::size_t>(j)];
      double mean = one.log_ms;
      for (std::size_t i = 0; i < m; ++i) {
        const auto row = static_cast<Index>(i);
        const bool same = measured_[used_[i]].identity == candidates[static_cast<std::size_t>(j)].identity;
        cross(row, j) = covariance(one, component.psi.row(row).transpose(), same);
        mean += cross(row, j) * component.alpha[i];
      }
      means(static_cast<Index>(a), j) = mean;
    }
    const DoubleMatrix whitened = solve_lower(component.lower, cross);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j) {
        const auto &one = at[static_cast<std::size_t>(i)], &other = at[static_cast<std::size_t>(j)];
        const bool same = candidates[static_cast<std::size_t>(i)].identity ==
                          candidates[static_cast<std::size_t>(j)].identity;
        double value = covariance(one, other.psi, same);
        for (Index r = 0; r < whitened.rows(); ++r) value -= whitened(r, i) * whitened(r, j);
        known(i, j) += component.weight * value;
      }
  }
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(n);
  for (std::size_t a = 0; a < components_.size(); ++a)
    mean += components_[a].weight * means.row(static_cast<Index>(a));
  for (std::size_t a = 0; a < components_.size(); ++a) {
    const Eigen::RowVectorXd off = means.row(static_cast<Index>(a)) - mean;
    known += components_[a].weight * off.transpose() * off;
  }

  Posterior::Next result;
  const double noise2 = square(noise()), before = known.trace() / double(n);
  std::vector<bool> taken(candidates.size(), false);
  while (result.rows.size() < count) {
    Index best = -1;
    double best_gain = -1;
    for (Index i = 0; i < n; ++i) {
      const double gain = known.row(i).squaredNorm() / (known(i, i) + noise2);
      if (taken[static_cast<std::size_t>(i)] || gain <= best_gain) continue;
      best_gain = gain;
      best = i;
    }
    const Eigen::RowVectorXd direction = known.row(best);
    known -= direction.transpose() * direction / (known(best, best) + noise2);
    taken[static_cast<std::size_t>(best)] = true;
    result.rows.push_back(static_cast<std::size_t>(best));
  }
  const double after = std::max(known.trace() / double(n), 0.0);
  result.worth = 1 - std::sqrt((after + noise2) / (before + noise2));
  return result;
}

}  // namespace latencast
