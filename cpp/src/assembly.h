// A platform's kernels put together to models, as models measured there say.
//
// A composition has a few shares for thousands of kernels, so models of one platform are off together
// where they have kernels in common. Here what a kernel takes beyond its composition is a Gaussian process
// over its sizes, of which every measured model is a sum. Shares and process have one posterior, which is
// exact.
#pragma once

#include <array>
#include <map>
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
  // Where kernels lie for the process, each place once.
  struct Place {
    KernelType type;
    std::array<double, kSmoothFeatures> at;
  };
  class Places {
   public:
    std::size_t number_of(const KernelShape& kernel);  // adds it if it is new
    const std::vector<Place>& all() const { return all_; }

   private:
    std::vector<Place> all_;
    std::map<std::array<double, kSmoothFeatures + 1>, std::size_t> number_;
  };

  static DoubleMatrix covariance(const Places& ones, const Places& others);
  double variance(const ModelParts& model, const Places& places, const Eigen::VectorXd& place_ms,
                  const DoubleMatrix& alike) const;

  Composition prior_;
  Terms share_;           // after the models
  double noise_;          // of a model, relative
  Places places_;         // of their kernels
  DoubleMatrix parts_;    // (places, models): share of each model's latency, by the prior
  DoubleMatrix across_;   // (models, terms): covariance of each model with the shares
  DoubleMatrix lower_;    // of the models' covariance
  Eigen::VectorXd pull_;  // of each place: how much more kernels like it take
};

}  // namespace latencast
