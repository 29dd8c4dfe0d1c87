#include "composition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "linear.h"
#include "median.h"
#include "pool_state.h"

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

DoubleMatrix as_matrix(const std::array<double, kTerms * kTerms>& values) {
  DoubleMatrix matrix(Index{kTerms}, Index{kTerms});
  std::copy(values.begin(), values.end(), matrix.data());
  return matrix;
}

// Of a positive definite matrix.
DoubleMatrix inverse_of(const DoubleMatrix& matrix) {
  const DoubleMatrix lower = cholesky(matrix);
  return solve_lower_transposed(lower,
                                solve_lower(lower, DoubleMatrix::Identity(matrix.rows(), matrix.rows())));
}

// Gaussian shares after rows of terms / latency, each of which should sum to 1. precision: of each row.
Composition posterior(const Composition& prior, const std::vector<Terms>& rows,
                      const std::vector<double>& precision) {
  const auto n = Index(kTerms);
  const DoubleMatrix inverse = inverse_of(as_matrix(prior.covariance));
  DoubleMatrix information = inverse, target(n, 1);
  for (Index a = 0; a < n; ++a) {
    target(a, 0) = 0;
    for (Index b = 0; b < n; ++b) target(a, 0) += inverse(a, b) * prior.share[std::size_t(b)];
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t a = 0; a < kTerms; ++a) {
      target(Index(a), 0) += precision[i] * rows[i][a];
      for (std::size_t b = 0; b < kTerms; ++b)
        information(Index(a), Index(b)) += precision[i] * rows[i][a] * rows[i][b];
    }
  const DoubleMatrix after = inverse_of(information);
  Composition found = prior;
  for (std::size_t a = 0; a < kTerms; ++a) {
    found.share[a] = 0;
    for (std::size_t b = 0; b < kTerms; ++b) {
      found.covariance[a * kTerms + b] = after(Index(a), Index(b));
      found.share[a] += after(Index(a), Index(b)) * target(Index(b), 0);
    }
  }
  return found;
}

}  // namespace

std::vector<Terms> terms_of_each(const std::vector<FusedKernel>& kernels,
                                 const std::vector<KernelEstimate>& estimates, const Roofline& roofline) {
  constexpr double kBytes = 4;  // of an element, as the roofline counts them
  double weights = 0;
  for (const FusedKernel& kernel : kernels) weights += double(kernel.bytes_weights);
  const auto beyond = [](double bytes, double cached) { return bytes / (bytes + cached); };
  // As long as the shorter of the two, about: what a kernel can wait for memory while it computes.
  const auto waiting = [](double latency_ms, double bytes) {
    const double moving_ms = bytes / kMoved;
    return latency_ms * moving_ms / (latency_ms + moving_ms);
  };
  std::vector<Terms> each;
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
    each.push_back(terms);
  }
  return each;
}

Terms sum_of_terms(const std::vector<Terms>& each) {
  Terms whole{};
  for (const Terms& own : each)
    for (std::size_t a = 0; a < kTerms; ++a) whole[a] += own[a];
  return whole;
}

double Composition::latency_ms(const Terms& terms) const {
  const double sum = std::inner_product(terms.begin(), terms.end(), share.begin(), 0.0);
  return std::max(sum, kLeastShare * terms[term::kLatencies]);
}

double Composition::deviation(const Terms& terms) const {
  double variance = 0;
  for (std::size_t a = 0; a < kTerms; ++a)
    for (std::size_t b = 0; b < kTerms; ++b) variance += terms[a] * terms[b] * covariance[a * kTerms + b];
  return std::sqrt(std::max(variance, 0.0) / std::pow(latency_ms(terms), 2) + noise * noise);
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

Composition compose(const Composition& prior, const std::vector<Terms>& models,
                    const std::vector<double>& latency_ms) {
  std::vector<Terms> rows = models;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (double& term : rows[i]) term /= latency_ms[i];
  Composition found = prior;
  std::vector<double> weight(rows.size(), 1);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> precision;
    for (const double each : weight) precision.push_back(each / (found.noise * found.noise));
    Composition next = posterior(prior, rows, precision);
    // The noise believed before counts as a few models do.
    double squares = kFreedom * prior.noise * prior.noise;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double rest = std::inner_product(rows[i].begin(), rows[i].end(), next.share.begin(), 0.0) - 1;
      const double variance = found.noise * found.noise;
      weight[i] = (kFreedom + 1) / (kFreedom + rest * rest / variance);
      squares += weight[i] * rest * rest;
    }
    next.noise = std::max(std::sqrt(squares / (kFreedom + double(rows.size()))), kLeastNoise);
    found = next;
  }
  return found;
}

Composition rescaled(const Composition& prior, const std::vector<Terms>& models,
                     const std::vector<double>& latency_ms) {
  std::vector<double> off;  // logarithms
  double variance = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    off.push_back(std::log(latency_ms[i] / prior.latency_ms(models[i])));
    const double shares = std::pow(prior.deviation(models[i]), 2) - prior.noise * prior.noise;
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

KernelSum put_together(const std::vector<FusedKernel>& kernels, const std::vector<KernelEstimate>& estimates,
                       const Roofline& roofline, const Composition& composition) {
  std::vector<KernelShape> shapes;
  const std::vector<Terms> each = terms_of_each(kernels, estimates, roofline);
  const Terms whole = sum_of_terms(each);
  KernelSum sum{0, 0, 0, {}};
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    shapes.push_back(shape_of(kernels[i]));
    sum.kernel_ms.push_back(composition.latency_ms(each[i]));
  }
  sum.latency_ms = composition.latency_ms(whole);
  // Kernels that cannot become shorter than their least share leave a little too much.
  const double parts = std::accumulate(sum.kernel_ms.begin(), sum.kernel_ms.end(), 0.0);
  for (double& ms : sum.kernel_ms) ms *= sum.latency_ms / parts;
  const KernelSum alone = sum_of(shapes, estimates);
  const double together = kCovered90 * composition.deviation(whole);
  const double below = std::hypot(alone.low_ms / alone.latency_ms - 1, together);
  const double above = std::hypot(alone.high_ms / alone.latency_ms - 1, together);
  sum.low_ms = sum.latency_ms * (1 - std::min(below, 0.99));
  sum.high_ms = sum.latency_ms * (1 + above);
  return sum;
}

}  // namespace latencast
