// The NASFLAT network as a function of one flat parameter array (arXiv 2403.02446, section 4; docs/design.md
// says where ours differs: a masked softmax, and a read-out that sees every operation, dead or alive).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latencast/rng.h"
#include "layers.h"
#include "plan.h"

namespace latencast {

/// Which graph layers are used: their outputs are averaged where both are.
enum class Gnn { dgf, gat, ensemble };

struct NetworkShape {
  int operations = 7;  ///< size of the space's vocabulary
  int devices = 1;     ///< rows of the hardware table
  Gnn gnn = Gnn::ensemble;
  int operation_width = 40;
  int hardware_width = 8;
  int initial_width = 96;  ///< node state before the first layer
  int state_width = 128;   ///< and after each
  int stage1_layers = 2;
  int stage2_layers = 3;
  int head_width = 200;

  int gate_width() const { return operation_width + hardware_width; }
};

/// An ensemble layer: mean of DGF and GAT, or one of them.
struct GraphLayer {
  Dgf dgf;
  Gat gat;
};

class Network {
 public:
  explicit Network(const NetworkShape& shape);

  const NetworkShape& shape() const { return shape_; }

  /// Every parameter block in storage order; sizes add up to parameter_count().
  const std::vector<Block>& blocks() const { return blocks_; }
  std::size_t parameter_count() const { return parameter_count_; }

  /// Multiply-adds of the matrix products of one forward() over the plan.
  double multiply_adds(const Plan& plan) const;

  /// The hardware table: (devices, hardware_width).
  const Block& hardware() const { return hardware_; }

  template <class S>
  std::vector<S> initial_parameters(Rng& rng) const;

  /// What forward() leaves for backward().
  template <class S>
  struct Trace {
    struct Layer {
      typename Dgf::Cache<S> dgf;
      typename Gat::Cache<S> gat;
      Matrix<S> out;
    };
    Matrix<S> operations, initial_raw, initial;
    std::vector<Layer> stage1, stage2;
    std::vector<Matrix<S>> summary;  ///< input and every layer of the summary MLP
    Matrix<S> refine_in, refine_hidden, refined;
    Matrix<S> pooled;
    std::vector<Matrix<S>> head, dropout;  ///< hidden states after dropout; the masks (0 or 1/keep)
    Matrix<S> score;                       ///< (distinct graphs, 1)
  };

  /// Scores of the plan's distinct graphs into trace.score. With `dropout`, the head drops units by that
  /// stream.
  template <class S>
  void forward(const std::vector<S>& parameters, const Plan& plan, Trace<S>& trace,
               Rng* dropout = nullptr) const;

  /// Sets `gradients` to those of sum(d_score * score). d_score: (distinct graphs, 1)
  template <class S>
  void backward(const std::vector<S>& parameters, std::vector<S>& gradients, const Plan& plan,
                const Trace<S>& trace, const Matrix<S>& d_score) const;

 private:
  Block add(const std::string& name, int rows, int cols);
  Linear add_linear(const std::string& name, int in, int out);
  GraphLayer add_layer(const std::string& name, int in);

  template <class S>
  void stage_forward(const std::vector<S>& parameters, const std::vector<GraphLayer>& layers,
                     const std::vector<LayerRows>& rows, const Matrix<S>& initial, const Matrix<S>& gates,
                     std::vector<typename Trace<S>::Layer>& trace) const;
  template <class S>
  void stage_backward(const std::vector<S>& parameters, std::vector<S>& gradients,
                      const std::vector<GraphLayer>& layers, const std::vector<LayerRows>& rows,
                      const Matrix<S>& initial, const Matrix<S>& gates,
                      const std::vector<typename Trace<S>::Layer>& trace, Matrix<S> d_out,
                      Matrix<S>& d_initial, Matrix<S>& d_gates) const;

  NetworkShape shape_;
  std::vector<Block> blocks_;
  std::size_t parameter_count_ = 0;
  Block operation_table_, hardware_, output_vector_, initial_states_;
  Linear initial_;
  std::vector<GraphLayer> stage1_, stage2_;
  std::vector<Linear> summary_;
  Linear refine_hidden_, refine_;
  std::vector<Linear> head_;
  Linear score_;
};

}  // namespace latencast
