// AdamW (Loshchilov and Hutter, ICLR 2019) with a cosine learning rate.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <vector>

namespace latencast {

/// A stretch of the parameters with a learning rate of its own, `factor` times the common one.
struct RateScale {
  std::size_t offset = 0;
  std::size_t size = 0;
  double factor = 1;
};

struct AdamOptions {
  double learning_rate = 1e-3;
  RateScale scale{};
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
    const double bias = 1 - std::pow(kMeanDecay, step_);
    const S root = static_cast<S>(1 / std::sqrt(1 - std::pow(kSquareDecay, step_)));
    const auto update = [&](std::size_t from, std::size_t to, double own_rate) {
      const auto n = static_cast<Eigen::Index>(to - from);
      using Values = Eigen::Array<S, Eigen::Dynamic, 1>;
      Eigen::Map<Values> p(parameters.data() + from, n), m(mean_.data() + from, n),
          v(square_.data() + from, n);
      Eigen::Map<const Values> g(gradients.data() + from, n);
      m = S(kMeanDecay) * m + S(1 - kMeanDecay) * g;
      v = S(kSquareDecay) * v + S(1 - kSquareDecay) * g.square();
      p = p * S(1 - own_rate * options_.weight_decay) -
          S(own_rate / bias) * m / (root * v.sqrt() + S(kEpsilon));
    };
    const RateScale& scale = options_.scale;
    update(0, scale.offset, rate);
    update(scale.offset, scale.offset + scale.size, rate * scale.factor);
    update(scale.offset + scale.size, parameters.size(), rate);
  }

 private:
  AdamOptions options_;
  int total_steps_;
  int step_ = 0;
  std::vector<S> mean_, square_;
};

}  // namespace latencast
