#include "encode_proxies.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "latencast/error.h"

namespace latencast {
namespace {

constexpr Eigen::Index kNodeWidth = 64, kHidden = 64;

}  // namespace

double proxy_scale(int proxy, double value) {
  const std::string name = kProxies[static_cast<std::size_t>(proxy)];
  if (name == "jacov") return -std::log1p(-value);
  for (const char* spans_orders : {"fisher", "flops", "grad_norm", "params", "snip", "synflow"})
    if (name == spans_orders) return std::log1p(value);
  return value;
}

Architecture without_dead(const Space& nb201, const Architecture& architecture) {
  const Graph graph = nb201.graph(architecture);
  Architecture alive = architecture;
  for (std::size_t edge = 0; edge < alive.size(); ++edge)
    if (!graph.live[edge + 1]) alive[edge] = '0';
  return alive;
}

ProxyTable::ProxyTable(const Space& space, std::vector<float> levels)
    : levels_(std::move(levels)), row_(space.size(), -1) {
  int rows = 0;
  for (std::size_t i = 0; i < row_.size(); ++i)
    if (const auto& cell = space.enumerate()[i]; without_dead(space, cell) == cell) row_[i] = rows++;
  if (levels_.size() != static_cast<std::size_t>(rows) * kComputedCount)
    throw Error(ErrorCode::checkpoint, "proxy table: found " + std::to_string(levels_.size()) +
                                           " values; expected " + std::to_string(kComputedCount) +
                                           " for each of " + std::to_string(rows) + " cells");
}

void ProxyTable::look_up(const Space& space, const Architecture& architecture, float* values) const {
  const int row = row_[space.index(without_dead(space, architecture))];
  for (int c = 0; c < kComputedCount; ++c)
    values[c] = value_of(c, levels_[static_cast<std::size_t>(row * kComputedCount + c)]);
}

float ProxyTable::level_of(int column, float scaled) {
  const float share = column == kGrasp ? (scaled + kGraspLimit) / (2 * kGraspLimit) : scaled;
  return std::round(std::clamp(share, 0.0f, 1.0f) * kLevels);
}

float ProxyTable::value_of(int column, float level) {
  const float share = level / kLevels;
  return column == kGrasp ? (2 * share - 1) * kGraspLimit : share;
}

Surrogate::Surrogate(const NodeInputs& inputs, int outputs) {
  node_ = layout_.mlp("surrogate.node", inputs.width(), kHidden, kNodeWidth);
  head_ = layout_.mlp("surrogate.head", kNodeWidth + 2, kHidden, outputs);
  straight_ = layout_.linear("surrogate.straight", kNodeWidth + 2, outputs);
}

template <class S>
void Surrogate::forward(const Flat<S>& parameters, const GraphBatch& batch, const Matrix<S>& exact,
                        Trace<S>& trace, Matrix<S>& y) const {
  trace.labels = batch.labels.cast<S>();
  node_.forward(parameters, trace.labels, trace.hidden, trace.of_labels);
  trace.pooled.resize(batch.graphs(), kNodeWidth + 2);
  trace.pooled.rightCols(2) = exact;
  for (int g = 0; g < batch.graphs(); ++g) {
    auto mean = trace.pooled.row(g).head(kNodeWidth);
    mean.setZero();
    for (int r = batch.begin[g]; r < batch.begin[g + 1]; ++r) mean += trace.of_labels.row(batch.label[r]);
    mean /= S(batch.begin[g + 1] - batch.begin[g]);
  }
  Matrix<S> bent;
  head_.forward(parameters, trace.pooled, trace.head_hidden, bent);
  straight_.forward(parameters, trace.pooled, y);
  y += bent;
}

template <class S>
void Surrogate::predict(const Flat<S>& parameters, const GraphBatch& batch, const Matrix<S>& exact,
                        Matrix<S>& y) const {
  Trace<S> trace;
  forward(parameters, batch, exact, trace, y);
}

template <class S>
double Surrogate::loss(const Flat<S>& parameters, Flat<S>& gradients, const GraphBatch& batch,
                       const Matrix<S>& exact, const Matrix<S>& target) const {
  Trace<S> trace;
  Matrix<S> y;
  forward(parameters, batch, exact, trace, y);
  const Matrix<S> error = y - target;
  const Matrix<S> dy = error * (S(2) / S(error.size()));
  Matrix<S> d_pooled = Matrix<S>::Zero(trace.pooled.rows(), trace.pooled.cols());
  head_.backward(parameters, gradients, trace.pooled, trace.head_hidden, dy, d_pooled);
  straight_.backward(parameters, gradients, trace.pooled, dy, d_pooled);
  Matrix<S> d_of_labels = Matrix<S>::Zero(trace.of_labels.rows(), kNodeWidth);
  for (int g = 0; g < batch.graphs(); ++g)
    for (int r = batch.begin[g]; r < batch.begin[g + 1]; ++r)
      d_of_labels.row(batch.label[r]) +=
          d_pooled.row(g).head(kNodeWidth) / S(batch.begin[g + 1] - batch.begin[g]);
  Matrix<S> d_labels = Matrix<S>::Zero(trace.labels.rows(), trace.labels.cols());
  node_.backward(parameters, gradients, trace.labels, trace.hidden, d_of_labels, d_labels);
  return double(error.squaredNorm() / S(error.size()));
}

void Surrogate::rescale(Flat<float>& parameters, const RowVector<float>& mean,
                        const RowVector<float>& spread) const {
  for (const Linear& linear : {head_.narrow, straight_}) {
    linear.w.of(parameters).array().rowwise() *= spread.array();
    linear.b.of(parameters).array().rowwise() *= spread.array();
  }
  straight_.b.of(parameters).row(0) += mean;
}

#define LATENCAST_INSTANTIATE(S)                                                                       \
  template void Surrogate::predict<S>(const Flat<S>&, const GraphBatch&, const Matrix<S>&, Matrix<S>&) \
      const;                                                                                           \
  template double Surrogate::loss<S>(const Flat<S>&, Flat<S>&, const GraphBatch&, const Matrix<S>&,    \
                                     const Matrix<S>&) const;
LATENCAST_INSTANTIATE(float)
LATENCAST_INSTANTIATE(double)
#undef LATENCAST_INSTANTIATE

}  // namespace latencast
