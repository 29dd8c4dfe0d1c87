// CATE (Yan et al., ICML 2021): a Transformer that fills in hidden operations with the help of an
// architecture of about the same cost. Ours has 2 layers on a graph and 1 on the pair (theirs 12 and 24) and
// sees the places of nodes. Its pair layer sees of the helping architecture only the embedding: to be of
// help, that must tell how much computation there is in all.
#pragma once

#include <cstdint>
#include <vector>

#include "encode_graphs.h"
#include "encode_layers.h"

namespace latencast {

/// Graphs 0 .. pairs() - 1 as they are, then those with hidden operations, which they help in turn.
struct CateBatch {
  GraphBatch graphs;
  std::vector<std::uint8_t> hidden;  ///< per row of `graphs`

  int pairs() const { return graphs.graphs() / 2; }
};

class Cate {
 public:
  static constexpr int kWidth = 32;

  /// training: after what encode() needs, the pair layer and the classifier.
  Cate(const NodeInputs& inputs, bool training);

  const std::vector<Block>& blocks() const { return layout_.blocks(); }
  std::size_t parameter_count() const { return layout_.size(); }

  template <class S>
  Flat<S> initial_parameters(Rng& rng) const {
    return layout_.initial_parameters<S>(rng);
  }

  /// The state of each graph's output. y: (graphs, kWidth)
  template <class S>
  void encode(const Flat<S>& parameters, const GraphBatch& batch, Matrix<S>& y) const;

  /// Makes encode() give (y - mean) * factor. mean, factor: (1, kWidth)
  template <class S>
  void rescale(Flat<S>& parameters, const RowVector<S>& mean, const RowVector<S>& factor) const {
    norm_.scale.of(parameters).row(0).array() *= factor.array();
    auto shift = norm_.shift.of(parameters).row(0);
    shift = (shift - mean).cwiseProduct(factor).eval();
  }

  struct Result {
    double loss = 0;   ///< mean cross-entropy of the hidden operations
    double right = 0;  ///< share of them that score highest
  };

  /// Sets the gradients of the loss. Of a training network only; at least one operation must be hidden.
  template <class S>
  Result loss(const Flat<S>& parameters, Flat<S>& gradients, const CateBatch& batch) const;

 private:
  template <class S>
  struct Trace {
    Matrix<S> labels, of_labels, initial, outputs;
    std::vector<TransformerLayer::Cache<S>> layers;
    LayerNorm::Cache<S> norm;
  };

  template <class S>
  void forward(const Flat<S>& parameters, const GraphBatch& batch, Trace<S>& trace, Matrix<S>& y) const;

  Layout layout_;
  Linear initial_;
  std::vector<TransformerLayer> layers_;
  LayerNorm norm_;  ///< of the embedding
  Linear unfold_;
  TransformerLayer pair_;
  LayerNorm classifier_norm_;
  Linear classifier_;
};

}  // namespace latencast
