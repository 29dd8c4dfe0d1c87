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

/// Where a device acts: as part of every operation's vector, or once, beside the pooled states.
enum class HardwarePlace { operation, head };

struct NetworkShape {
  int operations = 7;  ///< size of the space's vocabulary
  int devices = 1;     ///< rows of the hardware table
  int features = 0;    ///< Space::feature_width()
  int supplement = 0;  ///< columns of the supplementary encoding
  int nodes = 7;       ///< the most an architecture has, without the input; the pooled sums are shares of it
  Summary summary = Summary::output;
  Gnn gnn = Gnn::ensemble;
  HardwarePlace hardware_place = HardwarePlace::operation;
  int operation_width = 40;
  int hardware_width = 8;
  int initial_width = 96;  ///< node state before the first layer
  int state_width = 128;   ///< and after each
  int stage1_layers = 2;
  int stage2_layers = 3;
  int head_width = 200;

  /// Width of an operation's vector; the same wherever the device acts.
  int gate_width() const { return operation_width + hardware_width; }
  int label_width() const { return hardware_place == HardwarePlace::head ? gate_width() : operation_width; }
  int pooled_width() const {
    return state_width + 2 * gate_width() + 1 + (supplement > 0 ? gate_width() : 0) +
           (hardware_place == HardwarePlace::head ? gate_width() : 0);
  }
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

  /// The plan of a batch with all this network wants to know of it. graphs[i] runs on devices[i];
  /// supplements[i] points at shape().supplement numbers (not read where that is 0).
  Plan plan(const Space& space, const std::vector<Graph>& graphs, const std::vector<int>& devices,
            const std::vector<const float*>& supplements) const;

  /// Multiply-adds of the matrix products of one forward() over the plan.
  double multiply_adds(const Plan& plan) const;

  /// The hardware table: (devices, hardware_width).
  const Block& hardware() const { return hardware_; }

  template <class S>
  Flat<S> initial_parameters(Rng& rng) const;

  /// What forward() leaves for backward().
  template <class S>
  struct Trace {
    struct Layer {
      typename Dgf::Cache<S> dgf;
      typename Gat::Cache<S> gat;
      Matrix<S> out;
    };
    Matrix<S> features, operations, initial_raw, initial;
    std::vector<Layer> stage1, stage2;
    Perceptron::Cache<S> summary, device, supplement, head;
    Matrix<S> refine_hidden, refined;

    /// (distinct graphs, 1)
    const Matrix<S>& score() const { return head.out(); }
  };

  /// Scores of the plan's distinct graphs into trace. With `dropout`, the head and the supplement drop units
  /// by that stream.
  template <class S>
  void forward(const Flat<S>& parameters, const Plan& plan, Trace<S>& trace, Rng* dropout = nullptr) const;

  /// Sets `gradients` to those of sum(d_score * score). d_score: (distinct graphs, 1)
  template <class S>
  void backward(const Flat<S>& parameters, Flat<S>& gradients, const Plan& plan, const Trace<S>& trace,
                const Matrix<S>& d_score) const;

 private:
  Block add(const std::string& name, int rows, int cols);
  Linear add_linear(const std::string& name, int in, int out);
  Perceptron add_mlp(const std::string& name, const std::vector<int>& widths);
  GraphLayer add_layer(const std::string& name, int in);

  template <class S>
  void stage_forward(const Flat<S>& parameters, const std::vector<GraphLayer>& layers,
                     const std::vector<LayerRows>& rows, const Matrix<S>& initial, const Matrix<S>& gates,
                     std::vector<typename Trace<S>::Layer>& trace) const;
  template <class S>
  void stage_backward(const Flat<S>& parameters, Flat<S>& gradients, const std::vector<GraphLayer>& layers,
                      const std::vector<LayerRows>& rows, const Matrix<S>& initial, const Matrix<S>& gates,
                      const std::vector<typename Trace<S>::Layer>& trace, Matrix<S> d_out,
                      Matrix<S>& d_initial, Matrix<S>& d_gates) const;

  NetworkShape shape_;
  std::vector<Block> blocks_;
  std::size_t parameter_count_ = 0;
  Block operation_table_, hardware_, output_vector_, initial_states_;
  Linear features_, initial_;
  std::vector<GraphLayer> stage1_, stage2_;
  Perceptron summary_, device_, supplement_, head_;
  Linear refine_hidden_, refine_;
};

}  // namespace latencast
