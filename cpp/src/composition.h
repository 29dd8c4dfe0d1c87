// From kernels timed alone to the model they make. Timed alone, a kernel finds its weights in the cache, pays
// the runtime's call for itself, and may have its images laid out anew on the way in and out; in a model none
// of this holds. What LitePred and nn-Meter take for a plain sum is here a handful of terms.
#pragma once

#include <array>
#include <vector>

#include "latencast/decompose.h"
#include "latencast/pool.h"
#include "linear.h"
#include "roofline.h"

namespace latencast {

/// What a model's latency is put together from, in ms: of one kernel, or summed over a model. Estimates of
/// one kind err together, so latencies come once more by kind.
namespace term {
enum : std::size_t {
  kLatencies,                ///< of kernels, as they were timed
  kCalls,                    ///< the platform's overhead, once a kernel
  kWeights,                  ///< what the platform takes to move the weights,
  kConvolvedActivations,     ///< the activations of convolutions,
  kDepthwiseActivations,     ///< of depthwise ones,
  kOtherActivations,         ///< and of all other kernels
  kPointwise,                ///< latencies of pointwise convolutions,
  kConvolutions,             ///< of other ones,
  kDepthwise,                ///< of depthwise ones,
  kSqueezeExcite,            ///< of squeeze-excite,
  kSums,                     ///< of sums,
  kSwish,                    ///< and of swish and hard-swish
  kModelBeyondCaches,        ///< latencies, as far as the model's weights are too many for caches,
  kWeightsBeyondCaches,      ///< as far as each kernel's own weights are,
  kActivationsBeyondCaches,  ///< and its own activations
  // What no kernel takes longer than:
  kShort,            ///< a few microseconds, because short ones are known badly;
  kWaitWeights,      ///< moving its weights from memory;
  kWaitActivations,  ///< moving its activations
  kCount
};
}  // namespace term

constexpr std::size_t kTerms = term::kCount;
using Terms = std::array<double, kTerms>;

/// A model's kernels, and what they add to it.
struct ModelParts {
  std::vector<KernelShape> kernels;
  std::vector<Terms> each;  ///< of each kernel
  Terms whole;              ///< their sum
};

/// estimates: of each kernel, in ms.
ModelParts parts_of(const std::vector<FusedKernel>& kernels, const std::vector<KernelEstimate>& estimates,
                    const Roofline& roofline);

/// A model takes the sum of share * term, give or take `noise` (relative). The shares are normal.
struct Composition {
  Terms share{1};                                    // all others 0
  std::array<double, kTerms * kTerms> covariance{};  // row-major
  double noise = 0;

  double latency_ms(const Terms& terms) const;
  /// Of the shares, in ms^2: without the noise.
  double variance(const Terms& terms) const;
};

/// Of its latency alone, what a kernel or a model keeps at least.
double least_ms(const Terms& terms);

/// What is believed before any model is known: roughly a sum. Kernels timed inside networks have neither
/// calls nor images laid out anew in them, so that theirs is one of latencies alone.
Composition vague_composition(Timed timed);

/// After many models of one platform, by themselves. latency_ms: finite and positive, one for each of
/// `models`. Robust: models far off count less.
Composition compose(const Composition& prior, const std::vector<Terms>& models,
                    const std::vector<double>& latency_ms);

/// Noise that models have, relative: of all, and each one's own variance, larger where it is far off
/// (Student's t). covariance: of models, without noise. missing: to each model. noise: believed before.
struct ModelNoise {
  double noise;
  std::vector<double> variance;
  std::vector<double> off;  ///< of each model, in standard deviations of the noise
};
ModelNoise noise_of_models(const DoubleMatrix& covariance, const std::vector<double>& missing, double noise);

/// A = L L^T, the models' covariance and their variances, and `solved` = A^-1 missing.
struct ModelRegression {
  DoubleMatrix lower;
  std::vector<double> solved;
};
ModelRegression regress_models(const DoubleMatrix& covariance, const std::vector<double>& missing,
                               const std::vector<double>& variance);

/// (models, terms): each model's terms over its latency.
DoubleMatrix term_rows(const std::vector<Terms>& models, const std::vector<double>& latency_ms);
/// What the shares say of models' terms: rows * covariance of the shares, (models, terms).
DoubleMatrix share_covariance(const Composition& shares, const DoubleMatrix& rows);

/// `prior` times what `models` take in common beyond what it lets expect: 1 within two standard deviations of
/// their median, the rest of the way from there. A prior that holds firmly against what all models say would
/// have them all taken for outliers. latency_ms: as of compose().
Composition rescaled(const Composition& prior, const std::vector<Terms>& models,
                     const std::vector<double>& latency_ms);

/// What platforms have in common that were timed so, as a prior for another: the mean of their shares, and
/// how far they are from it. groups: which of them are settings of one and count together. likeness, from 0:
/// how much each is like the one asked about. about_sum: the plain sum in place of the mean, which is the
/// better guess for kernels timed alone while no model of the new one is known. Of no platforms: exactly the
/// sum.
Composition common_composition(const std::vector<Composition>& platforms,
                               const std::vector<std::string>& groups, const std::vector<double>& likeness,
                               Timed timed, bool about_sum);

}  // namespace latencast
