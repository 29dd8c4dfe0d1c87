#include "encode_cate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace latencast {
namespace {

constexpr int kLayers = 2;
constexpr int kHeads = 4;
constexpr Eigen::Index kHidden = 64;
constexpr int kUnfolded = 8;  // rows that an embedding becomes for the pair layer to attend to

}  // namespace

Cate::Cate(const NodeInputs& inputs, bool training) {
  initial_ = layout_.linear("cate.initial", inputs.width(), kWidth);
  for (int i = 0; i < kLayers; ++i)
    layers_.push_back(layout_.transformer("cate." + std::to_string(i), kWidth, kHeads, kHidden));
  norm_ = layout_.norm<LayerNorm>("cate", kWidth);
  if (!training) return;
  unfold_ = layout_.linear("cate.unfold", kWidth, kUnfolded * kWidth);
  pair_ = layout_.transformer("cate.pair", kWidth, kHeads, kHidden);
  classifier_norm_ = layout_.norm<LayerNorm>("cate.classifier", kWidth);
  classifier_ = layout_.linear("cate.classifier", kWidth, inputs.operations());
}

template <class S>
void Cate::forward(const Flat<S>& parameters, const GraphBatch& batch, Trace<S>& trace, Matrix<S>& y) const {
  trace.labels = batch.labels.cast<S>();
  initial_.forward(parameters, trace.labels, trace.of_labels);
  trace.initial.resize(batch.rows(), kWidth);
  for (int r = 0; r < batch.rows(); ++r) trace.initial.row(r) = trace.of_labels.row(batch.label[r]);
  trace.layers.resize(layers_.size());
  for (std::size_t i = 0; i < layers_.size(); ++i)
    layers_[i].forward(parameters, batch.attended, i ? trace.layers[i - 1].y : trace.initial,
                       trace.layers[i]);
  trace.outputs.resize(batch.graphs(), kWidth);
  for (int g = 0; g < batch.graphs(); ++g)
    trace.outputs.row(g) = trace.layers.back().y.row(batch.begin[g + 1] - 1);
  norm_.forward(parameters, trace.outputs, trace.norm, y);
}

template <class S>
void Cate::encode(const Flat<S>& parameters, const GraphBatch& batch, Matrix<S>& y) const {
  Trace<S> trace;
  forward(parameters, batch, trace, y);
}

template <class S>
Cate::Result Cate::loss(const Flat<S>& parameters, Flat<S>& gradients, const CateBatch& batch) const {
  const GraphBatch& graphs = batch.graphs;
  Trace<S> trace;
  Matrix<S> embedding;
  forward(parameters, graphs, trace, embedding);

  // The pair layer's rows: nodes of graphs with hidden operations, then the unfolded embeddings of the
  // others.
  const int pairs = batch.pairs(), first = graphs.begin[pairs], nodes = graphs.rows() - first;
  const Matrix<S> helping = embedding.topRows(pairs);
  Matrix<S> unfolded;
  unfold_.forward(parameters, helping, unfolded);
  Matrix<S> joint(nodes + pairs * kUnfolded, kWidth);
  joint.topRows(nodes) = trace.layers.back().y.bottomRows(nodes);
  joint.bottomRows(pairs * kUnfolded) = ConstMatrixMap<S>(unfolded.data(), pairs * kUnfolded, kWidth);
  RowLists lists;
  for (int g = pairs; g < graphs.graphs(); ++g) {
    for (int r = graphs.begin[g]; r < graphs.begin[g + 1]; ++r) {
      for (int other = graphs.begin[g]; other < graphs.begin[g + 1]; ++other)
        lists.item.push_back(other - first);
      for (int i = 0; i < kUnfolded; ++i) lists.item.push_back(nodes + (g - pairs) * kUnfolded + i);
      lists.close();
    }
  }
  for (int i = 0; i < pairs * kUnfolded; ++i) {
    lists.item.push_back(nodes + i);
    lists.close();
  }
  TransformerLayer::Cache<S> pair;
  pair_.forward(parameters, lists, joint, pair);

  std::vector<int> asked;
  for (int r = first; r < graphs.rows(); ++r)
    if (batch.hidden[r]) asked.push_back(r);
  Matrix<S> states(static_cast<Eigen::Index>(asked.size()), kWidth), normed, logits;
  for (std::size_t i = 0; i < asked.size(); ++i)
    states.row(static_cast<Eigen::Index>(i)) = pair.y.row(asked[i] - first);
  LayerNorm::Cache<S> classifier_norm;
  classifier_norm_.forward(parameters, states, classifier_norm, normed);
  classifier_.forward(parameters, normed, logits);

  Result result;
  const S share = S(1) / S(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto row = logits.row(static_cast<Eigen::Index>(i));
    const Eigen::Index wanted = graphs.op[asked[i]];
    Eigen::Index best = 0;
    const S highest = row.maxCoeff(&best);
    result.right += double(share) * (best == wanted);
    S total = 0;
    for (const S logit : row) total += std::exp(logit - highest);
    const S log_total = highest + std::log(total);
    result.loss += double(share * (log_total - row(wanted)));
    for (S& logit : row) logit = std::exp(logit - log_total) * share;
    row(wanted) -= share;
  }

  Matrix<S> d_normed = Matrix<S>::Zero(states.rows(), kWidth), d_states = d_normed;
  classifier_.backward(parameters, gradients, normed, logits, d_normed);
  classifier_norm_.backward(parameters, gradients, classifier_norm, d_normed, d_states);
  Matrix<S> d_joint = Matrix<S>::Zero(joint.rows(), kWidth);
  for (std::size_t i = 0; i < asked.size(); ++i)
    d_joint.row(asked[i] - first) = d_states.row(static_cast<Eigen::Index>(i));
  pair_.backward(parameters, gradients, lists, pair, d_joint);

  Matrix<S> d = Matrix<S>::Zero(graphs.rows(), kWidth),
            d_embedding = Matrix<S>::Zero(graphs.graphs(), kWidth);
  Matrix<S> d_outputs = d_embedding;
  d.bottomRows(nodes) = d_joint.topRows(nodes);
  const Matrix<S> d_unfolded =
      ConstMatrixMap<S>(d_joint.row(nodes).data(), pairs, Eigen::Index{kUnfolded} * kWidth);
  unfold_.backward(parameters, gradients, helping, d_unfolded, d_embedding.topRows(pairs));
  norm_.backward(parameters, gradients, trace.norm, d_embedding, d_outputs);
  for (int g = 0; g < graphs.graphs(); ++g) d.row(graphs.begin[g + 1] - 1) += d_outputs.row(g);
  for (std::size_t i = layers_.size(); i-- > 0;)
    layers_[i].backward(parameters, gradients, graphs.attended, trace.layers[i], d);
  Matrix<S> d_of_labels = Matrix<S>::Zero(trace.of_labels.rows(), kWidth);
  for (int r = 0; r < graphs.rows(); ++r) d_of_labels.row(graphs.label[r]) += d.row(r);
  Matrix<S> d_labels = Matrix<S>::Zero(trace.labels.rows(), trace.labels.cols());
  initial_.backward(parameters, gradients, trace.labels, d_of_labels, d_labels);
  return result;
}

#define LATENCAST_INSTANTIATE(S)                                                      \
  template void Cate::encode<S>(const Flat<S>&, const GraphBatch&, Matrix<S>&) const; \
  template Cate::Result Cate::loss<S>(const Flat<S>&, Flat<S>&, const CateBatch&) const;
LATENCAST_INSTANTIATE(float)
LATENCAST_INSTANTIATE(double)
#undef LATENCAST_INSTANTIATE

}  // namespace latencast
