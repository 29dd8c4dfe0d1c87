#include "plan.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace latencast {
namespace {

// Gives equal keys (short lists of integers) one number, counting from 0. Open addressing over one flat
// store.
class Numbering {
 public:
  Numbering() : slots_(1024, -1) {}

  // Returns the key's number and whether it is new.
  std::pair<int, bool> number(const int* key, std::size_t length) {
    if (2 * hash_.size() >= slots_.size()) grow();
    const std::uint64_t hash = hash_of(key, length);
    std::size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] >= 0; slot = (slot + 1) & (slots_.size() - 1)) {
      const auto candidate = static_cast<std::size_t>(slots_[slot]);
      if (hash_[candidate] == hash && same(candidate, key, length)) return {slots_[slot], false};
    }
    const int fresh = static_cast<int>(hash_.size());
    slots_[slot] = fresh;
    hash_.push_back(hash);
    store_.insert(store_.end(), key, key + length);
    begin_.push_back(store_.size());
    return {fresh, true};
  }

 private:
  static std::uint64_t hash_of(const int* key, std::size_t length) {
    std::uint64_t hash = 0x9e3779b97f4a7c15u ^ length;
    for (std::size_t i = 0; i < length; ++i) {
      hash = (hash ^ static_cast<std::uint32_t>(key[i])) * 0xff51afd7ed558ccdu;
      hash ^= hash >> 32;
    }
    return hash;
  }

  bool same(std::size_t candidate, const int* key, std::size_t length) const {
    const std::size_t from = begin_[candidate];
    return begin_[candidate + 1] - from == length && std::equal(key, key + length, store_.data() + from);
  }

  void grow() {
    slots_.assign(slots_.size() * 2, -1);
    for (std::size_t i = 0; i < hash_.size(); ++i) {
      std::size_t slot = hash_[i] & (slots_.size() - 1);
      while (slots_[slot] >= 0) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = static_cast<int>(i);
    }
  }

  std::vector<int> slots_;
  std::vector<std::uint64_t> hash_;
  std::vector<std::size_t> begin_{0};
  std::vector<int> store_;
};

// A row number per graph and node.
using NodeRows = std::vector<std::vector<int>>;

// Which nodes get a row; the others keep -1.
enum class Wanted { all, but_input, output };

// One layer over all graphs: `previous` holds each node's row before it, `after` the row after, `gate` the
// row of its operation vector.
LayerRows merge_layer(const std::vector<Graph>& graphs, const NodeRows& previous, const NodeRows& gate,
                      Wanted wanted, NodeRows& after) {
  LayerRows rows;
  Numbering numbering;
  std::vector<int> key;
  after.resize(graphs.size());
  for (std::size_t b = 0; b < graphs.size(); ++b) {
    const Graph& graph = graphs[b];
    after[b].assign(graph.op.size(), -1);
    const std::size_t n = graph.op.size();
    for (std::size_t i = wanted == Wanted::all ? 0 : wanted == Wanted::but_input ? 1 : n - 1; i < n; ++i) {
      const auto& predecessors = graph.predecessors[i];
      key.assign({previous[b][i], predecessors.empty() ? -1 : gate[b][i]});
      for (const auto p : predecessors) key.push_back(previous[b][p]);
      std::sort(key.begin() + 2, key.end());
      const auto [row, fresh] = numbering.number(key.data(), key.size());
      after[b][i] = row;
      if (!fresh) continue;
      rows.own.push_back(key[0]);
      rows.gate.push_back(key[1]);
      rows.gates = std::max(rows.gates, key[1] + 1);
      rows.predecessors.item.insert(rows.predecessors.item.end(), key.begin() + 2, key.end());
      rows.predecessors.close();
    }
  }
  return rows;
}

}  // namespace

Plan make_plan(const std::vector<Graph>& graphs, const std::vector<int>& devices, const PlanShape& shape) {
  Plan plan;
  // The input node's operation vector is zero, and no gate ever acts on it: it has no row.
  NodeRows operation(graphs.size()), initial(graphs.size());
  Numbering operations;
  for (std::size_t b = 0; b < graphs.size(); ++b) {
    const std::size_t n = graphs[b].op.size();
    operation[b].assign(n, -1);
    initial[b].assign(n, Plan::kOtherRow);
    initial[b][0] = Plan::kInputRow;
    for (std::size_t i = 1; i < n; ++i) {
      const int parts[] = {graphs[b].op[i], graphs[b].place[i],
                           i + 1 == n || !shape.device_in_operations ? 0 : devices[b]};
      const auto [row, fresh] = operations.number(parts, 3);
      operation[b][i] = row;
      if (fresh) plan.operations.push_back({parts[0], parts[1], parts[2]});
    }
  }

  NodeRows rows = initial, next;
  const Wanted summed = shape.summary == Summary::mean ? Wanted::but_input : Wanted::output;
  for (int layer = 0; layer < shape.stage1_layers; ++layer) {
    const Wanted wanted = layer + 1 < shape.stage1_layers ? Wanted::all : summed;
    plan.stage1.push_back(merge_layer(graphs, rows, operation, wanted, next));
    rows.swap(next);
  }

  std::vector<int> summary_of, key;
  Numbering summaries;
  for (std::size_t b = 0; b < graphs.size(); ++b) {
    key.clear();
    for (const int row : rows[b])
      if (row >= 0) key.push_back(row);
    std::sort(key.begin(), key.end());
    const auto [summary, fresh] = summaries.number(key.data(), key.size());
    summary_of.push_back(summary);
    if (!fresh) continue;
    plan.summary.item.insert(plan.summary.item.end(), key.begin(), key.end());
    plan.summary.close();
  }
  NodeRows refined(graphs.size());
  Numbering refinements;
  for (const bool acts : {true, false}) {
    for (std::size_t b = 0; b < graphs.size(); ++b) {
      refined[b].resize(graphs[b].op.size(), -1);
      for (std::size_t i = 1; i < graphs[b].op.size(); ++i) {
        if (graphs[b].predecessors[i].empty() == acts) continue;
        const int parts[] = {operation[b][i], summary_of[b]};
        const auto [row, fresh] = refinements.number(parts, 2);
        refined[b][i] = row;
        if (fresh) plan.refined.push_back({parts[0], parts[1]});
      }
    }
  }

  rows = initial;
  for (int layer = 0; layer < shape.stage2_layers; ++layer) {
    const Wanted wanted = layer + 1 < shape.stage2_layers ? Wanted::all : Wanted::but_input;
    plan.stage2.push_back(merge_layer(graphs, rows, refined, wanted, next));
    rows.swap(next);
  }

  Numbering distinct;
  std::vector<Plan::Node> nodes;
  for (std::size_t b = 0; b < graphs.size(); ++b) {
    nodes.clear();
    for (std::size_t i = 1; i < graphs[b].op.size(); ++i)
      nodes.push_back({rows[b][i], refined[b][i], graphs[b].live[i] != 0});
    std::sort(nodes.begin(), nodes.end(), [](const Plan::Node& x, const Plan::Node& y) {
      return std::tie(x.state, x.refined, x.live) < std::tie(y.state, y.refined, y.live);
    });
    key.assign({devices[b], shape.merge_graphs ? 0 : static_cast<int>(b)});
    for (const auto& node : nodes) key.insert(key.end(), {node.state, node.refined, node.live});
    const auto [row, fresh] = distinct.number(key.data(), key.size());
    plan.graph.push_back(row);
    if (!fresh) continue;
    plan.device.push_back(devices[b]);
    plan.nodes.insert(plan.nodes.end(), nodes.begin(), nodes.end());
    plan.node_begin.push_back(static_cast<int>(plan.nodes.size()));
  }
  return plan;
}

}  // namespace latencast
