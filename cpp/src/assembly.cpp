#include "assembly.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "pool_state.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

constexpr double kDeviation = 0.6;  // of what a kernel takes in models, relative
constexpr double kOfType = 0.2;     // of its variance, what all kernels of a type have in common besides

constexpr double kDisturbed = 3;  // standard deviations that a model may be off

}  // namespace

std::size_t Assembly::Places::number_of(const KernelShape& kernel) {
  const Place place = {kernel.type, smooth_features(kernel)};
  std::array<double, kSmoothFeatures + 1> key{double(static_cast<std::size_t>(place.type))};
  std::copy(place.at.begin(), place.at.end(), key.begin() + 1);
  const auto [at, is_new] = number_.try_emplace(key, all_.size());
  if (is_new) all_.push_back(place);
  return at->second;
}

// (ones, others)
DoubleMatrix Assembly::covariance(const Places& ones, const Places& others) {
  DoubleMatrix found = DoubleMatrix::Zero(Index(ones.all().size()), Index(others.all().size()));
  for (Index i = 0; i < found.rows(); ++i)
    for (Index j = 0; j < found.cols(); ++j) {
      const Place &one = ones.all()[std::size_t(i)], &other = others.all()[std::size_t(j)];
      if (one.type != other.type) continue;
      double square = 0;
      for (std::size_t f = 0; f < kSmoothFeatures; ++f) square += std::pow(one.at[f] - other.at[f], 2);
      found(i, j) = kDeviation * kDeviation * (std::exp(-std::sqrt(square)) + kOfType);
    }
  return found;
}

Assembly::Assembly(const Composition& prior, const std::vector<ModelParts>& models,
                   const std::vector<double>& latency_ms) {
  std::vector<Terms> whole;
  for (const ModelParts& one : models) whole.push_back(one.whole);
  prior_ = rescaled(prior, whole, latency_ms);
  std::vector<std::vector<std::pair<Index, double>>> shares(models.size());
  std::vector<double> missing;
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (std::size_t k = 0; k < models[i].kernels.size(); ++k)
      shares[i].emplace_back(Index(places_.number_of(models[i].kernels[k])),
                             prior_.latency_ms(models[i].each[k]) / latency_ms[i]);
    missing.push_back(1 - prior_.latency_ms(whole[i]) / latency_ms[i]);
  }
  const DoubleMatrix alike = covariance(places_, places_);
  const auto of_places = alike.rows(), of_models = Index(models.size());
  // Models have few of the places, so products are sums over those.
  parts_ = DoubleMatrix::Zero(of_places, of_models);
  DoubleMatrix spread = DoubleMatrix::Zero(of_models, of_places),
               by_process = DoubleMatrix::Zero(of_models, of_models);
  for (std::size_t i = 0; i < models.size(); ++i)
    for (const auto& [place, share] : shares[i]) {
      parts_(place, Index(i)) += share;
      spread.row(Index(i)) += share * alike.row(place);
    }
  for (std::size_t i = 0; i < models.size(); ++i)
    for (const auto& [place, share] : shares[i]) by_process.col(Index(i)) += share * spread.col(place);
  const DoubleMatrix terms = term_rows(whole, latency_ms);
  across_ = share_covariance(prior_, terms);
  const DoubleMatrix by_shares = across_.lazyProduct(terms.transpose());
  // By the shares alone: a process would follow a model that was disturbed. What it is there to explain is
  // no disturbance either, so that only models that are far off count less.
  const ModelNoise noise = noise_of_models(by_shares, missing, prior_.noise);
  noise_ = noise.noise;
  std::vector<double> variance;
  for (const double off : noise.off)
    variance.push_back(noise_ * noise_ * std::pow(std::max(1.0, off / kDisturbed), 4));
  const ModelRegression after = regress_models(by_shares + by_process, missing, variance);
  lower_ = after.lower;
  share_ = prior_.share;
  pull_ = Eigen::VectorXd::Zero(of_places);
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (std::size_t a = 0; a < kTerms; ++a) share_[a] += across_(Index(i), Index(a)) * after.solved[i];
    pull_ += after.solved[i] * parts_.col(Index(i));
  }
}

// Of the model's latency after the models, in ms^2, but for the noise. place_ms: of the model's places, by
// the prior. alike: (its places, places of the models).
double Assembly::variance(const ModelParts& model, const Places& places, const Eigen::VectorXd& place_ms,
                          const DoubleMatrix& alike) const {
  const Eigen::VectorXd own = covariance(places, places).lazyProduct(place_ms),
                        shared = alike.transpose().lazyProduct(place_ms);
  DoubleMatrix with_models = parts_.transpose().lazyProduct(shared);
  for (Index i = 0; i < with_models.rows(); ++i)
    for (std::size_t a = 0; a < kTerms; ++a) with_models(i, 0) += across_(i, Index(a)) * model.whole[a];
  return std::max(
      prior_.variance(model.whole) + place_ms.dot(own) - solve_lower(lower_, with_models).squaredNorm(), 0.0);
}

KernelSum Assembly::estimate(const std::vector<FusedKernel>& kernels,
                             const std::vector<KernelEstimate>& estimates, const Roofline& roofline) const {
  const ModelParts model = parts_of(kernels, estimates, roofline);
  const auto by_shares = [&](const Terms& terms) {
    return std::inner_product(terms.begin(), terms.end(), share_.begin(), 0.0);
  };
  Places places;
  std::vector<Index> at;
  for (const KernelShape& kernel : model.kernels) at.push_back(Index(places.number_of(kernel)));
  const DoubleMatrix alike = covariance(places, places_);
  const Eigen::VectorXd more = alike.lazyProduct(pull_);
  Eigen::VectorXd place_ms = Eigen::VectorXd::Zero(alike.rows());
  KernelSum sum{by_shares(model.whole), 0, 0, {}};
  for (std::size_t k = 0; k < kernels.size(); ++k) {
    const double before_ms = prior_.latency_ms(model.each[k]), more_ms = more[at[k]] * before_ms;
    place_ms[at[k]] += before_ms;
    sum.latency_ms += more_ms;
    sum.kernel_ms.push_back(std::max(by_shares(model.each[k]) + more_ms, least_ms(model.each[k])));
  }
  sum.latency_ms = std::max(sum.latency_ms, least_ms(model.whole));
  // Kernels that cannot become shorter than their least share leave a little too much.
  const double parts = std::accumulate(sum.kernel_ms.begin(), sum.kernel_ms.end(), 0.0);
  for (double& ms : sum.kernel_ms) ms *= sum.latency_ms / parts;
  const KernelSum alone = sum_of(model.kernels, estimates);
  const auto relative = [&](double variance, double noise) {
    return kCovered90 * std::sqrt(variance / std::pow(sum.latency_ms, 2) + noise * noise);
  };
  const double unknown = relative(prior_.variance(model.whole), std::max(noise_, prior_.noise));
  double below = std::hypot(alone.low_ms / alone.latency_ms - 1, unknown);
  double above = std::hypot(alone.high_ms / alone.latency_ms - 1, unknown);
  if (!places_.all().empty()) {
    // What kernels take in the models includes their estimates' errors. Of kernels that no model had it says
    // nothing, so that the interval is what it was without any.
    const double known = relative(variance(model, places, place_ms, alike), noise_);
    below = std::min(below, known), above = std::min(above, known);
  }
  sum.low_ms = sum.latency_ms * (1 - std::min(below, 0.99));
  sum.high_ms = sum.latency_ms * (1 + above);
  return sum;
}

}  // namespace latencast
