// Layers of the encoders, each a forward beside its backward, in the manner of layers.h: parameters are
// offsets into one flat array, matrices hold a node a row; backward functions set the gradients of parameters
// and add to those of inputs, unless they say otherwise.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "latencast/rng.h"
#include "layers.h"
#include "plan.h"

namespace latencast {

constexpr double kNormEpsilon = 1e-5;

/// Y = scale * (X - mean) / spread + shift, over each column of a batch (Ioffe and Szegedy, ICML 2015).
struct BatchNorm {
  Block scale, shift;

  template <class S>
  struct Cache {
    RowVector<S> mean, inverse_spread;
    Matrix<S> normed;
  };

  /// In place.
  template <class S>
  void forward(const Flat<S>& parameters, Cache<S>& cache, Matrix<S>& x) const {
    cache.mean = x.colwise().mean();
    x.rowwise() -= cache.mean;
    cache.inverse_spread = (x.array().square().colwise().mean() + S(kNormEpsilon)).sqrt().inverse().matrix();
    cache.normed = x.array().rowwise() * cache.inverse_spread.array();
    x = (cache.normed.array().rowwise() * scale.of(parameters).row(0).array()).matrix();
    x.rowwise() += shift.of(parameters).row(0);
  }

  /// In place: dy becomes dx.
  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const Cache<S>& cache, Matrix<S>& dy) const {
    shift.of(gradients).row(0) = dy.colwise().sum();
    scale.of(gradients).row(0) = dy.cwiseProduct(cache.normed).colwise().sum();
    dy.array().rowwise() *= scale.of(parameters).row(0).array();
    const RowVector<S> mean = dy.colwise().mean();
    const RowVector<S> along = dy.cwiseProduct(cache.normed).colwise().mean();
    dy.rowwise() -= mean;
    dy.array() -= cache.normed.array().rowwise() * along.array();
    dy.array().rowwise() *= cache.inverse_spread.array();
  }

  /// Makes `linear`, which this norm follows, do the norm's work too, with the statistics of the last
  /// forward().
  template <class S>
  void fold_into(const Linear& linear, Flat<S>& parameters, const Cache<S>& cache) const {
    const RowVector<S> factor = scale.of(parameters).row(0).cwiseProduct(cache.inverse_spread);
    linear.w.of(parameters).array().rowwise() *= factor.array();
    linear.b.of(parameters).row(0) =
        (linear.b.of(parameters).row(0) - cache.mean).cwiseProduct(factor) + shift.of(parameters).row(0);
  }
};

/// The same over each row (Ba et al., 2016).
struct LayerNorm {
  Block scale, shift;

  template <class S>
  struct Cache {
    Flat<S> inverse_spread;
    Matrix<S> normed;
  };

  template <class S>
  void forward(const Flat<S>& parameters, const Matrix<S>& x, Cache<S>& cache, Matrix<S>& y) const {
    cache.normed.resize(x.rows(), x.cols());
    cache.inverse_spread.resize(static_cast<std::size_t>(x.rows()));
    y.resize(x.rows(), x.cols());
    for (Eigen::Index r = 0; r < x.rows(); ++r) {
      const S mean = x.row(r).mean();
      cache.normed.row(r) = x.row(r).array() - mean;
      const S inverse = S(1) / std::sqrt(cache.normed.row(r).squaredNorm() / S(x.cols()) + S(kNormEpsilon));
      cache.inverse_spread[static_cast<std::size_t>(r)] = inverse;
      cache.normed.row(r) *= inverse;
      y.row(r) = cache.normed.row(r).cwiseProduct(scale.of(parameters).row(0)) + shift.of(parameters).row(0);
    }
  }

  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const Cache<S>& cache, const Matrix<S>& dy,
                Matrix<S>& dx) const {
    shift.of(gradients).row(0) = dy.colwise().sum();
    scale.of(gradients).row(0) = dy.cwiseProduct(cache.normed).colwise().sum();
    RowVector<S> d_normed(dy.cols());
    for (Eigen::Index r = 0; r < dy.rows(); ++r) {
      d_normed = dy.row(r).cwiseProduct(scale.of(parameters).row(0));
      const S mean = d_normed.mean(), along = d_normed.dot(cache.normed.row(r)) / S(dy.cols());
      dx.row(r) += cache.inverse_spread[static_cast<std::size_t>(r)] *
                   (d_normed.array() - mean - cache.normed.row(r).array() * along).matrix();
    }
  }
};

/// Y = X W1, ReLU, W2.
struct Mlp {
  Linear wide, narrow;

  template <class S>
  void forward(const Flat<S>& parameters, const Matrix<S>& x, Matrix<S>& hidden, Matrix<S>& y) const {
    wide.forward(parameters, x, hidden);
    relu_forward(hidden);
    narrow.forward(parameters, hidden, y);
  }

  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const Matrix<S>& x, const Matrix<S>& hidden,
                const Matrix<S>& dy, Matrix<S>& dx) const {
    Matrix<S> d_hidden = Matrix<S>::Zero(hidden.rows(), hidden.cols());
    narrow.backward(parameters, gradients, hidden, dy, d_hidden);
    relu_backward(hidden, d_hidden);
    wide.backward(parameters, gradients, x, d_hidden, dx);
  }
};

/// Multi-head attention of each row to the rows of its list (Vaswani et al., NeurIPS 2017).
struct Attention {
  int heads = 1;
  Linear in;  ///< (width, 3 width): queries, keys, values
  Linear out;

  template <class S>
  struct Cache {
    Matrix<S> qkv;
    Flat<S> alpha;  ///< per entry of the lists, per head
    Matrix<S> mixed;
  };

  template <class S>
  void forward(const Flat<S>& parameters, const RowLists& lists, const Matrix<S>& x, Cache<S>& cache,
               Matrix<S>& y) const {
    in.forward(parameters, x, cache.qkv);
    const Eigen::Index width = x.cols(), part = width / heads;
    const S root = S(1) / std::sqrt(S(part));
    cache.alpha.resize(lists.item.size() * static_cast<std::size_t>(heads));
    cache.mixed.setZero(x.rows(), width);
    for (int r = 0; r < lists.count(); ++r) {
      for (int h = 0; h < heads; ++h) {
        const S* query = cache.qkv.row(r).data() + h * part;
        S* sum = cache.mixed.row(r).data() + h * part;
        S highest = -std::numeric_limits<S>::infinity(), total = 0;
        for (int p = lists.begin[r]; p < lists.begin[r + 1]; ++p) {
          const S* key = cache.qkv.row(lists.item[p]).data() + width + h * part;
          S dot = 0;
          for (Eigen::Index i = 0; i < part; ++i) dot += query[i] * key[i];
          weight(cache, p, h) = dot * root;
          highest = std::max(highest, dot * root);
        }
        for (int p = lists.begin[r]; p < lists.begin[r + 1]; ++p)
          total += weight(cache, p, h) = std::exp(weight(cache, p, h) - highest);
        for (int p = lists.begin[r]; p < lists.begin[r + 1]; ++p) {
          const S share = weight(cache, p, h) /= total;
          const S* value = cache.qkv.row(lists.item[p]).data() + 2 * width + h * part;
          for (Eigen::Index i = 0; i < part; ++i) sum[i] += share * value[i];
        }
      }
    }
    out.forward(parameters, cache.mixed, y);
  }

  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const RowLists& lists, const Matrix<S>& x,
                const Cache<S>& cache, const Matrix<S>& dy, Matrix<S>& dx) const {
    const Eigen::Index width = x.cols(), part = width / heads;
    const S root = S(1) / std::sqrt(S(part));
    Matrix<S> d_mixed = Matrix<S>::Zero(x.rows(), width), d_qkv = Matrix<S>::Zero(x.rows(), 3 * width);
    out.backward(parameters, gradients, cache.mixed, dy, d_mixed);
    Flat<S> d_alpha;
    for (int r = 0; r < lists.count(); ++r) {
      const int from = lists.begin[r], to = lists.begin[r + 1];
      d_alpha.resize(static_cast<std::size_t>(to - from));
      for (int h = 0; h < heads; ++h) {
        const S* query = cache.qkv.row(r).data() + h * part;
        const S* d_sum = d_mixed.row(r).data() + h * part;
        S* d_query = d_qkv.row(r).data() + h * part;
        S expected = 0;
        for (int p = from; p < to; ++p) {
          const S share = weight(cache, p, h);
          const S* value = cache.qkv.row(lists.item[p]).data() + 2 * width + h * part;
          S* d_value = d_qkv.row(lists.item[p]).data() + 2 * width + h * part;
          S dot = 0;
          for (Eigen::Index i = 0; i < part; ++i) {
            dot += d_sum[i] * value[i];
            d_value[i] += share * d_sum[i];
          }
          d_alpha[static_cast<std::size_t>(p - from)] = dot;
          expected += share * dot;
        }
        for (int p = from; p < to; ++p) {
          const S d_logit =
              weight(cache, p, h) * (d_alpha[static_cast<std::size_t>(p - from)] - expected) * root;
          const S* key = cache.qkv.row(lists.item[p]).data() + width + h * part;
          S* d_key = d_qkv.row(lists.item[p]).data() + width + h * part;
          for (Eigen::Index i = 0; i < part; ++i) {
            d_query[i] += d_logit * key[i];
            d_key[i] += d_logit * query[i];
          }
        }
      }
    }
    in.backward(parameters, gradients, x, d_qkv, dx);
  }

 private:
  template <class C>
  auto& weight(C& cache, int entry, int head) const {
    return cache.alpha[static_cast<std::size_t>(entry * heads + head)];
  }
};

/// X + Attention(norm(X)), then + Mlp(norm(.)): a pre-norm Transformer layer.
struct TransformerLayer {
  LayerNorm norm, mlp_norm;
  Attention attention;
  Mlp mlp;

  template <class S>
  struct Cache {
    typename LayerNorm::Cache<S> norm, mlp_norm;
    typename Attention::Cache<S> attention;
    Matrix<S> normed, middle, mlp_in, hidden, y;
  };

  /// The result is cache.y.
  template <class S>
  void forward(const Flat<S>& parameters, const RowLists& lists, const Matrix<S>& x, Cache<S>& cache) const {
    norm.forward(parameters, x, cache.norm, cache.normed);
    attention.forward(parameters, lists, cache.normed, cache.attention, cache.middle);
    cache.middle += x;
    mlp_norm.forward(parameters, cache.middle, cache.mlp_norm, cache.mlp_in);
    mlp.forward(parameters, cache.mlp_in, cache.hidden, cache.y);
    cache.y += cache.middle;
  }

  /// In place: dy becomes dx.
  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const RowLists& lists, const Cache<S>& cache,
                Matrix<S>& dy) const {
    Matrix<S> d_in = Matrix<S>::Zero(dy.rows(), dy.cols());
    mlp.backward(parameters, gradients, cache.mlp_in, cache.hidden, dy, d_in);
    mlp_norm.backward(parameters, gradients, cache.mlp_norm, d_in, dy);
    d_in.setZero();
    attention.backward(parameters, gradients, lists, cache.normed, cache.attention, dy, d_in);
    norm.backward(parameters, gradients, cache.norm, d_in, dy);
  }
};

/// Lays the blocks of a network one after the other.
class Layout {
 public:
  const std::vector<Block>& blocks() const { return blocks_; }
  std::size_t size() const { return size_; }

  Block add(const std::string& name, Eigen::Index rows, Eigen::Index cols) {
    blocks_.push_back({name, size_, rows, cols});
    size_ += blocks_.back().size();
    return blocks_.back();
  }
  Linear linear(const std::string& name, Eigen::Index in, Eigen::Index out) {
    Linear linear;
    linear.w = add(name + ".w", in, out);
    linear.b = add(name + ".b", 1, out);
    return linear;
  }
  Mlp mlp(const std::string& name, Eigen::Index in, Eigen::Index hidden, Eigen::Index out) {
    Mlp mlp;
    mlp.wide = linear(name + ".wide", in, hidden);
    mlp.narrow = linear(name + ".narrow", hidden, out);
    return mlp;
  }
  template <class Norm>
  Norm norm(const std::string& name, Eigen::Index width) {
    Norm norm;
    norm.scale = add(name + ".norm_scale", 1, width);
    norm.shift = add(name + ".norm_shift", 1, width);
    return norm;
  }
  TransformerLayer transformer(const std::string& name, Eigen::Index width, int heads, Eigen::Index hidden) {
    TransformerLayer layer;
    layer.norm = norm<LayerNorm>(name + ".attention", width);
    layer.attention.heads = heads;
    layer.attention.in = linear(name + ".attention.in", width, 3 * width);
    layer.attention.out = linear(name + ".attention.out", width, width);
    layer.mlp_norm = norm<LayerNorm>(name + ".mlp", width);
    layer.mlp = mlp(name + ".mlp", width, hidden, width);
    return layer;
  }

  /// Weights after Glorot, scales 1, the rest 0.
  template <class S>
  Flat<S> initial_parameters(Rng& rng) const {
    const auto ends_with = [](const std::string& text, const std::string& end) {
      return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
    };
    Flat<S> values(size_, S(0));
    for (const Block& block : blocks_) {
      auto matrix = block.of(values);
      if (ends_with(block.name, ".norm_scale")) matrix.setOnes();
      const double bound = std::sqrt(6.0 / double(block.rows + block.cols));
      if (ends_with(block.name, ".w"))
        for (auto& value : matrix.reshaped()) value = static_cast<S>((2 * rng.uniform() - 1) * bound);
    }
    return values;
  }

 private:
  std::vector<Block> blocks_;
  std::size_t size_ = 0;
};

}  // namespace latencast
