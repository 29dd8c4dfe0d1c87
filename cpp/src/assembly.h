// A platform's kernels put together to models, as models measured there say.
//
// A composition has a dozen of shares for thousands of kernels, so models of one platform are off together
// where they have kernels in common. Here what a kernel takes beyond its composition is a Gaussian process
// over its sizes, of which every measured model is a sum. Shares and process have one posterior, which is
// exact.
#pragma once

#include <vector>

#include "composition.h"
#include "kernel_features.h"
#include "linear.h"

namespace latencast {

class Assembly {
 public:
  /// Before any model: the composition alone.
  explicit Assembly(const Composition& prior = {})
      : prior_(prior), share_(prior.share), noise_(prior.noise) {}

  /// latency_ms: of each model, finite and positive. Robust: models far off count less. Where most are off
  /// alike by more than the prior lets expect, it is rescaled() first.
  Assembly(const Composition& prior, const std::vector<ModelParts>& models,
           const std::vector<double>& latency_ms);

  /// A model's latency, what each kernel has of it, and 90 %.
  KernelSum estimate(const std::vector<FusedKernel>& kernels, const std::vector<KernelEstimate>& estimates,
                     const Roofline& roofline) const;

 private:
  struct Place {
    KernelType type;
    std::array<double, kSmoothFeatures> at;
  };

  static Place place_of(const KernelShape& kernel) { return {kernel.type, smooth_features(kernel)}; }
  static double covariance(const Place& one, const Place& other);
  double variance(const ModelParts& model, const std::vector<Place>& places,
                  const std::vector<double>& kernel_ms) const;

  Composition prior_;
  Terms share_;                // after the models
  double noise_;               // of a model, relative
  std::vector<Place> places_;  // of their kernels, each once
  DoubleMatrix parts_;         // (places, models): share of each model's latency, by the prior
  DoubleMatrix across_;        // (models, terms): covariance of each model with the shares
  DoubleMatrix lower_;         // of the models' covariance
  std::vector<double> pull_;   // of each place: how much more kernels like it take
};

}  // namespace latencast
