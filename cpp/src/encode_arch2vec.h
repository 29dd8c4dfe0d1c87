// Arch2Vec (Yan et al., NeurIPS 2020): a variational graph auto-encoder. Ours has 3 graph isomorphism layers
// of width 64 (theirs 4 to 5 of 128), sees the places of nodes, and also rebuilds whether a node is live.
#pragma once

#include <vector>

#include "encode_graphs.h"
#include "encode_layers.h"

namespace latencast {

/// How well an auto-encoder rebuilds its input.
struct Reconstruction {
  double loss = 0;
  double operations = 0;  ///< share of nodes whose operation scores highest
  double edges = 0;       ///< share of node pairs, i < j, rightly joined or apart
};

class Arch2Vec {
 public:
  static constexpr int kWidth = 32;

  /// training: after what encode() needs, batch norms, log-spread head and decoder; else the norms are
  /// folded.
  Arch2Vec(const NodeInputs& inputs, bool training);

  const std::vector<Block>& blocks() const { return layout_.blocks(); }
  std::size_t parameter_count() const { return layout_.size(); }

  template <class S>
  Flat<S> initial_parameters(Rng& rng) const;

  /// Mean over each graph's nodes of their latent means. y: (graphs, kWidth). Not of a training network.
  template <class S>
  void encode(const Flat<S>& parameters, const GraphBatch& batch, Matrix<S>& y) const;

  /// Cross-entropy of operations and edges plus the divergence from N(0, 1); sets its gradients. Latent =
  /// mean + noise
  /// * spread. noise: (rows, kWidth). Of a training network only.
  template <class S>
  Reconstruction loss(const Flat<S>& parameters, Flat<S>& gradients, const GraphBatch& batch,
                      const Matrix<S>& noise) const;

  /// The parameters with which a network that does not train encodes `batch` as this one does with the
  /// batch's own statistics in its norms.
  template <class S>
  Flat<S> folded(Flat<S> parameters, const GraphBatch& batch) const;

  /// Makes encode() give (y - mean) * factor, as the mean over nodes is linear in the last layer. mean,
  /// factor: (1, kWidth)
  template <class S>
  void rescale(Flat<S>& parameters, const RowVector<S>& mean, const RowVector<S>& factor) const {
    mean_.w.of(parameters).array().rowwise() *= factor.array();
    auto shift = mean_.b.of(parameters).row(0);
    shift = (shift - mean).cwiseProduct(factor).eval();
  }

 private:
  /// relu(norm(second(relu(norm(first((1 + epsilon) self + sum over neighbours))))))
  struct Layer {
    Block epsilon;
    Linear first, second;
    BatchNorm first_norm, second_norm;
  };
  template <class S>
  struct LayerTrace {
    BatchNorm::Cache<S> first_norm, second_norm;
    Matrix<S> product, hidden, out;
  };

  template <class S>
  void forward(const Flat<S>& parameters, const GraphBatch& batch, std::vector<LayerTrace<S>>& trace,
               Matrix<S>& mean) const;

  bool training_;
  Layout layout_;
  std::vector<Layer> layers_;
  Linear mean_, log_spread_, decoder_;
};

}  // namespace latencast
