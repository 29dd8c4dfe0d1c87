// LitePred's predictors of kernels (Feng et al., NSDI 2024, sections 3 and 5): a deep perceptron for each
// platform and kernel type, carried over to a new platform from the one whose predictions diverge least.
// A baseline.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/pool.h"
#include "layers.h"

namespace latencast {

struct PerceptronOptions {
  int epochs = 350;
  int tuning_epochs = 350;  ///< on a new platform's timings
  int batch = 32;
  double learning_rate = 1e-3;
  double tuning_learning_rate = 1e-3;
  std::uint64_t seed = 1;  ///< decides everything random
};

/// Kernels of one type on one platform. Sees logarithms of the kernel's sizes, work and parameters,
/// standardised; its output is log latency, trained by the mean relative error of latency.
class KernelPerceptron {
 public:
  /// timings: of one type, at least one.
  KernelPerceptron(const std::vector<KernelTiming>& timings, const PerceptronOptions& options);

  /// Trained on from here; first all latencies are multiplied by the factor that fits the timings.
  KernelPerceptron tuned(const std::vector<KernelTiming>& timings, const PerceptronOptions& options) const;

  /// All latencies multiplied.
  KernelPerceptron scaled(double factor) const;

  std::vector<double> latency_ms(const std::vector<KernelShape>& kernels) const;

  struct State;  // perceptrons.cpp
  explicit KernelPerceptron(State state);

 private:
  friend class PerceptronPlatform;

  std::shared_ptr<const State> state_;
};

/// What is known of a platform of the pool.
class PerceptronPlatform {
 public:
  PerceptronPlatform(std::string id, const std::vector<KernelTiming>& timings,
                     const PerceptronOptions& options);

  /// Of the bytes of write(); throws `checkpoint` on anything else.
  explicit PerceptronPlatform(std::string_view bytes);
  std::string write() const;

  const std::string& id() const { return id_; }

  /// nullptr where there were no timings of the type.
  const KernelPerceptron* of(KernelType type) const;

 private:
  std::string id_;
  std::map<KernelType, KernelPerceptron> types_;
};

/// A new platform from its timings: the perceptrons of the pool's least divergent platform, tuned. Its
/// perceptrons of types that were not timed are multiplied by the factor of all that were; a type that it
/// does not know is learnt from nothing, or, if not timed either, goes with work and traffic.
class AdaptedPerceptrons {
 public:
  /// pool: may be empty.
  AdaptedPerceptrons(const std::vector<PerceptronPlatform>& pool, const std::vector<KernelTiming>& timings,
                     const PerceptronOptions& options);

  std::vector<double> latency_ms(const std::vector<KernelShape>& kernels) const;

 private:
  std::map<KernelType, KernelPerceptron> types_;
  double ms_per_element_;  // of work and traffic
};

/// The platform of the pool whose predictions diverge least from the timings: of each type latencies become a
/// distribution over its kernels, and their Kullback-Leibler divergence counts by the type's number of
/// timings; a type that the platform does not know counts as 1. pool: at least one.
std::size_t least_divergent(const std::vector<PerceptronPlatform>& pool,
                            const std::vector<KernelTiming>& timings);

/// Into a folder as ID.perceptrons.
void write_perceptrons(const std::string& folder, const PerceptronPlatform& platform);

/// All in a folder, by id.
std::vector<PerceptronPlatform> read_perceptrons(const std::string& folder);

}  // namespace latencast
