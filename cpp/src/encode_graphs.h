// Architectures as the encoders see them: node under node, equal labels once.
#pragma once

#include <cstdint>
#include <vector>

#include "latencast/space.h"
#include "layers.h"
#include "plan.h"

namespace latencast {

/// Many graphs, their nodes one after the other: node n of graph g is row begin[g] + n.
struct GraphBatch {
  std::vector<int> begin{0};
  std::vector<int> op;     ///< per row
  std::vector<int> label;  ///< per row, its row of `labels`
  std::vector<std::uint8_t> live;
  RowLists neighbours;  ///< per row, predecessors and successors
  /// Per row, itself and all that it depends on; of a graph's output every node, because devices execute
  /// operations whose results are not used.
  RowLists attended;
  Matrix<float> labels;  ///< (distinct labels, NodeInputs::width())

  int graphs() const { return static_cast<int>(begin.size()) - 1; }
  int rows() const { return begin.back(); }
};

/// What an encoder is told of a node: its operation and whether it is live, one-hot, and Space::features().
class NodeInputs {
 public:
  explicit NodeInputs(const Space& space);

  int operations() const { return operations_; }
  int width() const;

  /// masked: per row, 1 where the operation is to be hidden; empty where none is. Of a hidden operation the
  /// features are the mean over the operations that may stand there.
  GraphBatch batch(const std::vector<Graph>& graphs, const std::vector<std::uint8_t>& masked = {}) const;

 private:
  const std::vector<float>& label(int op, int place, bool live, bool masked) const;

  const Space* space_;
  int operations_;
};

}  // namespace latencast
