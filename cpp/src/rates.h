// What platforms take for each kind of work (work.h), learned from whole models; and a new platform from few.
//
// log latency of a model = log(sum over kinds of work x rate) + residual + noise. The logarithms of a
// platform's rates are normal, their mean and covariance learned over all platforms (expectation
// maximisation, each platform's own rates by Gauss-Newton). The residual is what a model has of its own on a
// platform. A new platform is like some known one: near that one's rates everything is linear, with the
// shares of the kinds in a model's time as features, so the posterior is a mixture of exact Gaussian ones,
// over known platforms, widths and noise levels, each weighted by its evidence. A model that no platform
// measured has, at each centre, some of what models like it have of their own there.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "latencast/posterior.h"
#include "linear.h"

namespace latencast {

struct RatePrior {
  // Known models.
  DoubleMatrix work;                ///< a row each, work_kinds() wide
  Eigen::VectorXd residual_mean;    ///< of each, over platforms
  Eigen::VectorXd residual_spread;  ///< the same

  // Known platforms, as centres.
  DoubleMatrix log_rates;  ///< a row each
  DoubleMatrix residuals;  ///< platforms x models; the model's mean where it was not measured
  std::vector<double> mass;
  Eigen::VectorXd unknown_spread;  ///< of the residual of a model that no platform measured

  DoubleMatrix factor;  ///< lower triangle L, L L^T the covariance of log rates around a platform's

  // Which models are alike: by what they spend their time on at rates between all platforms'.
  Eigen::VectorXd typical;  ///< log rates
  DoubleMatrix styles;      ///< a row for each known model, of length one
  DoubleMatrix alike;       ///< Cholesky factor of the covariance of what models have of their own
};

/// Whole models measured on many platforms.
struct RateSources {
  DoubleMatrix work;               ///< of the models, a row each
  DoubleMatrix log_ms;             ///< platforms x models, NaN where not measured
  std::vector<double> importance;  ///< of each platform, e.g. less where many are settings of one board
};

RatePrior learn_rates(const RateSources& sources);

/// The same from what was learned before. log_rates, factor: as in RatePrior.
RatePrior restore_rates(const RateSources& sources, const DoubleMatrix& log_rates,
                        const DoubleMatrix& factor);

/// log ms of every known model on every centre: as measured, else from its rates. A row for each centre.
DoubleMatrix completed(const RatePrior& prior);

/// With each platform's mass times a factor; those of 0 are no centres.
RatePrior with_centres(const RatePrior& prior, const std::vector<double>& factors);

/// A model as a platform sees it.
struct ModelWork {
  Eigen::VectorXd work;
  std::ptrdiff_t known = -1;   ///< row of RatePrior::work; -1: no platform measured it
  std::uint64_t identity = 0;  ///< equal for equal models
};

class RatePosterior {
 public:
  /// latency_ms: finite and positive.
  RatePosterior(std::shared_ptr<const RatePrior> prior, std::vector<ModelWork> measured,
                const std::vector<double>& latency_ms, const PosteriorOptions& options = {});

  Belief predict(const ModelWork& model) const;

  /// Share of each kind of work in a model's time.
  Eigen::VectorXd shares(const ModelWork& model) const;

  /// Standard deviation of a measurement's noise, log.
  double noise() const;

  const std::vector<bool>& set_aside() const { return set_aside_; }
  const std::vector<Belief>& left_out() const { return left_out_; }

  /// Probability that the platform is most like each known one.
  const std::vector<double>& likeness() const { return likeness_; }

  /// Each time the candidate that lowers the mean variance of all of them most.
  Posterior::Next next(const std::vector<ModelWork>& candidates, std::size_t count) const;

 private:
  struct Component {  // one choice of centre, width and noise that counts
    std::size_t centre;
    double apart, noise, weight;
    std::vector<double> alpha;  // inverse covariance times what the centre does not explain
    DoubleMatrix lower;         // Cholesky factor of the covariance
    DoubleMatrix psi;           // of the measurements, a row each
  };
  struct Near;
  struct Kin;  // what a model has from those like it

  void fit(const std::vector<bool>& aside);
  void keep_likely();
  Kin kin(const ModelWork& model) const;
  Near near(std::size_t centre, const ModelWork& model, const Kin& kin) const;

  std::shared_ptr<const RatePrior> prior_;
  std::vector<ModelWork> measured_;
  std::vector<double> log_ms_;
  std::vector<bool> set_aside_;
  std::vector<std::size_t> used_;  // what is not set aside
  std::vector<Component> components_;
  std::vector<Belief> left_out_;
  std::vector<double> without_;
  std::vector<double> log_weights_;  // of the components, before unlikely ones are dropped
  double log_evidence_ = 0;
  std::vector<double> likeness_;
};

}  // namespace latencast
