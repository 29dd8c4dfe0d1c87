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
#include "predictor_impl.h"

using namespace latencast;

namespace {

const Space& nb201() { return space("nb201"); }

/// Each part of a network that a variant switches.
struct Variant {
  const char* name;
  const char* space;
  Gnn gnn;
  HardwarePlace place;
  int supplement;
};
constexpr Variant kVariants[] = {{"dgf", "nb201", Gnn::dgf, HardwarePlace::operation, 0},
                                 {"gat", "nb201", Gnn::gat, HardwarePlace::operation, 0},
                                 {"ensemble", "nb201", Gnn::ensemble, HardwarePlace::operation, 0},
                                 {"device in the head", "nb201", Gnn::ensemble, HardwarePlace::head, 0},
                                 {"supplement", "nb201", Gnn::ensemble, HardwarePlace::operation, 4},
                                 {"chain", "fbnet", Gnn::ensemble, HardwarePlace::operation, 0},
                                 {"chain with all of it", "fbnet", Gnn::ensemble, HardwarePlace::head, 3}};

NetworkShape small_shape(Gnn gnn, const Space& of = nb201()) {
  NetworkShape shape = shape_for(of);
  shape.devices = 3;
  shape.gnn = gnn;
  shape.operation_width = 5;
  shape.hardware_width = 3;
  shape.initial_width = 6;
  shape.state_width = 7;
  shape.head_width = 9;
  return shape;
}

Flat<double> random_parameters(const Network& network, std::uint64_t seed) {
  Rng rng(seed);
  auto parameters = network.initial_parameters<double>(rng);
  // Away from the start, where the zeros of biases and shared states hide mistakes.
  for (double& value : parameters) value += 0.3 * rng.normal();
  return parameters;
}

NetworkShape shape_of(const Variant& variant) {
  NetworkShape shape = small_shape(variant.gnn, space(variant.space));
  shape.hardware_place = variant.place;
  shape.supplement = variant.supplement;
  return shape;
}

/// The numbers of one row, the same whatever batch it is in.
std::vector<float> supplement_of(const Architecture& architecture, int width) {
  Rng rng(std::hash<std::string>{}(architecture));
  std::vector<float> row;
  for (int i = 0; i < width; ++i) row.push_back(static_cast<float>(rng.normal()));
  return row;
}

struct Batch {
  const Space& in;
  std::vector<Architecture> architectures;
  std::vector<int> devices;
};

Batch drawn(const Space& of, std::size_t count, std::uint64_t seed) {
  Batch batch{of, {}, {}};
  Rng rng(seed);
  for (std::size_t i = 0; i < count; ++i) {
    batch.architectures.push_back(of.random(rng));
    batch.devices.push_back(static_cast<int>(i % 3));
  }
  return batch;
}

Plan plan_of(const Network& network, const Batch& batch) {
  const int width = network.shape().supplement;
  std::vector<Graph> graphs;
  std::vector<std::vector<float>> supplements;
  std::vector<const float*> rows;
  for (const auto& architecture : batch.architectures) {
    graphs.push_back(batch.in.graph(architecture));
    supplements.push_back(supplement_of(architecture, width));
  }
  for (const auto& row : supplements) rows.push_back(row.data());
  return network.plan(batch.in, graphs, batch.devices, rows);
}

std::vector<double> scores(const Network& network, const Flat<double>& parameters, const Batch& batch) {
  Network::Trace<double> trace;
  const Plan plan = plan_of(network, batch);
  network.forward(parameters, plan, trace);
  std::vector<double> values;
  for (const int graph : plan.graph) values.push_back(trace.score()(graph, 0));
  return values;
}

// The network node by node with plain vectors, straight from the paper's formulas: no matrices, no sharing.
class Naive {
 public:
  using Vec = Flat<double>;
  Naive(const Space& of, const Network& network, const Vec& parameters)
      : space_(of), shape_(network.shape()), parameters_(parameters) {
    for (const Block& block : network.blocks()) blocks_[block.name] = block;
  }

  double score(const Architecture& architecture, int device) const {
    const Graph graph = space_.graph(architecture);
    const bool in_head = shape_.hardware_place == HardwarePlace::head;
    const std::size_t n = graph.op.size();
    std::vector<Vec> operation(n), initial(n);
    for (std::size_t i = 0; i < n; ++i) {
      initial[i] = linear("initial", row("initial_states", i == 0 ? 0 : 1));
      if (i == 0) continue;
      Vec label = i == n - 1 ? row("output_operation", 0)
                  : in_head  ? row("operation", graph.op[i])
                             : joined(row("operation", graph.op[i]), row("hardware", device));
      if (shape_.features > 0) {
        const auto given = space_.features(graph.op[i], graph.place[i]);
        Vec of_features = linear("features", Vec(given.begin(), given.end()));
        of_features.resize(label.size(), 0.0);
        label = sum(label, of_features);
      }
      operation[i] = label;
    }
    operation[0] = Vec(operation[1].size(), 0.0);
    std::vector<Vec> state = stage("stage1.", shape_.stage1_layers, graph, initial, operation);
    Vec summary = state.back();
    if (shape_.summary == Summary::mean)
      for (std::size_t c = 0; c < summary.size(); ++c) {
        summary[c] = 0;
        for (std::size_t i = 1; i < n; ++i) summary[c] += state[i][c] / double(n - 1);
      }
    summary = mlp("summary", 3, summary);
    std::vector<Vec> refined;
    for (const Vec& o : operation)
      refined.push_back(linear("refine.1", relu(linear("refine.0", joined(o, summary)))));
    state = stage("stage2.", shape_.stage2_layers, graph, initial, refined);
    Vec states(state[0].size()), live(refined[0].size()), dead(refined[0].size());
    double live_share = 0;
    for (std::size_t i = 1; i < n; ++i) {
      for (std::size_t c = 0; c < states.size(); ++c) states[c] += state[i][c] / shape_.nodes;
      Vec& side = graph.live[i] ? live : dead;
      for (std::size_t c = 0; c < side.size(); ++c) side[c] += refined[i][c] / shape_.nodes;
      live_share += double(graph.live[i]) / shape_.nodes;
    }
    Vec pooled = joined(joined(states, joined(live, dead)), {live_share});
    if (shape_.supplement > 0) {
      const auto given = supplement_of(architecture, shape_.supplement);
      pooled = joined(pooled, mlp("supplement", 3, Vec(given.begin(), given.end())));
    }
    if (in_head) pooled = joined(pooled, mlp("device", 2, row("hardware", device)));
    return mlp("head", 4, pooled)[0];
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
  Vec mlp(const std::string& name, int layers, Vec x) const {
    for (int i = 0; i < layers; ++i) {
      x = linear(name + "." + std::to_string(i), x);
      if (i + 1 < layers) x = relu(x);
    }
    return x;
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

  const Space& space_;
  NetworkShape shape_;
  const Vec& parameters_;
  std::map<std::string, Block> blocks_;
};

}  // namespace

TEST_CASE("network: merged rows agree with a naive implementation, node by node") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    const Network network(shape_of(variant));
    const auto parameters = random_parameters(network, 5);
    const Batch batch = drawn(space(variant.space), 120, 3);
    const auto merged = scores(network, parameters, batch);
    const Naive naive(batch.in, network, parameters);
    for (std::size_t i = 0; i < merged.size(); ++i)
      REQUIRE(merged[i] ==
              Approx(naive.score(batch.architectures[i], batch.devices[i])).epsilon(1e-9).margin(1e-9));
  }
}

TEST_CASE("network: gradients of every block agree with central differences") {
  const Variant& variant = kVariants[GENERATE(range(0, 7))];
  const Network network(shape_of(variant));
  auto parameters = random_parameters(network, 11);
  Batch batch = drawn(space(variant.space), 6, 2);
  if (batch.in.size() > 0) {
    // Attention matters in the first layer only where a node sums the input and something else: the last
    // four.
    batch.architectures = {"421211", "333333", "333000", "310313", "124302",
                           "421211", "300130", "330122", "213143", "032103"};
    batch.devices = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
  }
  const Plan plan = plan_of(network, batch);
  Network::Trace<double> trace;
  Rng weights(3);
  Matrix<double> d_score(plan.distinct_graphs(), 1);
  for (auto& value : d_score.reshaped()) value = weights.normal();

  // The same dropout masks each time: the stream is copied.
  const Rng dropout(8);
  const auto objective = [&] {
    Rng stream = dropout;
    network.forward(parameters, plan, trace, &stream);
    return trace.score().cwiseProduct(d_score).sum();
  };
  objective();
  // What was there before must not matter.
  Flat<double> gradients(parameters.size(), std::numeric_limits<double>::quiet_NaN());
  network.backward(parameters, gradients, plan, trace, d_score);

  for (const Block& block : network.blocks()) {
    INFO(block.name << " of " << variant.name);
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
    // A block without any gradient would pass vacuously. In a chain every node has one predecessor, whose
    // weight is 1.
    const bool idle = batch.in.size() == 0 && block.name.find("gat.a") != std::string::npos;
    CHECK((squared_norm > 0) == !idle);
  }
}

TEST_CASE("network: a batch scores as its items one by one") {
  for (const Variant& variant : kVariants) {
    INFO(variant.name);
    const Network network(shape_of(variant));
    const auto parameters = random_parameters(network, 2);
    const Batch batch = drawn(space(variant.space), 60, 9);
    const auto together = scores(network, parameters, batch);
    for (std::size_t i = 0; i < together.size(); ++i)
      REQUIRE(scores(network, parameters, {batch.in, {batch.architectures[i]}, {batch.devices[i]}})[0] ==
              Approx(together[i]).epsilon(1e-10));
  }
}

TEST_CASE("network: exchanging two different blocks of a chain changes the score") {
  const Network network(small_shape(Gnn::ensemble, space("fbnet")));
  const auto parameters = random_parameters(network, 6);
  Rng rng(1);
  for (int round = 0; round < 50; ++round) {
    const Architecture one = space("fbnet").random(rng);
    Architecture other = one;
    std::swap(other[rng.below(other.size())], other[rng.below(other.size())]);
    if (one == other) continue;
    const auto score = scores(network, parameters, {space("fbnet"), {one, other}, {0, 0}});
    INFO(one << " " << other);
    CHECK(std::abs(score[0] - score[1]) > 1e-6);
  }
}

TEST_CASE("network: relabelled cells with the same executed operations agree, a dead operation does not") {
  const Network network(small_shape(Gnn::ensemble));
  const auto parameters = random_parameters(network, 4);
  const auto score = [&](const std::string& cell) {
    return scores(network, parameters, {nb201(), {cell}, {0}})[0];
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
  const Plan plan = plan_of(network, {nb201(), {"333000"}, {0}});
  Network::Trace<double> trace;
  network.forward(parameters, plan, trace);
  Flat<double> gradients(parameters.size(), std::numeric_limits<double>::quiet_NaN());
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
  const Plan plan = make_plan(graphs, std::vector<int>(graphs.size(), 0), {});
  CHECK(plan.operations.size() == 6);  // five operations and the output
  CHECK(plan.graph.size() == all.size());
  const std::size_t nodes = all.size() * 7;
  CHECK(plan.stage1.front().own.size() < 50);
  CHECK(plan.stage2.back().own.size() < nodes / 2);
  // A whole space costs a small part of what its cells cost one by one.
  const Network network{NetworkShape{}};
  const Plan single = make_plan({graphs[0]}, {0}, {});
  CHECK(network.multiply_adds(single) > 1e5);
  CHECK(network.multiply_adds(plan) < 0.2 * 15625 * network.multiply_adds(single));
  // Three cells of one architecture are one graph.
  const Plan same = make_plan({graphs[7], graphs[7], graphs[7]}, {0, 0, 0}, {});
  CHECK(same.distinct_graphs() == 1);
}
