#include "composition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "median.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

constexpr double kLeastShare = 0.05;  // of its latency alone that a kernel keeps in any model
constexpr double kCached = 16e6;      // bytes of a model's weights, half of which stay in a cache
constexpr double kNear = 1e6;       // bytes of a kernel's, half of which are near enough to wait for nothing
constexpr double kShort_ms = 5e-3;  // of a kernel's latency, that are known badly
constexpr double kMoved = 20e6;     // bytes that a ms moves from memory
constexpr int kRounds = 8;
constexpr double kFreedom = 4;        // of Student's t: how readily a model is taken for an outlier
constexpr double kLeastNoise = 0.01;  // relative
constexpr double kExpected = 2;       // standard deviations that models in common may be off

}  // namespace

ModelParts parts_of(const std::vector<FusedKernel>& kernels, const std::vector<KernelEstimate>& estimates,
                    const Roofline& roofline) {
  constexpr double kBytes = 4;  // of an element, as the roofline counts them
  double weights = 0;
  for (const FusedKernel& kernel : kernels) weights += double(kernel.bytes_weights);
  const auto beyond = [](double bytes, double cached) { return bytes / (bytes + cached); };
  // As long as the shorter of the two, about: what a kernel can wait for memory while it computes.
  const auto waiting = [](double latency_ms, double bytes) {
    const double moving_ms = bytes / kMoved;
    return latency_ms * moving_ms / (latency_ms + moving_ms);
  };
  ModelParts parts{{}, {}, {}};
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const FusedKernel& kernel = kernels[i];
    const double latency_ms = estimates[i].latency_ms;
    const double own_weights = double(kernel.bytes_weights),
                 activations = double(kernel.bytes_in) + double(kernel.bytes_out);
    Terms terms{};
    terms[term::kLatencies] = latency_ms;
    terms[term::kCalls] = roofline.overhead;
    terms[term::kWeights] = roofline.per_element * own_weights / kBytes;
    const bool conv = kernel.type == KernelType::conv, depthwise = kernel.type == KernelType::dwconv;
    terms[conv        ? term::kConvolvedActivations
          : depthwise ? term::kDepthwiseActivations
                      : term::kOtherActivations] = roofline.per_element * activations / kBytes;
    if (conv) terms[kernel.kh * kernel.kw == 1 ? term::kPointwise : term::kConvolutions] = latency_ms;
    if (depthwise) terms[term::kDepthwise] = latency_ms;
    if (kernel.type == KernelType::se) terms[term::kSqueezeExcite] = latency_ms;
    if (kernel.type == KernelType::add) terms[term::kSums] = latency_ms;
    if (kernel.type == KernelType::swish || kernel.type == KernelType::hswish)
      terms[term::kSwish] = latency_ms;
    terms[term::kModelBeyondCaches] = beyond(weights, kCached) * latency_ms;
    terms[term::kWeightsBeyondCaches] = beyond(own_weights, kNear) * latency_ms;
    terms[term::kActivationsBeyondCaches] = beyond(activations, kNear) * latency_ms;
    terms[term::kShort] = std::min(latency_ms, kShort_ms);
    terms[term::kWaitWeights] = waiting(latency_ms, own_weights);
    terms[term::kWaitActivations] = waiting(latency_ms, activations);
    for (std::size_t a = 0; a < kTerms; ++a) parts.whole[a] += terms[a];
    parts.kernels.push_back(shape_of(kernel));
    parts.each.push_back(terms);
  }
  return parts;
}

double least_ms(const Terms& terms) { return kLeastShare * terms[term::kLatencies]; }

double Composition::latency_ms(const Terms& terms) const {
  return std::max(std::inner_product(terms.begin(), terms.end(), share.begin(), 0.0), least_ms(terms));
}

double Composition::variance(const Terms& terms) const {
  double sum = 0;
  for (std::size_t a = 0; a < kTerms; ++a)
    for (std::size_t b = 0; b < kTerms; ++b) sum += terms[a] * terms[b] * covariance[a * kTerms + b];
  return std::max(sum, 0.0);  // but for rounding
}

Composition vague_composition(Timed timed) {
  const double of_roofline = timed == Timed::alone ? 1 : 0.05;  // what it says of calls and of moving
  Terms deviation;
  deviation.fill(0.3);
  deviation[term::kLatencies] = deviation[term::kModelBeyondCaches] = 0.2;
  for (std::size_t one = term::kCalls; one <= term::kOtherActivations; ++one) deviation[one] = of_roofline;
  for (std::size_t one = term::kPointwise; one <= term::kDepthwise; ++one) deviation[one] = 0.15;
  Composition vague;
  for (std::size_t one = 0; one < kTerms; ++one)
    vague.covariance[one * (kTerms + 1)] = deviation[one] * deviation[one];
  vague.noise = 0.1;
  return vague;
}

DoubleMatrix term_rows(const std::vector<Terms>& models, const std::vector<double>& latency_ms) {
  DoubleMatrix rows(Index(models.size()), Index{kTerms});
  for (std::size_t i = 0; i < models.size(); ++i)
    for (std::size_t a = 0; a < kTerms; ++a) rows(Index(i), Index(a)) = models[i][a] / latency_ms[i];
  return rows;
}

DoubleMatrix share_covariance(const Composition& shares, const DoubleMatrix& rows) {
  DoubleMatrix covariance(Index{kTerms}, Index{kTerms});
  std::copy(shares.covariance.begin(), shares.covariance.end(), covariance.data());
  return rows.lazyProduct(covariance);
}

ModelRegression regress_models(const DoubleMatrix& covariance, const std::vector<double>& missing,
                               const std::vector<double>& variance) {
  const auto count = Index(missing.size());
  DoubleMatrix noisy = covariance, target(count, 1);
  for (Index i = 0; i < count; ++i) {
    noisy(i, i) += variance[std::size_t(i)];
    target(i, 0) = missing[std::size_t(i)];
  }
  ModelRegression found{cholesky(noisy), {}};
  const DoubleMatrix solved = solve_lower_transposed(found.lower, solve_lower(found.lower, target));
  found.solved.assign(solved.data(), solved.data() + count);
  return found;
}

ModelNoise noise_of_models(const DoubleMatrix& covariance, const std::vector<double>& missing, double noise) {
  ModelNoise found{noise, std::vector<double>(missing.size(), noise * noise), {}};
  for (int round = 0; round < kRounds; ++round) {
    const ModelRegression after = regress_models(covariance, missing, found.variance);
    // The noise believed before counts as a few models do.
    double squares = kFreedom * noise * noise;
    std::vector<double> rest, weight;
    for (std::size_t i = 0; i < missing.size(); ++i) {
      rest.push_back(found.variance[i] * after.solved[i]);
      weight.push_back((kFreedom + 1) / (kFreedom + std::pow(rest[i] / found.noise, 2)));
      squares += weight[i] * rest[i] * rest[i];
    }
    found.noise = std::max(std::sqrt(squares / (kFreedom + double(missing.size()))), kLeastNoise);
    found.off.clear();
    for (std::size_t i = 0; i < missing.size(); ++i) {
      found.variance[i] = found.noise * found.noise / weight[i];
      found.off.push_back(std::abs(rest[i]) / found.noise);
    }
  }
  return found;
}

Composition compose(const Composition& prior, const std::vector<Terms>& models,
                    const std::vector<double>& latency_ms) {
  const DoubleMatrix rows = term_rows(models, latency_ms), across = share_covariance(prior, rows);
  std::vector<double> missing;
  for (std::size_t i = 0; i < models.size(); ++i)
    missing.push_back(1 - std::inner_product(models[i].begin(), models[i].end(), prior.share.begin(), 0.0) /
                              latency_ms[i]);
  const DoubleMatrix covariance = across.lazyProduct(rows.transpose());
  const ModelNoise noise = noise_of_models(covariance, missing, prior.noise);
  const ModelRegression after = regress_models(covariance, missing, noise.variance);
  Composition found = prior;
  found.noise = noise.noise;
  const DoubleMatrix known = solve_lower(after.lower, across);
  for (std::size_t a = 0; a < kTerms; ++a) {
    for (std::size_t i = 0; i < models.size(); ++i)
      found.share[a] += across(Index(i), Index(a)) * after.solved[i];
    for (std::size_t b = 0; b < kTerms; ++b)
      found.covariance[a * kTerms + b] -= known.col(Index(a)).dot(known.col(Index(b)));
  }
  return found;
}

Composition rescaled(const Composition& prior, const std::vector<Terms>& models,
                     const std::vector<double>& latency_ms) {
  std::vector<double> off;  // logarithms
  double variance = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    off.push_back(std::log(latency_ms[i] / prior.latency_ms(models[i])));
    const double shares = prior.variance(models[i]) / std::pow(prior.latency_ms(models[i]), 2);
    variance += (shares + prior.noise * prior.noise / double(models.size())) / double(models.size());
  }
  if (off.empty()) return prior;
  const double common = median_of(off), expected = kExpected * std::sqrt(variance);
  if (std::abs(common) <= expected) return prior;
  const double scale = std::exp(common - std::copysign(expected, common));
  Composition found = prior;
  for (double& share : found.share) share *= scale;
  for (double& value : found.covariance) value *= scale * scale;
  return found;
}

Composition common_composition(const std::vector<Composition>& platforms,
                               const std::vector<std::string>& groups, const std::vector<double>& likeness,
                               Timed timed, bool about_sum) {
  if (platforms.empty()) return {};
  std::map<std::string, double> members;
  for (const std::string& group : groups) members[group] += 1;
  std::vector<double> weight;
  for (std::size_t p = 0; p < platforms.size(); ++p) weight.push_back(likeness[p] / members[groups[p]]);
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  for (double& each : weight) each /= sum;
  Composition common;
  if (!about_sum) {
    common.share = {};
    for (std::size_t p = 0; p < platforms.size(); ++p)
      for (std::size_t a = 0; a < kTerms; ++a) common.share[a] += weight[p] * platforms[p].share[a];
  }
  // Few groups do not show how far platforms differ: as if one more, vague, had been among them.
  const Composition vague = vague_composition(timed);
  const double each = 1 / (double(members.size()) + 1);
  double noise = each * vague.noise * vague.noise;
  for (std::size_t i = 0; i < kTerms * kTerms; ++i) common.covariance[i] = each * vague.covariance[i];
  for (std::size_t p = 0; p < platforms.size(); ++p) {
    const Composition& one = platforms[p];
    const double part = (1 - each) * weight[p];
    noise += part * one.noise * one.noise;
    for (std::size_t a = 0; a < kTerms; ++a)
      for (std::size_t b = 0; b < kTerms; ++b)
        common.covariance[a * kTerms + b] +=
            part * ((one.share[a] - common.share[a]) * (one.share[b] - common.share[b]) +
                    one.covariance[a * kTerms + b]);
  }
  common.noise = std::sqrt(noise);
  return common;
}

}  // namespace latencast
