// The layers of the NASFLAT network (arXiv 2403.02446, section 4), each a forward beside its backward.
//
// Parameters of a whole network lie in one flat array; a layer knows only offsets into it, so a copy, an
// optimiser step or a change of precision is one operation on that array. Matrices are row-major, a row a
// node (or a merged set of equal nodes, plan.h). Each parameter acts in one place only, so backward functions
// set its gradient; to the gradients of their inputs they add.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <string>
#include <vector>

#include "latencast/rng.h"
#include "plan.h"
#include "product.h"

namespace latencast {

template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class S>
using RowVector = Eigen::Matrix<S, 1, Eigen::Dynamic>;
template <class S>
using ConstMatrixMap = Eigen::Map<const Matrix<S>>;
template <class S>
using MatrixMap = Eigen::Map<Matrix<S>>;

// Parameters, gradients and the like. Aligned as vectors of numbers are loaded: the order in which Eigen
// adds, and with it the last bit of a sum, must not depend on where memory happens to lie.
template <class S>
using Flat = std::vector<S, Eigen::aligned_allocator<S>>;

/// A matrix among the parameters: (rows, cols) from `offset` on.
struct Block {
  std::string name;
  std::size_t offset = 0;
  Eigen::Index rows = 0;
  Eigen::Index cols = 0;

  std::size_t size() const { return static_cast<std::size_t>(rows * cols); }
  template <class S>
  ConstMatrixMap<S> of(const Flat<S>& values) const {
    return {values.data() + offset, rows, cols};
  }
  template <class S>
  MatrixMap<S> of(Flat<S>& values) const {
    return {values.data() + offset, rows, cols};
  }
};

/// Y = X W + b. X: (N, in), Y: (N, out)
struct Linear {
  Block w, b;

  template <class S, class X>
  void forward(const Flat<S>& parameters, const X& x, Matrix<S>& y) const {
    set_product(x, w.of(parameters), y);
    y.rowwise() += b.of(parameters).row(0);
  }

  template <class S, class X, class DX>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const X& x, const Matrix<S>& dy,
                DX&& dx) const {
    set_product(x.transpose(), dy, w.of(gradients));
    b.of(gradients).row(0) = dy.colwise().sum();
    add_product(dy, w.of(parameters).transpose(), dx);
  }
};

template <class S>
void relu_forward(Matrix<S>& x) {
  x = x.cwiseMax(S(0));
}

/// y: what relu_forward left; dy becomes the gradient before it.
template <class S>
void relu_backward(const Matrix<S>& y, Matrix<S>& dy) {
  dy = (y.array() > S(0)).select(dy, S(0));
}

/// A multi-layer perceptron: linear layers with ReLU, and where asked dropout, between them.
struct Perceptron {
  static constexpr double kDropout = 0.1;

  std::vector<Linear> layers;

  template <class S>
  struct Cache {
    std::vector<Matrix<S>> x;     ///< the input, which the caller sets, and what each layer leaves
    std::vector<Matrix<S>> keep;  ///< per hidden layer 0 or 1 / (1 - kDropout); empty without dropout

    const Matrix<S>& out() const { return x.back(); }
  };

  /// cache.x[0]: (N, in) is the input. With `dropout`, hidden units are dropped by that stream.
  template <class S>
  void forward(const Flat<S>& parameters, Cache<S>& cache, Rng* dropout = nullptr) const {
    cache.x.resize(layers.size() + 1);
    cache.keep.resize(dropout ? layers.size() - 1 : 0);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      Matrix<S>& y = cache.x[i + 1];
      layers[i].forward(parameters, cache.x[i], y);
      if (i + 1 == layers.size()) break;
      relu_forward(y);
      if (!dropout) continue;
      cache.keep[i].resize(y.rows(), y.cols());
      for (auto& keep : cache.keep[i].reshaped())
        keep = dropout->uniform() < kDropout ? S(0) : static_cast<S>(1 / (1 - kDropout));
      y.array() *= cache.keep[i].array();
    }
  }

  /// Returns the gradient of the input.
  template <class S>
  Matrix<S> backward(const Flat<S>& parameters, Flat<S>& gradients, const Cache<S>& cache,
                     Matrix<S> d) const {
    for (std::size_t i = layers.size(); i-- > 0;) {
      if (i + 1 < layers.size()) {
        if (!cache.keep.empty()) d.array() *= cache.keep[i].array();
        relu_backward(cache.x[i + 1], d);
      }
      Matrix<S> d_before = Matrix<S>::Zero(cache.x[i].rows(), cache.x[i].cols());
      layers[i].backward(parameters, gradients, cache.x[i], d, d_before);
      d.swap(d_before);
    }
    return d;
  }
};

/// G = sigmoid(O U + c): the gate by which an operation acts on its node. O: (M, d_op), of which the first
/// `count` rows act; G: (count, out)
struct Gate {
  Linear linear;

  template <class S>
  void forward(const Flat<S>& parameters, const Matrix<S>& o, int count, Matrix<S>& g) const {
    linear.forward(parameters, o.topRows(count), g);
    g = (S(1) + (-g.array()).exp()).inverse();
  }

  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const Matrix<S>& o, const Matrix<S>& g,
                const Matrix<S>& dg, Matrix<S>& d_o) const {
    const Matrix<S> d_logit = dg.array() * g.array() * (S(1) - g.array());
    linear.backward(parameters, gradients, o.topRows(g.rows()), d_logit, d_o.topRows(g.rows()));
  }
};

/// Dense graph flow: Y_i = g_i * sum over predecessors j of (H W)_j + (H W)_i + b.
/// H: (R_before, in), Y: (rows.count(), out)
struct Dgf {
  Gate gate;
  Block w, b;

  template <class S>
  struct Cache {
    Matrix<S> g;   ///< (rows.gates, out)
    Matrix<S> hw;  ///< (R_before, out)
  };

  template <class S>
  void forward(const Flat<S>& parameters, const LayerRows& rows, const Matrix<S>& h, const Matrix<S>& o,
               Cache<S>& cache, Matrix<S>& y) const {
    gate.forward(parameters, o, rows.gates, cache.g);
    set_product(h, w.of(parameters), cache.hw);
    const auto bias = b.of(parameters).row(0);
    y.resize(rows.count(), w.cols);
    for (int r = 0; r < rows.count(); ++r) {
      if (rows.gate[r] < 0) {
        y.row(r) = cache.hw.row(rows.own[r]) + bias;
        continue;
      }
      y.row(r) = cache.hw.row(rows.predecessors.item[rows.predecessors.begin[r]]);
      for (int p = rows.predecessors.begin[r] + 1; p < rows.predecessors.begin[r + 1]; ++p)
        y.row(r) += cache.hw.row(rows.predecessors.item[p]);
      y.row(r).array() *= cache.g.row(rows.gate[r]).array();
      y.row(r) += cache.hw.row(rows.own[r]) + bias;
    }
  }

  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const LayerRows& rows, const Matrix<S>& h,
                const Matrix<S>& o, const Cache<S>& cache, const Matrix<S>& dy, Matrix<S>& dh,
                Matrix<S>& d_o) const {
    Matrix<S> d_hw = Matrix<S>::Zero(h.rows(), w.cols), dg = Matrix<S>::Zero(rows.gates, w.cols);
    RowVector<S> flow(w.cols);
    for (int r = 0; r < rows.count(); ++r) {
      d_hw.row(rows.own[r]) += dy.row(r);
      if (rows.gate[r] < 0) continue;
      flow = dy.row(r).array() * cache.g.row(rows.gate[r]).array();
      for (int p = rows.predecessors.begin[r]; p < rows.predecessors.begin[r + 1]; ++p) {
        const int j = rows.predecessors.item[p];
        d_hw.row(j) += flow;
        dg.row(rows.gate[r]).array() += dy.row(r).array() * cache.hw.row(j).array();
      }
    }
    b.of(gradients).row(0) = dy.colwise().sum();
    set_product(h.transpose(), d_hw, w.of(gradients));
    add_product(d_hw, w.of(parameters).transpose(), dh);
    gate.backward(parameters, gradients, o, cache.g, dg, d_o);
  }
};

/// Graph attention with one matrix for query, key and value: K = H W;
/// e_ij = LeakyReLU(a . (K_i * K_j) / sqrt(out)), alpha_i = softmax of e_i over the predecessors j of i,
/// Y_i = LayerNorm(g_i * sum_j alpha_ij K_j). Without predecessors the sum is zero and Y_i the norm's shift.
struct Gat {
  static constexpr double kLeak = 0.01;
  static constexpr double kNormEpsilon = 1e-5;

  Gate gate;
  Block w, a, norm_scale, norm_shift;

  template <class S>
  struct Cache {
    Matrix<S> g;             ///< (rows.gates, out)
    Matrix<S> k;             ///< (R_before, out)
    Flat<S> logit, alpha;    ///< per entry of the predecessor lists, before LeakyReLU / after softmax
    Matrix<S> sum;           ///< (R, out) sum_j alpha_ij K_j
    Matrix<S> normed;        ///< (R, out) before scale and shift
    Flat<S> inverse_spread;  ///< (R)
  };

  template <class S>
  void forward(const Flat<S>& parameters, const LayerRows& rows, const Matrix<S>& h, const Matrix<S>& o,
               Cache<S>& cache, Matrix<S>& y) const {
    gate.forward(parameters, o, rows.gates, cache.g);
    set_product(h, w.of(parameters), cache.k);
    const auto attention = a.of(parameters).row(0);
    const S scale = S(1) / std::sqrt(S(w.cols));
    const auto& item = rows.predecessors.item;
    const int n = rows.count();
    cache.logit.resize(item.size());
    cache.alpha.resize(item.size());
    cache.sum.setZero(n, w.cols);
    cache.normed.setZero(n, w.cols);
    cache.inverse_spread.assign(static_cast<std::size_t>(n), S(0));
    RowVector<S> query(w.cols), gated(w.cols);
    y.resize(n, w.cols);
    for (int r = 0; r < n; ++r) {
      y.row(r) = norm_shift.of(parameters).row(0);
      if (rows.gate[r] < 0) continue;
      const int from = rows.predecessors.begin[r], to = rows.predecessors.begin[r + 1];
      query = cache.k.row(rows.own[r]).cwiseProduct(attention) * scale;
      S highest = -std::numeric_limits<S>::infinity();
      for (int p = from; p < to; ++p) {
        const S e = query.dot(cache.k.row(item[p]));
        cache.logit[p] = e;
        cache.alpha[p] = e > 0 ? e : S(kLeak) * e;
        highest = std::max(highest, cache.alpha[p]);
      }
      S total = 0;
      for (int p = from; p < to; ++p) total += cache.alpha[p] = std::exp(cache.alpha[p] - highest);
      for (int p = from; p < to; ++p) {
        cache.alpha[p] /= total;
        cache.sum.row(r) += cache.alpha[p] * cache.k.row(item[p]);
      }
      gated = cache.sum.row(r).cwiseProduct(cache.g.row(rows.gate[r]));
      gated.array() -= gated.mean();
      const S inverse = S(1) / std::sqrt(gated.squaredNorm() / S(w.cols) + S(kNormEpsilon));
      cache.inverse_spread[r] = inverse;
      cache.normed.row(r) = gated * inverse;
      y.row(r) += cache.normed.row(r).cwiseProduct(norm_scale.of(parameters).row(0));
    }
  }

  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const LayerRows& rows, const Matrix<S>& h,
                const Matrix<S>& o, const Cache<S>& cache, const Matrix<S>& dy, Matrix<S>& dh,
                Matrix<S>& d_o) const {
    const auto attention = a.of(parameters).row(0);
    const auto scale_row = norm_scale.of(parameters).row(0);
    const S scale = S(1) / std::sqrt(S(w.cols));
    const auto& item = rows.predecessors.item;
    norm_shift.of(gradients).row(0) = dy.colwise().sum();
    norm_scale.of(gradients).row(0) = dy.cwiseProduct(cache.normed).colwise().sum();
    Matrix<S> dk = Matrix<S>::Zero(h.rows(), w.cols), dg = Matrix<S>::Zero(rows.gates, w.cols);
    RowVector<S> d_attention = RowVector<S>::Zero(w.cols), d_normed(w.cols), d_sum(w.cols), d_product(w.cols);
    Flat<S> d_alpha;
    for (int r = 0; r < rows.count(); ++r) {
      if (rows.gate[r] < 0) continue;
      const int from = rows.predecessors.begin[r], to = rows.predecessors.begin[r + 1];
      // LayerNorm, then the gate.
      d_normed = dy.row(r).cwiseProduct(scale_row);
      const S mean = d_normed.mean();
      const S along = d_normed.dot(cache.normed.row(r)) / S(w.cols);
      const RowVector<S> d_gated =
          cache.inverse_spread[r] * (d_normed.array() - mean - cache.normed.row(r).array() * along).matrix();
      dg.row(rows.gate[r]) += d_gated.cwiseProduct(cache.sum.row(r));
      d_sum = d_gated.cwiseProduct(cache.g.row(rows.gate[r]));
      // Weighted sum, softmax, LeakyReLU, product.
      d_alpha.resize(static_cast<std::size_t>(to - from));
      S expected = 0;
      for (int p = from; p < to; ++p) {
        dk.row(item[p]) += cache.alpha[p] * d_sum;
        d_alpha[p - from] = d_sum.dot(cache.k.row(item[p]));
        expected += cache.alpha[p] * d_alpha[p - from];
      }
      for (int p = from; p < to; ++p) {
        S d_logit = cache.alpha[p] * (d_alpha[p - from] - expected) * scale;
        if (cache.logit[p] <= 0) d_logit *= S(kLeak);
        const auto own = cache.k.row(rows.own[r]);
        const auto other = cache.k.row(item[p]);
        d_attention += d_logit * own.cwiseProduct(other);
        d_product = d_logit * attention;
        dk.row(rows.own[r]) += d_product.cwiseProduct(other);
        dk.row(item[p]) += d_product.cwiseProduct(own);
      }
    }
    a.of(gradients).row(0) = d_attention;
    set_product(h.transpose(), dk, w.of(gradients));
    add_product(dk, w.of(parameters).transpose(), dh);
    gate.backward(parameters, gradients, o, cache.g, dg, d_o);
  }
};

}  // namespace latencast
