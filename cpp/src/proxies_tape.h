// Convolutional networks that are run once and differentiated: what zero-cost proxies are computed from.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "latencast/kernel.h"
#include "latencast/rng.h"
#include "layers.h"

namespace latencast {

using Eigen::Index;

// A batch of images: row c holds channel c of every image, image after image, line after line.
template <class S>
struct Images {
  int pixels = 1;  // side
  Matrix<S> x, dx;
};

// A convolution's or linear layer's weights, (out, in / groups * size * size).
template <class S>
struct Weights {
  Matrix<S> w, dw;
  double fisher = 0;
};

enum class Init {
  torch,     // uniform within 1 / sqrt(fan-in): the default of PyTorch
  absolute,  // the same, without signs
  normal,    // N(0, 1)
};

// A network as it is run: each layer computes at once and leaves how to go back.
template <class S>
class Tape {
 public:
  Tape(int batch, Init init, bool normalise, Rng& rng)
      : batch_(batch), init_(init), normalise_(normalise), rng_(rng) {}

  Images<S>* input(int pixels, Matrix<S> x) {
    Images<S>* image = make(pixels, x.rows());
    image->x = std::move(x);
    return image;
  }

  Images<S>* convolution(Images<S>* in, const Kernel& kernel) {
    const int groups = kernel.groups, size = kernel.size, taps = size * size;
    const Index in_group = kernel.in_channels / groups, out_group = kernel.out_channels / groups;
    Weights<S>& weights = draw(kernel.out_channels, in_group * taps);
    const int pixels = (in->pixels + kernel.stride - 1) / kernel.stride;
    Images<S>* out = make(pixels, kernel.out_channels);
    if (in_group == 1 && out_group == 1) return depthwise(in, out, weights, size, kernel.stride);
    auto columns = std::make_shared<std::vector<Matrix<S>>>();
    for (int g = 0; g < groups; ++g) {
      columns->push_back(unrolled(*in, g * in_group, in_group, size, kernel.stride, pixels));
      out->x.middleRows(g * out_group, out_group).noalias() =
          weights.w.middleRows(g * out_group, out_group) * columns->back();
    }
    back_.push_back([=, &weights] {
      for (int g = 0; g < groups; ++g) {
        const auto dy = out->dx.middleRows(g * out_group, out_group);
        const auto w = weights.w.middleRows(g * out_group, out_group);
        weights.dw.middleRows(g * out_group, out_group).noalias() = dy * (*columns)[g].transpose();
        const Matrix<S> d_columns = w.transpose() * dy;
        roll(d_columns, *in, g * in_group, in_group, size, kernel.stride, pixels);
      }
      weights.fisher = fisher(*out);
    });
    return out;
  }

  // With a bias, drawn like the weights.
  Images<S>* linear(Images<S>* in, const Kernel& kernel) {
    Kernel flat = kernel;
    flat.type = Kernel::Type::conv;
    Images<S>* out = convolution(in, flat);
    const double bound = 1 / std::sqrt(double(kernel.in_channels));
    if (init_ != Init::absolute)
      for (Index c = 0; c < out->x.rows(); ++c) out->x.row(c).array() += S((2 * rng_.uniform() - 1) * bound);
    return out;
  }

  // By the batch's own statistics.
  Images<S>* norm(Images<S>* in) {
    if (!normalise_) return in;
    Images<S>* out = make(in->pixels, in->x.rows());
    const Eigen::Matrix<S, Eigen::Dynamic, 1> mean = in->x.rowwise().mean();
    out->x = in->x.colwise() - mean;
    const Eigen::Array<S, Eigen::Dynamic, 1> variance = out->x.array().square().rowwise().mean();
    const Eigen::Array<S, Eigen::Dynamic, 1> inverse = (variance + S(1e-5)).sqrt().inverse();
    log_spreads_ += std::log(std::max(1e-30, double(variance.mean()))) / 2;
    out->x.array().colwise() *= inverse;
    back_.push_back([=] {
      const Eigen::Array<S, Eigen::Dynamic, 1> d_mean = out->dx.rowwise().mean();
      const Eigen::Array<S, Eigen::Dynamic, 1> along = out->dx.cwiseProduct(out->x).rowwise().mean();
      in->dx.array() +=
          ((out->dx.array().colwise() - d_mean) - out->x.array().colwise() * along).colwise() * inverse;
    });
    return out;
  }

  Images<S>* relu(Images<S>* in) {
    Images<S>* out = make(in->pixels, in->x.rows());
    out->x = in->x.cwiseMax(S(0));
    activations_.push_back(out);
    back_.push_back([=] { in->dx += (in->x.array() > S(0)).select(out->dx, S(0)); });
    return out;
  }

  Images<S>* add(Images<S>* a, Images<S>* b) {
    Images<S>* out = make(a->pixels, a->x.rows());
    out->x = a->x + b->x;
    back_.push_back([=] {
      a->dx += out->dx;
      b->dx += out->dx;
    });
    return out;
  }

  // Mean of the pixels within the image under a window of that size.
  Images<S>* average_pool(Images<S>* in, int size, int stride) {
    const int pixels = (in->pixels + stride - 1) / stride, reach = (size - 1) / 2;
    Images<S>* out = make(pixels, in->x.rows());
    const auto each = [=](const auto& visit) {
      for (int image = 0; image < batch_; ++image)
        for (int y = 0; y < pixels; ++y)
          for (int x = 0; x < pixels; ++x) {
            const int top = std::max(0, y * stride - reach), left = std::max(0, x * stride - reach);
            const int bottom = std::min(in->pixels, y * stride - reach + size);
            const int right = std::min(in->pixels, x * stride - reach + size);
            const S share = S(1) / S((bottom - top) * (right - left));
            for (int v = top; v < bottom; ++v)
              for (int u = left; u < right; ++u)
                visit((image * pixels + y) * pixels + x, (image * in->pixels + v) * in->pixels + u, share);
          }
    };
    each([&](Index to, Index from, S share) { out->x.col(to) += share * in->x.col(from); });
    back_.push_back(
        [=] { each([&](Index to, Index from, S share) { in->dx.col(from) += share * out->dx.col(to); }); });
    return out;
  }

  Images<S>* global_pool(Images<S>* in) { return average_pool(in, 2 * in->pixels + 1, in->pixels); }

  // Each channel of each image times the sigmoid of its gate. gate: of one pixel.
  Images<S>* scale(Images<S>* in, Images<S>* gate) {
    Images<S>* out = make(in->pixels, in->x.rows());
    const Index area = Index{in->pixels} * in->pixels;
    const Matrix<S> open = (S(1) + (-gate->x.array()).exp()).inverse();
    for (Index i = 0; i < in->x.cols(); ++i) out->x.col(i) = in->x.col(i).cwiseProduct(open.col(i / area));
    back_.push_back([=] {
      for (Index i = 0; i < in->x.cols(); ++i) {
        const auto share = open.col(i / area).array();
        in->dx.col(i).array() += out->dx.col(i).array() * share;
        gate->dx.col(i / area).array() +=
            out->dx.col(i).array() * in->x.col(i).array() * share * (S(1) - share);
      }
    });
    return out;
  }

  // Sets the gradients of everything, from that of `last`.
  void backward(Images<S>* last, const Matrix<S>& gradient) {
    for (Weights<S>& weights : weights_) weights.dw.setZero(weights.w.rows(), weights.w.cols());
    for (Images<S>& image : images_) image.dx.setZero(image.x.rows(), image.x.cols());
    last->dx = gradient;
    for (auto step = back_.rbegin(); step != back_.rend(); ++step) (*step)();
  }

  const std::deque<Weights<S>>& weights() const { return weights_; }
  const std::vector<Images<S>*>& activations() const { return activations_; }

  // Sum over norms of the logarithm of the root of their mean variance.
  double log_spreads() const { return log_spreads_; }

 private:
  Images<S>* make(int pixels, Index channels) {
    images_.emplace_back();
    images_.back().pixels = pixels;
    images_.back().x.setZero(channels, Index{batch_} * pixels * pixels);
    return &images_.back();
  }

  Weights<S>& draw(Index rows, Index cols) {
    weights_.emplace_back();
    Weights<S>& weights = weights_.back();
    weights.w.resize(rows, cols);
    const double bound = 1 / std::sqrt(double(cols));
    for (auto& w : weights.w.reshaped()) {
      const double uniform = (2 * rng_.uniform() - 1) * bound;
      w = S(init_ == Init::normal ? rng_.normal() : init_ == Init::absolute ? std::abs(uniform) : uniform);
    }
    return weights;
  }

  // visit(tap, to, from, count) for each line of the output under each tap of the window: `count` columns of
  // the output from `to` on lie under columns of the input from `from` on, `stride` apart.
  template <class Visit>
  void each_tap(int size, int stride, int in_pixels, int pixels, const Visit& visit) const {
    for (int tap = 0; tap < size * size; ++tap) {
      const int down = tap / size - size / 2, right = tap % size - size / 2;
      const int first = right < 0 ? (-right + stride - 1) / stride : 0;
      const int end = std::min(pixels, (in_pixels - 1 - right) / stride + 1);
      if (in_pixels - 1 < right || end <= first) continue;
      for (int image = 0; image < batch_; ++image)
        for (int y = 0; y < pixels; ++y) {
          const int v = y * stride + down;
          if (v < 0 || v >= in_pixels) continue;
          visit(tap, Index{(image * pixels + y) * pixels + first},
                Index{(image * in_pixels + v) * in_pixels + first * stride + right}, Index{end - first});
        }
    }
  }

  // Row channel * taps + tap: what lies under that tap of the window, for each pixel of the output.
  Matrix<S> unrolled(const Images<S>& in, Index first, Index channels, int size, int stride,
                     int pixels) const {
    if (size == 1 && stride == 1) return in.x.middleRows(first, channels);
    const Index taps = size * size;
    Matrix<S> columns = Matrix<S>::Zero(channels * taps, Index{batch_} * pixels * pixels);
    for (Index c = 0; c < channels; ++c) {
      const S* from = in.x.row(first + c).data();
      each_tap(size, stride, in.pixels, pixels, [&](int tap, Index to, Index at, Index count) {
        S* row = &columns(c * taps + tap, to);
        for (Index i = 0; i < count; ++i) row[i] = from[at + i * stride];
      });
    }
    return columns;
  }

  void roll(const Matrix<S>& d_columns, Images<S>& in, Index first, Index channels, int size, int stride,
            int pixels) const {
    const Index taps = size * size;
    if (taps == 1 && stride == 1) {
      in.dx.middleRows(first, channels) += d_columns;
      return;
    }
    for (Index c = 0; c < channels; ++c) {
      S* to = in.dx.row(first + c).data();
      each_tap(size, stride, in.pixels, pixels, [&](int tap, Index from, Index at, Index count) {
        const S* row = &d_columns(c * taps + tap, from);
        for (Index i = 0; i < count; ++i) to[at + i * stride] += row[i];
      });
    }
  }

  Images<S>* depthwise(Images<S>* in, Images<S>* out, Weights<S>& weights, int size, int stride) {
    for (Index c = 0; c < in->x.rows(); ++c) {
      const S *from = in->x.row(c).data(), *w = weights.w.row(c).data();
      S* to = out->x.row(c).data();
      each_tap(size, stride, in->pixels, out->pixels, [&](int tap, Index y, Index x, Index count) {
        const S weight = w[tap];
        for (Index i = 0; i < count; ++i) to[y + i] += weight * from[x + i * stride];
      });
    }
    back_.push_back([=, &weights] {
      for (Index c = 0; c < in->x.rows(); ++c) {
        const S *from = in->x.row(c).data(), *w = weights.w.row(c).data(), *dy = out->dx.row(c).data();
        S *dx = in->dx.row(c).data(), *dw = weights.dw.row(c).data();
        each_tap(size, stride, in->pixels, out->pixels, [&](int tap, Index y, Index x, Index count) {
          const S weight = w[tap];
          S sum = 0;
          for (Index i = 0; i < count; ++i) {
            dx[x + i * stride] += weight * dy[y + i];
            sum += from[x + i * stride] * dy[y + i];
          }
          dw[tap] += sum;
        });
      }
      weights.fisher = fisher(*out);
    });
    return out;
  }

  // Sum over channels of half the mean over images of (activation . gradient)^2.
  double fisher(const Images<S>& out) const {
    const Index area = Index{out.pixels} * out.pixels;
    double sum = 0;
    for (Index c = 0; c < out.x.rows(); ++c)
      for (int image = 0; image < batch_; ++image) {
        const double dot =
            double(out.x.row(c).segment(image * area, area).dot(out.dx.row(c).segment(image * area, area)));
        sum += dot * dot / (2 * batch_);
      }
    return sum;
  }

  int batch_;
  Init init_;
  bool normalise_;
  Rng& rng_;
  std::deque<Images<S>> images_;
  std::deque<Weights<S>> weights_;
  std::vector<Images<S>*> activations_;
  std::vector<std::function<void()>> back_;
  double log_spreads_ = 0;
};

}  // namespace latencast
