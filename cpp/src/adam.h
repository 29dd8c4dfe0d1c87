// AdamW (Loshchilov and Hutter, ICLR 2019) with a cosine learning rate.
#pragma once

#include <cmath>
#include <vector>

#include "layers.h"

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
  double mean_decay = 0.9, square_decay = 0.999;  ///< of the gradients' running mean and mean square
};

/// Optimiser state for one flat parameter array.
template <class S>
class Adam {
 public:
  Adam(std::size_t parameters, const AdamOptions& options, int total_steps)
      : options_(options), total_steps_(total_steps), mean_(parameters, S(0)), square_(parameters, S(0)) {}

  void step(Flat<S>& parameters, const Flat<S>& gradients) {
    constexpr double kEpsilon = 1e-8, kPi = 3.14159265358979323846;
    const double mean_decay = options_.mean_decay, square_decay = options_.square_decay;
    const double progress = double(step_++) / total_steps_;
    const double rate = options_.last_learning_rate + (options_.learning_rate - options_.last_learning_rate) *
                                                          (1 + std::cos(kPi * progress)) / 2;
    const double bias = 1 - (mean_left_ *= mean_decay);
    const S root = static_cast<S>(1 / std::sqrt(1 - (square_left_ *= square_decay)));
    const auto update = [&](std::size_t from, std::size_t to, double own_rate) {
      // One pass, because the arrays are larger than the cache.
      const S keep = S(1 - own_rate * options_.weight_decay), step_size = S(own_rate / bias);
      S* const p = parameters.data();
      S* const m = mean_.data();
      S* const v = square_.data();
      const S* const g = gradients.data();
      for (std::size_t i = from; i < to; ++i) {
        m[i] = S(mean_decay) * m[i] + S(1 - mean_decay) * g[i];
        v[i] = S(square_decay) * v[i] + S(1 - square_decay) * (g[i] * g[i]);
        p[i] = p[i] * keep - step_size * m[i] / (root * std::sqrt(v[i]) + S(kEpsilon));
      }
    };
    const RateScale& scale = options_.scale;
    update(0, scale.offset, rate);
    update(scale.offset, scale.offset + scale.size, rate * scale.factor);
    update(scale.offset + scale.size, parameters.size(), rate);
  }

 private:
  AdamOptions options_;
  int total_steps_;
  double mean_left_ = 1, square_left_ = 1;  ///< what the zeroes that both began with still count
  int step_ = 0;
  Flat<S> mean_, square_;
};

}  // namespace latencast
