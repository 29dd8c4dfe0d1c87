#include "train.h"

#include <algorithm>
#include <cmath>

namespace latencast {
namespace {

constexpr double kConstantMargin = 0.1;
constexpr std::size_t kPairsPerItem = 4;

}  // namespace

std::vector<std::pair<int, int>> ranking_pairs(const std::vector<TrainingItem>& items, Rng& rng) {
  std::vector<std::pair<int, int>> pairs;
  const int n = static_cast<int>(items.size());
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j)
      if (items[i].device == items[j].device && items[i].label != items[j].label) pairs.emplace_back(i, j);
  const std::size_t most = kPairsPerItem * items.size();
  if (pairs.size() <= most) return pairs;
  for (std::size_t i = 0; i < most; ++i) std::swap(pairs[i], pairs[i + rng.below(pairs.size() - i)]);
  pairs.resize(most);
  return pairs;
}

double pairwise_hinge(const std::vector<TrainingItem>& items, const std::vector<std::pair<int, int>>& pairs,
                      Margin margin, const std::vector<double>& scores, std::vector<double>& d_scores) {
  d_scores.assign(items.size(), 0);
  double loss = 0;
  const double share = 1.0 / static_cast<double>(pairs.size());
  for (const auto& [i, j] : pairs) {
    const double sign = items[i].label > items[j].label ? 1 : -1;
    const double wanted =
        margin == Margin::constant ? kConstantMargin : std::abs(std::log(items[i].label / items[j].label));
    const double short_of = wanted - sign * (scores[i] - scores[j]);
    if (short_of <= 0) continue;
    loss += share * short_of;
    d_scores[i] -= share * sign;
    d_scores[j] += share * sign;
  }
  return loss;
}

template <class S>
double Trainer<S>::step(const std::vector<TrainingItem>& items) {
  const auto pairs = ranking_pairs(items, rng_);
  if (pairs.empty()) return 0;
  std::vector<Graph> graphs;
  std::vector<int> devices;
  std::vector<const float*> supplements;
  for (const auto& item : items) {
    graphs.push_back(*item.graph);
    devices.push_back(item.device);
    supplements.push_back(item.supplement);
  }
  const Plan plan = network_.plan(space_, graphs, devices, supplements);
  network_.forward(parameters_, plan, trace_, &rng_);

  std::vector<double> scores(items.size()), d_scores;
  for (std::size_t i = 0; i < items.size(); ++i)
    scores[i] = static_cast<double>(trace_.score()(plan.graph[i], 0));
  const double loss = pairwise_hinge(items, pairs, margin_, scores, d_scores);
  Matrix<S> d_score = Matrix<S>::Zero(plan.distinct_graphs(), 1);
  for (std::size_t i = 0; i < items.size(); ++i) d_score(plan.graph[i], 0) += static_cast<S>(d_scores[i]);

  network_.backward(parameters_, gradients_, plan, trace_, d_score);
  adam_.step(parameters_, gradients_);
  return loss;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace latencast
