// The network against a second, naive implementation, and its gradients against central differences.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "latencast/space.h"
#include "network.h"

using namespace latencast;

namespace {

const Space& nb201() { return space("nb201"); }

NetworkShape small_shape(Gnn gnn) {
  NetworkShape shape;
  shape.devices = 3;
  shape.gnn = gnn;
  shape.operation_width = 5;
  shape.hardware_width = 3;
  shape.initial_width = 6;
  shape.state_width = 7;
  shape.head_width = 9;
  return shape;
}

std::vector<double> random_parameters(const Network& network, std::uint64_t seed) {
  Rng rng(seed);
  auto parameters = network.initial_parameters<double>(rng);
  // Away from the start, where the zeros of biases and shared states hide mistakes.
  for (double& value : parameters) value += 0.3 * rng.normal();
  return parameters;
}

Plan plan_of(const std::vector<Graph>& graphs, const std::vector<int>& devices, const NetworkShape& shape) {
  return make_plan(graphs, devices, shape.stage1_layers, shape.stage2_layers);
}

std::vector<double> scores(const Network& network, const std::vector<double>& parameters,
                           const std::vector<Graph>& graphs, const std::vector<int>& devices) {
  Network::Trace<double> trace;
  const Plan plan = plan_of(graphs, devices, network.shape());
  network.forward(parameters, plan, trace);
  std::vector<double> values;
  for (const int graph : plan.graph) values.push_back(trace.score(graph, 0));
  return values;
}

// The network node by node with plain vectors, straight from the paper's formulas: no matrices, no sharing.
class Naive {
 public:
  using Vec = std::vector<double>;
  Naive(const Network& network, const Vec& parameters) : shape_(network.shape()), parameters_(parameters) {
    for (const Block& block : network.blocks()) blocks_[block.name] = block;
  }

  double score(const Graph& graph, int device) const {
    const std::size_t n = graph.op.size();
    std::vector<Vec> operation(n), initial(n);
    for (std::size_t i = 0; i < n; ++i) {
      operation[i] = i == 0       ? Vec(row("initial_states", 0).size(), 0.0)
                     : i == n - 1 ? row("output_operation", 0)
                                  : joined(row("operation", graph.op[i]), row("hardware", device));
      initial[i] = linear("initial", row("initial_states", i == 0 ? 0 : 1));
    }
    std::vector<Vec> state = stage("stage1.", shape_.stage1_layers, graph, initial, operation);
    Vec summary = state.back();
    for (int i = 0; i < 3; ++i) {
      summary = linear("summary." + std::to_string(i), summary);
      if (i < 2) summary = relu(summary);
    }
    std::vector<Vec> refined;
    for (const Vec& o : operation)
      refined.push_back(linear("refine.1", relu(linear("refine.0", joined(o, summary)))));
    state = stage("stage2.", shape_.stage2_layers, graph, initial, refined);
    Vec mean_state(state[0].size()), live(refined[0].size()), dead(refined[0].size());
    double live_share = 0;
    for (std::size_t i = 1; i < n; ++i) {
      for (std::size_t c = 0; c < mean_state.size(); ++c) mean_state[c] += state[i][c] / double(n - 1);
      Vec& side = graph.live[i] ? live : dead;
      for (std::size_t c = 0; c < side.size(); ++c) side[c] += refined[i][c] / double(n - 1);
      live_share += graph.live[i] / double(n - 1);
    }
    Vec hidden = joined(joined(mean_state, joined(live, dead)), {live_share});
    for (int i = 0; i < 3; ++i) hidden = relu(linear("head." + std::to_string(i), hidden));
    return linear("score", hidden)[0];
  }

 private:
  double at(const Block& block, std::size_t r, std::size_t c) const {
    return parameters_[block.offset + r * static_cast<std::size_t>(block.cols) + c];
  }
  Vec row(const std::string& name, std::size_t r) const {
    const Block& block = blocks_.at(name);
    Vec values;
    for (std::size_t c = 0; c < static_cast<std::size_t>(block.cols); ++c) values.push_back(at(block, r, c));
    return values;
  }
  Vec times(const Vec& x, const std::string& name) const {
    const Block& w = blocks_.at(name);
    REQUIRE(x.size() == static_cast<std::size_t>(w.rows));
    Vec y(static_cast<std::size_t>(w.cols), 0.0);
    for (std::size_t r = 0; r < x.size(); ++r)
      for (std::size_t c = 0; c < y.size(); ++c) y[c] += x[r] * at(w, r, c);
    return y;
  }
  Vec linear(const std::string& name, const Vec& x) const {
    return sum(times(x, name + ".w"), row(name + ".b", 0));
  }
  static Vec sum(Vec a, const Vec& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  static Vec joined(Vec a, const Vec& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  static Vec relu(Vec a) {
    for (double& value : a) value = std::max(0.0, value);
    return a;
  }
  Vec gate(const std::string& name, const Vec& o) const {
    Vec g = linear(name, o);
    for (double& value : g) value = 1 / (1 + std::exp(-value));
    return g;
  }

  std::vector<Vec> stage(const std::string& name, int layers, const Graph& graph, std::vector<Vec> h,
                         const std::vector<Vec>& o) const {
    for (int layer = 0; layer < layers; ++layer) {
      const std::string here = name + std::to_string(layer);
      std::vector<Vec> next;
      for (std::size_t i = 0; i < h.size(); ++i) {
        Vec y(static_cast<std::size_t>(shape_.state_width), 0.0);
        const bool both = shape_.gnn == Gnn::ensemble;
        if (shape_.gnn != Gnn::gat) y = sum(y, dgf(here + ".dgf", graph, h, o, i));
        if (shape_.gnn != Gnn::dgf) y = sum(y, gat(here + ".gat", graph, h, o, i));
        if (both)
          for (double& value : y) value /= 2;
        next.push_back(layer + 1 < layers ? relu(y) : y);
      }
      h = next;
    }
    return h;
  }

  Vec dgf(const std::string& name, const Graph& graph, const std::vector<Vec>& h, const std::vector<Vec>& o,
          std::size_t i) const {
    Vec y = sum(times(h[i], name + ".w"), row(name + ".b", 0));
    const Vec g = gate(name + ".gate", o[i]);
    for (const auto j : graph.predecessors[i]) {
      const Vec flow = times(h[j], name + ".w");
      for (std::size_t c = 0; c < y.size(); ++c) y[c] += g[c] * flow[c];
    }
    return y;
  }

  Vec gat(const std::string& name, const Graph& graph, const std::vector<Vec>& h, const std::vector<Vec>& o,
          std::size_t i) const {
    const Vec a = row(name + ".a", 0), query = times(h[i], name + ".w"), g = gate(name + ".gate", o[i]);
    Vec sum_k(query.size(), 0.0), weight;
    double total = 0;
    for (const auto j : graph.predecessors[i]) {
      const Vec k = times(h[j], name + ".w");
      double e = 0;
      for (std::size_t c = 0; c < k.size(); ++c) e += a[c] * query[c] * k[c] / std::sqrt(double(k.size()));
      weight.push_back(std::exp(e > 0 ? e : 0.01 * e));
      total += weight.back();
    }
    for (std::size_t p = 0; p < weight.size(); ++p) {
      const Vec k = times(h[graph.predecessors[i][p]], name + ".w");
      for (std::size_t c = 0; c < k.size(); ++c) sum_k[c] += weight[p] / total * k[c];
    }
    double mean = 0, variance = 0;
    const double n = double(sum_k.size());
    for (std::size_t c = 0; c < sum_k.size(); ++c) mean += (sum_k[c] *= g[c]) / n;
    for (const double value : sum_k) variance += (value - mean) * (value - mean) / n;
    const Vec scale = row(name + ".norm_scale", 0), shift = row(name + ".norm_shift", 0);
    for (std::size_t c = 0; c < sum_k.size(); ++c)
      sum_k[c] = (sum_k[c] - mean) / std::sqrt(variance + 1e-5) * scale[c] + shift[c];
    return sum_k;
  }

  NetworkShape shape_;
  const Vec& parameters_;
  std::map<std::string, Block> blocks_;
};

}  // namespace

TEST_CASE("network: merged rows agree with a naive implementation, node by node") {
  const Gnn gnn = GENERATE(Gnn::dgf, Gnn::gat, Gnn::ensemble);
  const Network network(small_shape(gnn));
  const auto parameters = random_parameters(network, 5);
  std::vector<Graph> graphs;
  std::vector<int> devices;
  for (std::size_t i = 0; i < 400; ++i) {
    graphs.push_back(nb201().graph(nb201().enumerate()[i * 39]));
    devices.push_back(static_cast<int>(i % 3));
  }
  const auto merged = scores(network, parameters, graphs, devices);
  const Naive naive(network, parameters);
  for (std::size_t i = 0; i < graphs.size(); ++i)
    REQUIRE(merged[i] == Approx(naive.score(graphs[i], devices[i])).epsilon(1e-9).margin(1e-9));
}

TEST_CASE("network: gradients of every block agree with central differences") {
  const Gnn gnn = GENERATE(Gnn::dgf, Gnn::gat, Gnn::ensemble);
  const Network network(small_shape(gnn));
  auto parameters = random_parameters(network, 11);
  std::vector<Graph> graphs;
  std::vector<int> devices;
  // Attention matters in the first layer only where a node sums the input and something else: the last four.
  for (const char* cell :
       {"421211", "333333", "333000", "310313", "124302", "421211", "300130", "330122", "213143", "032103"}) {
    graphs.push_back(nb201().graph(cell));
    devices.push_back(static_cast<int>(devices.size() % 3));
  }
  const Plan plan = plan_of(graphs, devices, network.shape());
  Network::Trace<double> trace;
  Rng weights(3);
  Matrix<double> d_score(plan.distinct_graphs(), 1);
  for (auto& value : d_score.reshaped()) value = weights.normal();

  // The same dropout masks each time: the stream is copied.
  const Rng dropout(8);
  const auto objective = [&] {
    Rng stream = dropout;
    network.forward(parameters, plan, trace, &stream);
    return trace.score.cwiseProduct(d_score).sum();
  };
  objective();
  // What was there before must not matter.
  std::vector<double> gradients(parameters.size(), std::numeric_limits<double>::quiet_NaN());
  network.backward(parameters, gradients, plan, trace, d_score);

  for (const Block& block : network.blocks()) {
    INFO(block.name << " of gnn " << static_cast<int>(gnn));
    double squared_error = 0, squared_norm = 0;
    for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
      constexpr double kStep = 1e-6;
      const double kept = parameters[i];
      parameters[i] = kept + kStep;
      const double above = objective();
      parameters[i] = kept - kStep;
      const double below = objective();
      parameters[i] = kept;
      const double numeric = (above - below) / (2 * kStep);
      squared_error += (numeric - gradients[i]) * (numeric - gradients[i]);
      squared_norm += numeric * numeric;
    }
    CHECK(std::sqrt(squared_error) <= 1e-5 * std::sqrt(squared_norm) + 1e-7);
    // A block without any gradient would pass vacuously.
    CHECK(squared_norm > 0);
  }
}

TEST_CASE("network: a batch scores as its items one by one") {
  const Network network(small_shape(Gnn::ensemble));
  const auto parameters = random_parameters(network, 2);
  std::vector<Graph> graphs;
  std::vector<int> devices;
  for (std::size_t i = 0; i < 200; ++i) {
    graphs.push_back(nb201().graph(nb201().enumerate()[i]));
    devices.push_back(static_cast<int>(i % 3));
  }
  const auto together = scores(network, parameters, graphs, devices);
  for (std::size_t i = 0; i < graphs.size(); ++i)
    REQUIRE(scores(network, parameters, {graphs[i]}, {devices[i]})[0] == Approx(together[i]).epsilon(1e-10));
}

TEST_CASE("network: relabelled cells with the same executed operations agree, a dead operation does not") {
  const Network network(small_shape(Gnn::ensemble));
  const auto parameters = random_parameters(network, 4);
  const auto score = [&](const std::string& cell) {
    return scores(network, parameters, {nb201().graph(cell)}, {0})[0];
  };
  // One convolution between input and output, first or last, with the skip on the other side of it.
  CHECK(score("300010") == Approx(score("100030")).epsilon(1e-10));
  // The same convolution by way of node 2 instead of node 1.
  CHECK(score("300010") == Approx(score("030001")).epsilon(1e-10));
  // Dead operations: edge 1 -> 2 leads nowhere in each of these.
  const double dead_none = score("300030"), dead_conv = score("303030"), dead_pool = score("304030");
  CHECK(std::abs(dead_none - dead_conv) > 1e-6);
  CHECK(std::abs(dead_conv - dead_pool) > 1e-6);
  // And two wholly disconnected cells differ by what they would execute.
  CHECK(std::abs(score("333000") - score("000000")) > 1e-6);
}

TEST_CASE("network: where nothing is connected, no gate and no attention has a gradient") {
  const Network network(small_shape(Gnn::ensemble));
  const auto parameters = random_parameters(network, 5);
  const Plan plan = plan_of({nb201().graph("333000")}, {0}, network.shape());
  Network::Trace<double> trace;
  network.forward(parameters, plan, trace);
  std::vector<double> gradients(parameters.size(), std::numeric_limits<double>::quiet_NaN());
  const Matrix<double> d_score = Matrix<double>::Ones(1, 1);
  network.backward(parameters, gradients, plan, trace, d_score);
  for (const Block& block : network.blocks()) {
    INFO(block.name);
    CHECK(block.of(gradients).allFinite());
    const bool acts =
        block.name.find(".gate.") == std::string::npos && block.name.find("gat.a") == std::string::npos;
    if (!acts) CHECK((block.of(gradients).array() == 0).all());
  }
}

TEST_CASE("plan: identical work is merged") {
  const auto& all = nb201().enumerate();
  std::vector<Graph> graphs;
  for (const auto& architecture : all) graphs.push_back(nb201().graph(architecture));
  const Plan plan = make_plan(graphs, std::vector<int>(graphs.size(), 0), 2, 3);
  CHECK(plan.operations.size() == 6);  // five operations and the output
  CHECK(plan.graph.size() == all.size());
  const std::size_t nodes = all.size() * 7;
  CHECK(plan.stage1.front().own.size() < 50);
  CHECK(plan.stage2.back().own.size() < nodes / 2);
  // A whole space costs a small part of what its cells cost one by one.
  const Network network{NetworkShape{}};
  const Plan single = make_plan({graphs[0]}, {0}, 2, 3);
  CHECK(network.multiply_adds(single) > 1e5);
  CHECK(network.multiply_adds(plan) < 0.2 * 15625 * network.multiply_adds(single));
  // Three cells of one architecture are one graph.
  const Plan same = make_plan({graphs[7], graphs[7], graphs[7]}, {0, 0, 0}, 2, 3);
  CHECK(same.distinct_graphs() == 1);
}
