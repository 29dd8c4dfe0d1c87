#include "network.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace latencast {
namespace {

bool uses_dgf(Gnn gnn) { return gnn != Gnn::gat; }
bool uses_gat(Gnn gnn) { return gnn != Gnn::dgf; }

}  // namespace

Network::Network(const NetworkShape& shape) : shape_(shape) {
  const int gates = shape.gate_width();
  operation_table_ = add("operation", shape.operations, shape.label_width());
  if (shape.features > 0) features_ = add_linear("features", shape.features, shape.label_width());
  hardware_ = add("hardware", shape.devices, shape.hardware_width);
  output_vector_ = add("output_operation", 1, gates);
  initial_states_ = add("initial_states", 2, gates);
  initial_ = add_linear("initial", gates, shape.initial_width);
  for (int i = 0; i < shape.stage1_layers; ++i)
    stage1_.push_back(add_layer("stage1." + std::to_string(i), i ? shape.state_width : shape.initial_width));
  summary_ = add_mlp("summary", std::vector<int>(4, shape.state_width));
  refine_hidden_ = add_linear("refine.0", gates + shape.state_width, shape.state_width);
  refine_ = add_linear("refine.1", shape.state_width, gates);
  for (int i = 0; i < shape.stage2_layers; ++i)
    stage2_.push_back(add_layer("stage2." + std::to_string(i), i ? shape.state_width : shape.initial_width));
  if (shape.hardware_place == HardwarePlace::head)
    device_ = add_mlp("device", {shape.hardware_width, gates, gates});
  if (shape.supplement > 0)
    supplement_ = add_mlp("supplement", {shape.supplement, shape.state_width, shape.state_width, gates});
  head_ = add_mlp("head", {shape.pooled_width(), shape.head_width, shape.head_width, shape.head_width, 1});
}

Block Network::add(const std::string& name, int rows, int cols) {
  blocks_.push_back({name, parameter_count_, rows, cols});
  parameter_count_ += blocks_.back().size();
  return blocks_.back();
}

Linear Network::add_linear(const std::string& name, int in, int out) {
  return {add(name + ".w", in, out), add(name + ".b", 1, out)};
}

Perceptron Network::add_mlp(const std::string& name, const std::vector<int>& widths) {
  Perceptron mlp;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i)
    mlp.layers.push_back(add_linear(name + "." + std::to_string(i), widths[i], widths[i + 1]));
  return mlp;
}

GraphLayer Network::add_layer(const std::string& name, int in) {
  const int out = shape_.state_width, gates = shape_.gate_width();
  GraphLayer layer;
  if (uses_dgf(shape_.gnn))
    layer.dgf = {{add_linear(name + ".dgf.gate", gates, out)},
                 add(name + ".dgf.w", in, out),
                 add(name + ".dgf.b", 1, out)};
  if (uses_gat(shape_.gnn))
    layer.gat = {{add_linear(name + ".gat.gate", gates, out)},
                 add(name + ".gat.w", in, out),
                 add(name + ".gat.a", 1, out),
                 add(name + ".gat.norm_scale", 1, out),
                 add(name + ".gat.norm_shift", 1, out)};
  return layer;
}

double Network::multiply_adds(const Plan& plan) const {
  const auto products = [](std::size_t rows, const Block& w) { return double(rows) * double(w.size()); };
  const auto stage = [&](const std::vector<GraphLayer>& layers, const std::vector<LayerRows>& rows) {
    double total = 0;
    std::size_t before = 2;  // the initial node states
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto gates = static_cast<std::size_t>(rows[i].gates);
      total += products(before, layers[i].dgf.w) + products(gates, layers[i].dgf.gate.linear.w);
      total += products(before, layers[i].gat.w) + products(gates, layers[i].gat.gate.linear.w);
      before = rows[i].own.size();
    }
    return total;
  };
  const double refine = double(plan.operations.size()) * shape_.gate_width() * shape_.state_width +
                        double(plan.summary.count()) * shape_.state_width * shape_.state_width +
                        products(plan.refined.size(), refine_.w);
  const auto mlp = [&](std::size_t rows, const Perceptron& of) {
    double total = 0;
    for (const Linear& layer : of.layers) total += products(rows, layer.w);
    return total;
  };
  const auto graphs = static_cast<std::size_t>(plan.distinct_graphs());
  return products(2, initial_.w) + products(plan.operations.size(), features_.w) +
         stage(stage1_, plan.stage1) + mlp(static_cast<std::size_t>(plan.summary.count()), summary_) +
         refine + stage(stage2_, plan.stage2) + mlp(graphs, device_) + mlp(graphs, supplement_) +
         mlp(graphs, head_);
}

Plan Network::plan(const Space& space, const std::vector<Graph>& graphs, const std::vector<int>& devices,
                   const std::vector<const float*>& supplements) const {
  const bool in_operations = shape_.hardware_place == HardwarePlace::operation;
  Plan plan = make_plan(
      graphs, devices,
      {shape_.stage1_layers, shape_.stage2_layers, shape_.summary, in_operations, shape_.supplement == 0});
  if (shape_.features > 0) {
    std::map<std::pair<int, int>, std::vector<float>> known;  // the same for every device
    for (const OperationKey& key : plan.operations) {
      auto& features = known[{key.op, key.place}];
      if (features.empty()) features = space.features(key.op, key.place);
      plan.features.insert(plan.features.end(), features.begin(), features.end());
    }
  }
  if (shape_.supplement > 0) {
    plan.supplement.resize(static_cast<std::size_t>(plan.distinct_graphs() * shape_.supplement));
    for (std::size_t i = 0; i < graphs.size(); ++i)
      std::copy_n(supplements[i], shape_.supplement,
                  plan.supplement.begin() + std::ptrdiff_t{plan.graph[i]} * shape_.supplement);
  }
  return plan;
}

template <class S>
Flat<S> Network::initial_parameters(Rng& rng) const {
  const auto ends_with = [](const std::string& text, const std::string& end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
  };
  Flat<S> values(parameter_count_, S(0));
  for (const Block& block : blocks_) {
    auto matrix = block.of(values);
    const bool embedding =
        block.name == "operation" || block.name == "hardware" || block.name == "output_operation";
    if (embedding) {
      for (auto& value : matrix.reshaped()) value = static_cast<S>(rng.normal());
    } else if (block.name == "initial_states") {
      // The shared state of the other nodes starts at zero.
      for (auto& value : matrix.row(Plan::kInputRow)) value = static_cast<S>(rng.normal());
    } else if (ends_with(block.name, ".norm_scale")) {
      matrix.setOnes();
    } else if (ends_with(block.name, "gat.a")) {
      for (auto& value : matrix.reshaped())
        value = static_cast<S>(rng.normal() / std::sqrt(double(block.cols)));
    } else if (ends_with(block.name, ".w")) {
      // Glorot: keeps the spread of activations and gradients alike.
      const double bound = std::sqrt(6.0 / double(block.rows + block.cols));
      for (auto& value : matrix.reshaped()) value = static_cast<S>((2 * rng.uniform() - 1) * bound);
    }
  }
  return values;
}

template <class S>
void Network::stage_forward(const Flat<S>& parameters, const std::vector<GraphLayer>& layers,
                            const std::vector<LayerRows>& rows, const Matrix<S>& initial,
                            const Matrix<S>& gates, std::vector<typename Trace<S>::Layer>& trace) const {
  trace.resize(layers.size());
  Matrix<S> attended;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Matrix<S>& before = i ? trace[i - 1].out : initial;
    Matrix<S>& out = trace[i].out;
    if (uses_dgf(shape_.gnn)) layers[i].dgf.forward(parameters, rows[i], before, gates, trace[i].dgf, out);
    if (uses_gat(shape_.gnn)) {
      Matrix<S>& y = uses_dgf(shape_.gnn) ? attended : out;
      layers[i].gat.forward(parameters, rows[i], before, gates, trace[i].gat, y);
      if (uses_dgf(shape_.gnn)) out = (out + attended) * S(0.5);
    }
    if (i + 1 < layers.size()) relu_forward(out);
  }
}

template <class S>
void Network::stage_backward(const Flat<S>& parameters, Flat<S>& gradients,
                             const std::vector<GraphLayer>& layers, const std::vector<LayerRows>& rows,
                             const Matrix<S>& initial, const Matrix<S>& gates,
                             const std::vector<typename Trace<S>::Layer>& trace, Matrix<S> d_out,
                             Matrix<S>& d_initial, Matrix<S>& d_gates) const {
  for (std::size_t i = layers.size(); i-- > 0;) {
    const Matrix<S>& before = i ? trace[i - 1].out : initial;
    if (i + 1 < layers.size()) relu_backward(trace[i].out, d_out);
    if (shape_.gnn == Gnn::ensemble) d_out *= S(0.5);
    Matrix<S> d_before = Matrix<S>::Zero(before.rows(), before.cols());
    if (uses_dgf(shape_.gnn))
      layers[i].dgf.backward(parameters, gradients, rows[i], before, gates, trace[i].dgf, d_out, d_before,
                             d_gates);
    if (uses_gat(shape_.gnn))
      layers[i].gat.backward(parameters, gradients, rows[i], before, gates, trace[i].gat, d_out, d_before,
                             d_gates);
    d_out.swap(d_before);
  }
  d_initial += d_out;
}

template <class S>
void Network::forward(const Flat<S>& parameters, const Plan& plan, Trace<S>& trace, Rng* dropout) const {
  const Eigen::Index labels = shape_.label_width(), gates = shape_.gate_width(), states = shape_.state_width;
  const auto n_operations = static_cast<Eigen::Index>(plan.operations.size());
  const auto given = [](const std::vector<float>& values, Eigen::Index rows, int cols) {
    return Eigen::Map<const Matrix<float>>(values.data(), rows, cols).template cast<S>();
  };
  if (shape_.features > 0) {
    trace.features = given(plan.features, n_operations, shape_.features);
    Matrix<S> of_features;
    features_.forward(parameters, trace.features, of_features);
    trace.operations.setZero(n_operations, gates);
    trace.operations.leftCols(labels) = of_features;
  } else {
    trace.operations.setZero(n_operations, gates);
  }
  for (Eigen::Index i = 0; i < n_operations; ++i) {
    const OperationKey& key = plan.operations[static_cast<std::size_t>(i)];
    auto row = trace.operations.row(i);
    if (key.op == 0) {
      row += output_vector_.of(parameters).row(0);
      continue;
    }
    row.head(labels) += operation_table_.of(parameters).row(key.op);
    if (labels < gates) row.tail(gates - labels) = hardware_.of(parameters).row(key.device);
  }
  trace.initial_raw = initial_states_.of(parameters);
  initial_.forward(parameters, trace.initial_raw, trace.initial);

  stage_forward(parameters, stage1_, plan.stage1, trace.initial, trace.operations, trace.stage1);
  trace.summary.x.resize(1);
  trace.summary.x[0].setZero(plan.summary.count(), states);
  for (int i = 0; i < plan.summary.count(); ++i) {
    const int from = plan.summary.begin[i], to = plan.summary.begin[i + 1];
    for (int j = from; j < to; ++j)
      trace.summary.x[0].row(i) += trace.stage1.back().out.row(plan.summary.item[j]) / S(to - from);
  }
  summary_.forward(parameters, trace.summary);
  // [O ; summary] W in two parts, so that each is computed once for all rows that share it.
  const auto n_refined = static_cast<Eigen::Index>(plan.refined.size());
  const auto refine_w = refine_hidden_.w.of(parameters);
  Matrix<S> of_operation, of_summary;
  set_product(trace.operations, refine_w.topRows(gates), of_operation);
  set_product(trace.summary.out(), refine_w.bottomRows(states), of_summary);
  trace.refine_hidden.resize(n_refined, states);
  for (Eigen::Index r = 0; r < n_refined; ++r)
    trace.refine_hidden.row(r) = of_operation.row(plan.refined[r].operation) +
                                 of_summary.row(plan.refined[r].summary) +
                                 refine_hidden_.b.of(parameters).row(0);
  relu_forward(trace.refine_hidden);
  refine_.forward(parameters, trace.refine_hidden, trace.refined);

  stage_forward(parameters, stage2_, plan.stage2, trace.initial, trace.refined, trace.stage2);
  // Read-out: sum of node states, then of the refined operations of live nodes, of dead nodes, and the live
  // share; then the supplement and the device.
  const Matrix<S>& state = trace.stage2.back().out;
  trace.head.x.resize(1);
  Matrix<S>& pooled = trace.head.x[0];
  pooled.setZero(plan.distinct_graphs(), shape_.pooled_width());
  const S share = S(1) / S(shape_.nodes);
  for (int g = 0; g < plan.distinct_graphs(); ++g) {
    auto row = pooled.row(g);
    for (int i = plan.node_begin[g]; i < plan.node_begin[g + 1]; ++i) {
      const Plan::Node& node = plan.nodes[i];
      row.head(states) += share * state.row(node.state);
      row.segment(node.live ? states : states + gates, gates) += share * trace.refined.row(node.refined);
      if (node.live) row(states + 2 * gates) += share;
    }
  }
  if (shape_.supplement > 0) {
    trace.supplement.x.resize(1);
    trace.supplement.x[0] = given(plan.supplement, plan.distinct_graphs(), shape_.supplement);
    supplement_.forward(parameters, trace.supplement, dropout);
    pooled.middleCols(states + 2 * gates + 1, gates) = trace.supplement.out();
  }
  if (shape_.hardware_place == HardwarePlace::head) {
    trace.device.x.resize(1);
    trace.device.x[0] = hardware_.of(parameters)(plan.device, Eigen::all);
    device_.forward(parameters, trace.device);
    pooled.rightCols(gates) = trace.device.out();
  }
  head_.forward(parameters, trace.head, dropout);
}

template <class S>
void Network::backward(const Flat<S>& parameters, Flat<S>& gradients, const Plan& plan, const Trace<S>& trace,
                       const Matrix<S>& d_score) const {
  const Eigen::Index labels = shape_.label_width(), gates = shape_.gate_width(), states = shape_.state_width;
  const auto zeros_like = [](const Matrix<S>& m) { return Matrix<S>(Matrix<S>::Zero(m.rows(), m.cols())); };
  hardware_.of(gradients).setZero();

  const Matrix<S> d_pooled = head_.backward(parameters, gradients, trace.head, d_score);
  if (shape_.supplement > 0)
    supplement_.backward(parameters, gradients, trace.supplement,
                         Matrix<S>(d_pooled.middleCols(states + 2 * gates + 1, gates)));
  if (shape_.hardware_place == HardwarePlace::head) {
    const Matrix<S> d_device =
        device_.backward(parameters, gradients, trace.device, Matrix<S>(d_pooled.rightCols(gates)));
    for (int g = 0; g < plan.distinct_graphs(); ++g)
      hardware_.of(gradients).row(plan.device[g]) += d_device.row(g);
  }
  Matrix<S> d_state = zeros_like(trace.stage2.back().out), d_refined = zeros_like(trace.refined);
  const S share = S(1) / S(shape_.nodes);
  for (int g = 0; g < plan.distinct_graphs(); ++g) {
    for (int i = plan.node_begin[g]; i < plan.node_begin[g + 1]; ++i) {
      const Plan::Node& node = plan.nodes[i];
      d_state.row(node.state) += share * d_pooled.row(g).head(states);
      d_refined.row(node.refined) +=
          share * d_pooled.row(g).segment(node.live ? states : states + gates, gates);
    }
  }
  Matrix<S> d_initial = zeros_like(trace.initial);
  stage_backward(parameters, gradients, stage2_, plan.stage2, trace.initial, trace.refined, trace.stage2,
                 std::move(d_state), d_initial, d_refined);

  Matrix<S> d_hidden = zeros_like(trace.refine_hidden);
  refine_.backward(parameters, gradients, trace.refine_hidden, d_refined, d_hidden);
  relu_backward(trace.refine_hidden, d_hidden);
  Matrix<S> d_of_operation = Matrix<S>::Zero(trace.operations.rows(), states);
  Matrix<S> d_of_summary = Matrix<S>::Zero(plan.summary.count(), states);
  for (std::size_t r = 0; r < plan.refined.size(); ++r) {
    d_of_operation.row(plan.refined[r].operation) += d_hidden.row(static_cast<Eigen::Index>(r));
    d_of_summary.row(plan.refined[r].summary) += d_hidden.row(static_cast<Eigen::Index>(r));
  }
  refine_hidden_.b.of(gradients).row(0) = d_hidden.colwise().sum();
  auto d_refine_w = refine_hidden_.w.of(gradients);
  set_product(trace.operations.transpose(), d_of_operation, d_refine_w.topRows(gates));
  set_product(trace.summary.out().transpose(), d_of_summary, d_refine_w.bottomRows(states));
  const auto refine_w = refine_hidden_.w.of(parameters);
  Matrix<S> d_operations, d_summary;
  set_product(d_of_operation, refine_w.topRows(gates).transpose(), d_operations);
  set_product(d_of_summary, refine_w.bottomRows(states).transpose(), d_summary);
  d_summary = summary_.backward(parameters, gradients, trace.summary, std::move(d_summary));
  Matrix<S> d_stage1 = zeros_like(trace.stage1.back().out);
  for (int i = 0; i < plan.summary.count(); ++i) {
    const int from = plan.summary.begin[i], to = plan.summary.begin[i + 1];
    for (int j = from; j < to; ++j) d_stage1.row(plan.summary.item[j]) += d_summary.row(i) / S(to - from);
  }
  stage_backward(parameters, gradients, stage1_, plan.stage1, trace.initial, trace.operations, trace.stage1,
                 std::move(d_stage1), d_initial, d_operations);

  Matrix<S> d_raw = zeros_like(trace.initial_raw);
  initial_.backward(parameters, gradients, trace.initial_raw, d_initial, d_raw);
  initial_states_.of(gradients) = d_raw;
  if (shape_.features > 0) {
    const Matrix<S> d_labels = d_operations.leftCols(labels);
    set_product(trace.features.transpose(), d_labels, features_.w.of(gradients));
    features_.b.of(gradients).row(0) = d_labels.colwise().sum();
  }
  for (const Block* table : {&operation_table_, &output_vector_}) table->of(gradients).setZero();
  for (std::size_t i = 0; i < plan.operations.size(); ++i) {
    const auto row = d_operations.row(static_cast<Eigen::Index>(i));
    if (plan.operations[i].op == 0) {
      output_vector_.of(gradients).row(0) += row;
      continue;
    }
    operation_table_.of(gradients).row(plan.operations[i].op) += row.head(labels);
    if (labels < gates) hardware_.of(gradients).row(plan.operations[i].device) += row.tail(gates - labels);
  }
}

#define LATENCAST_INSTANTIATE(S)                                                             \
  template Flat<S> Network::initial_parameters<S>(Rng&) const;                               \
  template void Network::forward<S>(const Flat<S>&, const Plan&, Trace<S>&, Rng*) const;     \
  template void Network::backward<S>(const Flat<S>&, Flat<S>&, const Plan&, const Trace<S>&, \
                                     const Matrix<S>&) const;
LATENCAST_INSTANTIATE(float)
LATENCAST_INSTANTIATE(double)
#undef LATENCAST_INSTANTIATE

}  // namespace latencast
