#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "catch.h"
#include "fixture.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "train.h"

using namespace latencast;

namespace {

std::vector<TrainingItem> items_of(const std::vector<double>& labels, const std::vector<int>& devices) {
  std::vector<TrainingItem> items;
  for (std::size_t i = 0; i < labels.size(); ++i) items.push_back({nullptr, devices[i], labels[i]});
  return items;
}

}  // namespace

TEST_CASE("ranking pairs: of one device, with different labels, each once, at most four an item") {
  Rng rng(1);
  const auto few = ranking_pairs(items_of({1, 2, 2, 3}, {0, 0, 0, 1}), rng);
  CHECK(std::set<std::pair<int, int>>(few.begin(), few.end()) ==
        std::set<std::pair<int, int>>{{0, 1}, {0, 2}});
  CHECK(ranking_pairs(items_of({1}, {0}), rng).empty());
  CHECK(ranking_pairs(items_of({1, 1, 1}, {0, 0, 0}), rng).empty());

  std::vector<double> labels(40);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = double(i);
  const auto many = ranking_pairs(items_of(labels, std::vector<int>(40, 0)), rng);
  CHECK(many.size() == 160);
  CHECK(std::set<std::pair<int, int>>(many.begin(), many.end()).size() == 160);
  for (const auto& [i, j] : many) REQUIRE(i < j);
}

TEST_CASE("pairwise hinge: value by hand, gradient by differences, zero once the margin holds") {
  const auto items = items_of({1, 2, 3}, {0, 0, 0});
  const std::vector<std::pair<int, int>> pairs = {{0, 1}, {0, 2}, {1, 2}};
  std::vector<double> scores = {0.0, 0.05, 0.02}, gradient;
  // 0.1 - 0.05, 0.1 - 0.02, 0.1 + 0.03
  CHECK(pairwise_hinge(items, pairs, Margin::constant, scores, gradient) == Approx((0.05 + 0.08 + 0.13) / 3));
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> moved = scores, unused;
    moved[i] += 1e-6;
    const double above = pairwise_hinge(items, pairs, Margin::constant, moved, unused);
    moved[i] -= 2e-6;
    CHECK(
        gradient[i] ==
        Approx((above - pairwise_hinge(items, pairs, Margin::constant, moved, unused)) / 2e-6).margin(1e-6));
  }
  scores = {0, 1, 2};
  CHECK(pairwise_hinge(items, pairs, Margin::constant, scores, gradient) == 0);
  CHECK(gradient == std::vector<double>{0, 0, 0});
}

TEST_CASE(
    "pairwise hinge: with log-ratio margins, log latencies themselves are a solution and smaller steps are "
    "not") {
  const auto items = items_of({1, 2, 8}, {0, 0, 0});
  const std::vector<std::pair<int, int>> pairs = {{0, 1}, {0, 2}, {1, 2}};
  std::vector<double> gradient;
  const std::vector<double> log_latency = {0, std::log(2.0), std::log(8.0)};
  CHECK(pairwise_hinge(items, pairs, Margin::log_ratio, log_latency, gradient) == Approx(0).margin(1e-12));
  const std::vector<double> half = {0, std::log(2.0) / 2, std::log(8.0) / 2};
  CHECK(pairwise_hinge(items, pairs, Margin::log_ratio, half, gradient) == Approx(std::log(8.0) / 3));
}

TEST_CASE("adam: a stretch with a rate of its own moves that much further") {
  Flat<double> parameters(6, 0.0);
  Adam<double> adam(6, {1e-3, {2, 3, 50}, 1e-6, 0}, 10);
  adam.step(parameters, Flat<double>(6, 2.0));
  // The first step of Adam has the learning rate's length.
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(parameters[i] == Approx(i >= 2 && i < 5 ? -0.05 : -0.001).epsilon(1e-6));
}

TEST_CASE("training: golden loss curve") {
  // Ten optimiser steps in double precision; a changed layer, loss, optimiser or random stream moves these.
  const LatencyTable table = synthetic_table(3, 48);
  std::vector<Graph> graphs;
  for (const auto& architecture : table.architectures) graphs.push_back(space("nb201").graph(architecture));
  std::vector<TrainingItem> items;
  for (std::size_t d = 0; d < 3; ++d)
    for (std::size_t i = 0; i < graphs.size(); ++i)
      if (std::isfinite(table.latency_ms[d][i]))
        items.push_back({&graphs[i], static_cast<int>(d), table.latency_ms[d][i]});
  NetworkShape shape;
  shape.devices = 3;
  const Network network(shape);
  Rng rng(7);
  Trainer<double> trainer(space("nb201"), network, network.initial_parameters<double>(rng), {1e-3}, 10,
                          Margin::constant, 42);
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) losses.push_back(trainer.step(items));
  const std::vector<double> golden = {0.124995165465,  0.0850054658262, 0.057016190184, 0.0508332888355,
                                      0.0531804107396, 0.0463314123403, 0.050584642253, 0.0525471700175,
                                      0.0381740976213, 0.0454689761899};
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CAPTURE(i);
    CHECK(losses[i] == Approx(golden[i]).epsilon(1e-6));
  }
}

TEST_CASE("training: a batch without a pair changes nothing") {
  const Graph graph = space("nb201").graph("421211");
  const Network network(NetworkShape{});
  Rng rng(7);
  const auto start = network.initial_parameters<double>(rng);
  Trainer<double> trainer(space("nb201"), network, start, {1e-3}, 10, Margin::constant, 42);
  CHECK(trainer.step({{&graph, 0, 3.0}}) == 0);
  CHECK(trainer.parameters() == start);
}

TEST_CASE("pretrain: learns, decided by its seed alone") {
  const int invented = GENERATE(0, 5);
  const auto learnt = [&](std::uint64_t seed) {
    PretrainOptions options;
    options.steps = 90;
    options.batch = 64;
    options.invented = invented;
    options.seed = seed;
    std::vector<double> losses;
    const Predictor predictor =
        pretrain(synthetic_table(3, 150), options, [&](int, double loss) { losses.push_back(loss); });
    CHECK(losses.size() >= 3);
    CHECK(losses.back() < 0.7 * losses.front());
    CHECK(predictor.devices().size() == static_cast<std::size_t>(3 + invented));
    return sha256_hex(predictor.write());
  };
  const auto first = learnt(1);
  CHECK(first == learnt(1));
  CHECK(first != learnt(2));
}

TEST_CASE("pretrain: ranks architectures it has not seen") {
  const auto& all = space("nb201").enumerate();
  const std::vector<Architecture> unseen(all.begin() + 5000, all.begin() + 5400);
  std::vector<double> truth;
  for (const auto& cell : unseen) truth.push_back(synthetic_latency_ms(cell, 2));
  CHECK(spearman(synthetic_base().scores("device 2", unseen), truth) > 0.9);
}

TEST_CASE("pretrain: refuses what it cannot learn from") {
  PretrainOptions options;
  LatencyTable table = synthetic_table(2, 3);
  table.latency_ms[1] = {5, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_WITH(pretrain(table, options, {}),
                    ContainsSubstring("device 1") && ContainsSubstring("at least 2"));
  CHECK_THROWS_AS(pretrain({}, options, {}), Error);
  options.steps = 0;
  CHECK_THROWS_WITH(pretrain(synthetic_table(2, 30), options, {}), ContainsSubstring("steps"));
}
