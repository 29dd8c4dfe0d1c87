#include "encode_arch2vec.h"

#include <algorithm>

namespace latencast {
namespace {

constexpr int kLayers = 3;
constexpr Eigen::Index kHidden = 64;

// Row r of `to`: that of `from` which belongs to node r, `self` times, and those of its neighbours. row_of:
// per node, or empty where the node is the row.
template <class S>
void aggregate(const GraphBatch& batch, const std::vector<int>& row_of, S self, const Matrix<S>& from,
               Matrix<S>& to) {
  const auto row = [&](int node) { return row_of.empty() ? node : row_of[static_cast<std::size_t>(node)]; };
  to.resize(batch.rows(), from.cols());
  for (int r = 0; r < batch.rows(); ++r) {
    to.row(r) = self * from.row(row(r));
    for (int p = batch.neighbours.begin[r]; p < batch.neighbours.begin[r + 1]; ++p)
      to.row(r) += from.row(row(batch.neighbours.item[p]));
  }
}

// Adds to d_from; returns the gradient of `self`.
template <class S>
S aggregate_backward(const GraphBatch& batch, const std::vector<int>& row_of, S self, const Matrix<S>& from,
                     const Matrix<S>& d_to, Matrix<S>& d_from) {
  const auto row = [&](int node) { return row_of.empty() ? node : row_of[static_cast<std::size_t>(node)]; };
  S d_self = 0;
  for (int r = 0; r < batch.rows(); ++r) {
    d_self += d_to.row(r).dot(from.row(row(r)));
    d_from.row(row(r)) += self * d_to.row(r);
    for (int p = batch.neighbours.begin[r]; p < batch.neighbours.begin[r + 1]; ++p)
      d_from.row(row(batch.neighbours.item[p])) += d_to.row(r);
  }
  return d_self;
}

// log(1 + exp(x)) and its slope, without overflow.
template <class S>
S softplus(S x) {
  return std::max(x, S(0)) + std::log1p(std::exp(-std::abs(x)));
}
template <class S>
S sigmoid(S x) {
  return S(1) / (S(1) + std::exp(-x));
}

}  // namespace

Arch2Vec::Arch2Vec(const NodeInputs& inputs, bool training) : training_(training) {
  for (int i = 0; i < kLayers; ++i) {
    const std::string name = "arch2vec." + std::to_string(i);
    Layer layer;
    layer.epsilon = layout_.add(name + ".epsilon", 1, 1);
    layer.first = layout_.linear(name + ".first", i == 0 ? inputs.width() : kHidden, kHidden);
    layer.second = layout_.linear(name + ".second", kHidden, kHidden);
    layers_.push_back(layer);
  }
  mean_ = layout_.linear("arch2vec.mean", kHidden, kWidth);
  if (!training) return;
  for (int i = 0; i < kLayers; ++i) {
    const std::string name = "arch2vec." + std::to_string(i);
    layers_[i].first_norm = layout_.norm<BatchNorm>(name + ".first", kHidden);
    layers_[i].second_norm = layout_.norm<BatchNorm>(name + ".second", kHidden);
  }
  log_spread_ = layout_.linear("arch2vec.log_spread", kHidden, kWidth);
  decoder_ = layout_.linear("arch2vec.decoder", kWidth, inputs.operations() + 1);
}

template <class S>
Flat<S> Arch2Vec::initial_parameters(Rng& rng) const {
  auto parameters = layout_.initial_parameters<S>(rng);
  // Else a node could not tell itself from its neighbours at the start.
  for (const Layer& layer : layers_) parameters[layer.epsilon.offset] = 1;
  return parameters;
}

template <class S>
void Arch2Vec::forward(const Flat<S>& parameters, const GraphBatch& batch, std::vector<LayerTrace<S>>& trace,
                       Matrix<S>& mean) const {
  trace.resize(layers_.size());
  const Matrix<S> labels = batch.labels.cast<S>();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    LayerTrace<S>& t = trace[i];
    // The sum over neighbours comes after the product: there are far fewer labels than nodes.
    set_product(i ? trace[i - 1].out : labels, layer.first.w.of(parameters), t.product);
    aggregate(batch, i ? std::vector<int>() : batch.label, S(1) + parameters[layer.epsilon.offset], t.product,
              t.hidden);
    t.hidden.rowwise() += layer.first.b.of(parameters).row(0);
    if (training_) layer.first_norm.forward(parameters, t.first_norm, t.hidden);
    relu_forward(t.hidden);
    layer.second.forward(parameters, t.hidden, t.out);
    if (training_) layer.second_norm.forward(parameters, t.second_norm, t.out);
    relu_forward(t.out);
  }
  mean_.forward(parameters, trace.back().out, mean);
}

template <class S>
void Arch2Vec::encode(const Flat<S>& parameters, const GraphBatch& batch, Matrix<S>& y) const {
  std::vector<LayerTrace<S>> trace;
  Matrix<S> mean;
  forward(parameters, batch, trace, mean);
  y.resize(batch.graphs(), kWidth);
  for (int g = 0; g < batch.graphs(); ++g)
    y.row(g) = mean.middleRows(batch.begin[g], batch.begin[g + 1] - batch.begin[g]).colwise().mean();
}

template <class S>
Reconstruction Arch2Vec::loss(const Flat<S>& parameters, Flat<S>& gradients, const GraphBatch& batch,
                              const Matrix<S>& noise) const {
  std::vector<LayerTrace<S>> trace;
  Matrix<S> mean, log_spread, decoded;
  forward(parameters, batch, trace, mean);
  log_spread_.forward(parameters, trace.back().out, log_spread);
  const Matrix<S> spread_of_latent = log_spread.array().exp();
  const Matrix<S> latent = mean + noise.cwiseProduct(spread_of_latent);
  decoder_.forward(parameters, latent, decoded);

  Reconstruction result;
  Matrix<S> d_latent = Matrix<S>::Zero(latent.rows(), latent.cols());

  // Operations and liveness: a yes or no for each.
  Matrix<S> d_decoded(decoded.rows(), decoded.cols());
  const S node_share = S(1) / S(decoded.rows());
  for (Eigen::Index r = 0; r < decoded.rows(); ++r) {
    const auto row = static_cast<std::size_t>(r);
    Eigen::Index best = 0;
    decoded.row(r).head(decoded.cols() - 1).maxCoeff(&best);
    result.operations += (best == batch.op[row]) / double(decoded.rows());
    for (Eigen::Index c = 0; c < decoded.cols(); ++c) {
      const S wanted = c + 1 < decoded.cols() ? S(c == batch.op[row]) : S(batch.live[row]);
      result.loss += double(node_share * (softplus(decoded(r, c)) - wanted * decoded(r, c)));
      d_decoded(r, c) = node_share * (sigmoid(decoded(r, c)) - wanted);
    }
  }
  decoder_.backward(parameters, gradients, latent, d_decoded, d_latent);

  // Edges: each pair of a graph's nodes.
  double pairs = 0;
  for (int g = 0; g < batch.graphs(); ++g) {
    const double n = batch.begin[g + 1] - batch.begin[g];
    pairs += n * (n - 1) / 2;
  }
  const S pair_share = S(1 / pairs);
  for (int g = 0; g < batch.graphs(); ++g) {
    for (int i = batch.begin[g]; i < batch.begin[g + 1]; ++i) {
      const auto from = batch.neighbours.item.begin() + batch.neighbours.begin[i];
      const auto to = batch.neighbours.item.begin() + batch.neighbours.begin[i + 1];
      for (int j = i + 1; j < batch.begin[g + 1]; ++j) {
        const bool joined = std::find(from, to, j) != to;
        const S logit = latent.row(i).dot(latent.row(j));
        result.edges += ((logit > 0) == joined) / pairs;
        result.loss += double(pair_share * (softplus(logit) - S(joined) * logit));
        const S slope = pair_share * (sigmoid(logit) - S(joined));
        d_latent.row(i) += slope * latent.row(j);
        d_latent.row(j) += slope * latent.row(i);
      }
    }
  }

  // Divergence from N(0, 1), as weak as theirs: by node, and again by their number.
  const S weight = S(1) / (S(latent.rows()) * S(latent.rows()));
  result.loss +=
      double(weight * S(0.5) *
             (mean.array().square() + spread_of_latent.array().square() - 1 - 2 * log_spread.array()).sum());
  Matrix<S> d_mean = d_latent + weight * mean;
  const Matrix<S> d_log_spread = d_latent.array() * noise.array() * spread_of_latent.array() +
                                 weight * (spread_of_latent.array().square() - 1);

  Matrix<S> d_out = Matrix<S>::Zero(trace.back().out.rows(), kHidden);
  mean_.backward(parameters, gradients, trace.back().out, d_mean, d_out);
  log_spread_.backward(parameters, gradients, trace.back().out, d_log_spread, d_out);
  const Matrix<S> labels = batch.labels.cast<S>();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    const LayerTrace<S>& t = trace[i];
    const Matrix<S>& before = i ? trace[i - 1].out : labels;
    relu_backward(t.out, d_out);
    layer.second_norm.backward(parameters, gradients, t.second_norm, d_out);
    Matrix<S> d_hidden = Matrix<S>::Zero(t.hidden.rows(), t.hidden.cols());
    layer.second.backward(parameters, gradients, t.hidden, d_out, d_hidden);
    relu_backward(t.hidden, d_hidden);
    layer.first_norm.backward(parameters, gradients, t.first_norm, d_hidden);
    layer.first.b.of(gradients).row(0) = d_hidden.colwise().sum();
    Matrix<S> d_product = Matrix<S>::Zero(before.rows(), kHidden);
    gradients[layer.epsilon.offset] =
        aggregate_backward(batch, i ? std::vector<int>() : batch.label,
                           S(1) + parameters[layer.epsilon.offset], t.product, d_hidden, d_product);
    set_product(before.transpose(), d_product, layer.first.w.of(gradients));
    if (i) set_product(d_product, layer.first.w.of(parameters).transpose(), d_out);
  }
  return result;
}

template <class S>
Flat<S> Arch2Vec::folded(Flat<S> parameters, const GraphBatch& batch) const {
  std::vector<LayerTrace<S>> trace;
  Matrix<S> mean;
  forward(parameters, batch, trace, mean);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].first_norm.fold_into(layers_[i].first, parameters, trace[i].first_norm);
    layers_[i].second_norm.fold_into(layers_[i].second, parameters, trace[i].second_norm);
  }
  parameters.resize(mean_.b.offset + mean_.b.size());
  return parameters;
}

#define LATENCAST_INSTANTIATE(S)                                                                           \
  template Flat<S> Arch2Vec::initial_parameters<S>(Rng&) const;                                            \
  template void Arch2Vec::encode<S>(const Flat<S>&, const GraphBatch&, Matrix<S>&) const;                  \
  template Reconstruction Arch2Vec::loss<S>(const Flat<S>&, Flat<S>&, const GraphBatch&, const Matrix<S>&) \
      const;                                                                                               \
  template Flat<S> Arch2Vec::folded<S>(Flat<S>, const GraphBatch&) const;
LATENCAST_INSTANTIATE(float)
LATENCAST_INSTANTIATE(double)
#undef LATENCAST_INSTANTIATE

}  // namespace latencast
