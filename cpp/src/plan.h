// A batch of graphs with identical work merged: which rows a network has to compute, and from which.
//
// After each layer a node's state depends only on its own state before, its predecessors' states before and
// its gate. Nodes that agree in these agree in the result, so they share one row (colour refinement of
// Weisfeiler and Leman). The merging is exact: it reorders no sum that a single graph would compute. Over the
// whole of NAS-Bench-201 it leaves under fifty rows of the first stage's layer and a tenth of the second's
// last.
#pragma once

#include <cstdint>
#include <vector>

#include "latencast/space.h"

namespace latencast {

/// Lists of row numbers, one after the other: list i is item[begin[i]] ... item[begin[i + 1] - 1].
struct RowLists {
  std::vector<int> begin{0};
  std::vector<int> item;

  int count() const { return static_cast<int>(begin.size()) - 1; }
  void close() { begin.push_back(static_cast<int>(item.size())); }
};

/// The rows of one graph layer.
struct LayerRows {
  std::vector<int> own;   ///< the same node's row in the previous layer
  std::vector<int> gate;  ///< its row among the operation vectors; -1 where without predecessors: none acts
  int gates = 0;          ///< operation vectors from this one on act as no node's gate
  RowLists predecessors;  ///< rows in the previous layer

  int count() const { return static_cast<int>(own.size()); }
};

/// A node label at a place on a device: what an operation vector is made from.
struct OperationKey {
  int op;      ///< index into Space::op_names(); [0] is the output
  int place;   ///< as in Graph
  int device;  ///< index of the device; 0 for the output, whose vector is the same everywhere
};

/// What the first stage hands to the second: the state of the output node, or the mean over all nodes but the
/// input. A chain needs the mean: two layers carry only its last two blocks to the output.
enum class Summary { output, mean };

/// How far a plan goes.
struct PlanShape {
  int stage1_layers = 2;  ///< at least 1
  int stage2_layers = 3;  ///< at least 1
  Summary summary = Summary::output;
  bool device_in_operations = true;  ///< else equal nodes are merged across devices
  bool merge_graphs = true;          ///< else each item stays a graph of its own, for inputs of its own
};

struct Plan {
  static constexpr int kInputRow = 0;  ///< rows of the initial node states: the input's ...
  static constexpr int kOtherRow = 1;  ///< ... and the one all other nodes share

  std::vector<OperationKey> operations;
  std::vector<LayerRows> stage1;  ///< gates index `operations`
  RowLists summary;               ///< per distinct summary, the last stage-1 rows it is the mean of

  struct Refined {
    int operation;  ///< index into `operations`
    int summary;    ///< index into `summary`
  };
  std::vector<Refined> refined;   ///< distinct refined operation vectors, those that act as gates first
  std::vector<LayerRows> stage2;  ///< gates index `refined`

  /// Per distinct graph, its nodes but the input.
  struct Node {
    int state;    ///< last stage-2 row
    int refined;  ///< its refined operation vector
    bool live;
  };
  std::vector<int> node_begin{0};
  std::vector<Node> nodes;
  std::vector<int> device;  ///< per distinct graph
  std::vector<int> graph;   ///< per item of the batch, its distinct graph

  // What is known of the rows besides; filled by Network::plan.
  std::vector<float> features;    ///< (operations.size(), NetworkShape::features)
  std::vector<float> supplement;  ///< (distinct_graphs(), NetworkShape::supplement)

  int distinct_graphs() const { return static_cast<int>(node_begin.size()) - 1; }
};

/// graphs[i] runs on devices[i].
Plan make_plan(const std::vector<Graph>& graphs, const std::vector<int>& devices, const PlanShape& shape);

}  // namespace latencast
