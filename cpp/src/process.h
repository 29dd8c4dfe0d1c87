// The Gaussian process of adapt.cpp: what a common estimate of platforms misses, as far as it is smooth in a
// kernel's sizes and in what vectors and tiles waste on them, or in how platforms differ.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel_features.h"
#include "layers.h"
#include "linear.h"

namespace latencast {

/// What the process sees of a kernel.
struct ProcessInput {
  KernelType type;
  std::array<double, kProcessFeatures> at;  ///< process_features()
  std::vector<double> deviations;           ///< of each expert from the common estimate, in log
};

/// The covariance of two kernels is a constant, the product of their deviations, and Matern's (3/2) and an
/// exponential, shorter one of the distance of their features, each with a length of its own. Types have
/// their own size and noise. All of these are the most probable ones (Rasmussen and Williams, 2006, chapter
/// 5), climbed to by Adam on random subsets of the timings.
class Process {
 public:
  Process() = default;

  /// target: log latency over the common estimate, one for each input. seed: of the subsets.
  Process(std::vector<ProcessInput> inputs, const std::vector<double>& target, std::uint64_t seed);

  double mean(const ProcessInput& at) const;

  /// Of each input: what the others alone let expect.
  const std::vector<double>& left_out() const { return left_out_; }

 private:
  // Logarithms: of the weights of deviations, of Matern's covariance between all types and within one and of
  // the exponential one, and of the noise; of the length of each feature; of the factor of each type's noise;
  // of the size of each type.
  enum : std::size_t { kExperts, kShared, kSame, kRough, kNoise, kLengths };
  static constexpr std::size_t kNoiseOf = kLengths + kProcessFeatures, kSizeOf = kNoiseOf + kKernelTypes,
                               kParameters = kSizeOf + kKernelTypes;
  using Parameters = Flat<double>;
  struct Covariance;

  static Parameters expected();
  Parameters gradient(const Parameters& at, const std::vector<std::size_t>& rows,
                      const std::vector<double>& target) const;
  void solve(const std::vector<double>& target);

  std::vector<ProcessInput> inputs_;
  Parameters parameters_;
  Eigen::VectorXd weights_;
  std::vector<double> left_out_;
};

}  // namespace latencast
