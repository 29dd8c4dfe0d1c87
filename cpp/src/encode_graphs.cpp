#include "encode_graphs.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace latencast {
namespace {

constexpr int kFirstOperation = 2;  // after output and input

}  // namespace

NodeInputs::NodeInputs(const Space& space)
    : space_(&space), operations_(static_cast<int>(space.op_names().size())) {}

int NodeInputs::width() const { return operations_ + 2 + space_->feature_width(); }

// Kept, as a space has few different labels and training asks for them in every batch.
const std::vector<float>& NodeInputs::label(int op, int place, bool live, bool masked) const {
  thread_local std::map<std::tuple<const Space*, int, int, bool, bool>, std::vector<float>> known;
  const auto [found, is_new] = known.try_emplace({space_, masked ? 0 : op, place, live, masked});
  std::vector<float>& values = found->second;
  if (!is_new) return values;
  values.assign(static_cast<std::size_t>(width()), 0.0f);
  values[static_cast<std::size_t>(masked ? operations_ : op)] = 1;
  values[static_cast<std::size_t>(operations_ + 1)] = live ? 1.0f : 0.0f;
  const int first = masked ? kFirstOperation : op, last = masked ? operations_ - 1 : op;
  for (int candidate = first; candidate <= last; ++candidate) {
    const auto features = space_->features(candidate, place);
    for (std::size_t i = 0; i < features.size(); ++i)
      values[static_cast<std::size_t>(operations_ + 2) + i] += features[i] / float(last - first + 1);
  }
  return values;
}

GraphBatch NodeInputs::batch(const std::vector<Graph>& graphs,
                             const std::vector<std::uint8_t>& masked) const {
  GraphBatch batch;
  std::map<std::tuple<int, int, bool, bool>, int> known;
  std::vector<float> labels;
  std::vector<std::vector<int>> neighbours;
  std::vector<std::vector<std::uint8_t>> reaches;
  for (const Graph& graph : graphs) {
    const int first = batch.begin.back(), n = static_cast<int>(graph.op.size());
    neighbours.assign(static_cast<std::size_t>(n), {});
    reaches.assign(static_cast<std::size_t>(n), std::vector<std::uint8_t>(static_cast<std::size_t>(n)));
    for (int i = 0; i < n; ++i) {
      const bool hidden = !masked.empty() && masked[static_cast<std::size_t>(first + i)];
      const int place = graph.place.empty() ? 0 : graph.place[i];
      const auto [found, is_new] =
          known.try_emplace({graph.op[i], place, graph.live[i] != 0, hidden}, static_cast<int>(known.size()));
      if (is_new) {
        const auto& values = label(graph.op[i], place, graph.live[i] != 0, hidden);
        labels.insert(labels.end(), values.begin(), values.end());
      }
      batch.op.push_back(graph.op[i]);
      batch.live.push_back(graph.live[i]);
      batch.label.push_back(found->second);
      reaches[i][i] = 1;
      for (const int j : graph.predecessors[i]) {
        neighbours[i].push_back(j);
        neighbours[j].push_back(i);
        for (int k = 0; k <= j; ++k) reaches[i][k] |= reaches[j][k];
      }
      if (i == n - 1) std::fill(reaches[i].begin(), reaches[i].end(), std::uint8_t{1});
      for (int k = 0; k < n; ++k)
        if (reaches[i][k]) batch.attended.item.push_back(first + k);
      batch.attended.close();
    }
    for (const auto& list : neighbours) {
      for (const int j : list) batch.neighbours.item.push_back(first + j);
      batch.neighbours.close();
    }
    batch.begin.push_back(first + n);
  }
  batch.labels = ConstMatrixMap<float>(labels.data(), static_cast<Eigen::Index>(known.size()), width());
  return batch;
}

}  // namespace latencast
