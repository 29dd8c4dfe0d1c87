// AdamW (Loshchilov and Hutter, ICLR 2019) with a cosine learning rate.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <vector>

namespace latencast {

struct AdamOptions {
  double learning_rate = 1e-3;
  double last_learning_rate = 1e-6;  ///< reached at the last step
  double weight_decay = 1e-5;
};

/// Optimiser state for one flat parameter array.
template <class S>
class Adam {
 public:
  Adam(std::size_t parameters, const AdamOptions& options, int total_steps)
      : options_(options), total_steps_(total_steps), mean_(parameters, S(0)), square_(parameters, S(0)) {}

  void step(std::vector<S>& parameters, const std::vector<S>& gradients) {
    constexpr double kMeanDecay = 0.9, kSquareDecay = 0.999, kEpsilon = 1e-8, kPi = 3.14159265358979323846;
    const double progress = double(step_++) / total_steps_;
    const double rate = options_.last_learning_rate + (options_.learning_rate - options_.last_learning_rate) *
                                                          (1 + std::cos(kPi * progress)) / 2;
    const auto n = static_cast<Eigen::Index>(parameters.size());
    Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>> p(parameters.data(), n), m(mean_.data(), n),
        v(square_.data(), n);
    Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>> g(gradients.data(), n);
    m = S(kMeanDecay) * m + S(1 - kMeanDecay) * g;
    v = S(kSquareDecay) * v + S(1 - kSquareDecay) * g.square();
    const S step_size = static_cast<S>(rate / (1 - std::pow(kMeanDecay, step_)));
    const S root = static_cast<S>(1 / std::sqrt(1 - std::pow(kSquareDecay, step_)));
    p = p * S(1 - rate * options_.weight_decay) - step_size * m / (root * v.sqrt() + S(kEpsilon));
  }

 private:
  AdamOptions options_;
  int total_steps_;
  int step_ = 0;
  std::vector<S> mean_, square_;
};

}  // namespace latencast
