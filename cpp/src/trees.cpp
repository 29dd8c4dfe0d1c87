#include "trees.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

#include "latencast/checkpoint.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

// Values of each feature as the number of the interval they lie in.
struct Binned {
  std::vector<std::vector<float>> cuts;        // per feature, ascending; bin b holds values <= cuts[b]
  std::vector<std::vector<std::uint8_t>> bin;  // per feature, per row
};

Binned bin_features(const FeatureTable& features, int bins) {
  const std::size_t rows = features.rows();
  Binned made;
  made.cuts.resize(features.columns);
  made.bin.resize(features.columns);
  std::vector<float> sorted;
  for (std::size_t f = 0; f < features.columns; ++f) {
    sorted.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) sorted[i] = features.row(i)[f];
    std::sort(sorted.begin(), sorted.end());
    std::vector<float> distinct = sorted;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<float>& cuts = made.cuts[f];
    const auto between = [](float a, float b) { return round_to_half(0.5f * (a + b)); };
    if (distinct.size() <= static_cast<std::size_t>(bins)) {
      for (std::size_t i = 0; i + 1 < distinct.size(); ++i)
        cuts.push_back(between(distinct[i], distinct[i + 1]));
    } else {
      for (int b = 1; b < bins; ++b) {
        const std::size_t at = rows * static_cast<std::size_t>(b) / static_cast<std::size_t>(bins);
        if (sorted[at - 1] != sorted[at]) cuts.push_back(between(sorted[at - 1], sorted[at]));
      }
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    made.bin[f].resize(rows);
    for (std::size_t i = 0; i < rows; ++i)
      made.bin[f][i] = static_cast<std::uint8_t>(
          std::lower_bound(cuts.begin(), cuts.end(), features.row(i)[f]) - cuts.begin());
  }
  return made;
}

struct Split {
  double gain = 0;
  std::size_t feature = 0;
  std::size_t bin = 0;  // the last of the lower part
};

// Grows one tree on residuals, the most useful split first.
class Grower {
 public:
  Grower(const Binned& binned, const std::vector<double>& residual, const BoostOptions& options)
      : binned_(binned), residual_(residual), options_(options) {}

  void grow(std::vector<std::uint32_t> rows, const std::vector<std::size_t>& columns, Trees& out) {
    rows_ = std::move(rows);
    columns_ = &columns;
    nodes_.clear();
    using Candidate = std::pair<double, std::size_t>;
    std::priority_queue<Candidate> open;
    nodes_.push_back({0, rows_.size(), {}, 0, 0});
    find(nodes_[0]);
    if (nodes_[0].split.gain > 0) open.emplace(nodes_[0].split.gain, 0);
    for (int leaves = 1; leaves < options_.leaves && !open.empty(); ++leaves) {
      const std::size_t at = open.top().second;
      open.pop();
      const Node node = nodes_[at];
      const auto& bin = binned_.bin[node.split.feature];
      const auto middle =
          std::partition(rows_.begin() + std::ptrdiff_t(node.begin), rows_.begin() + std::ptrdiff_t(node.end),
                         [&](std::uint32_t row) { return bin[row] <= node.split.bin; });
      const auto mid = static_cast<std::size_t>(middle - rows_.begin());
      nodes_[at].lower = nodes_.size();
      nodes_[at].upper = nodes_.size() + 1;
      nodes_.push_back({node.begin, mid, {}, 0, 0});
      nodes_.push_back({mid, node.end, {}, 0, 0});
      for (const std::size_t child : {nodes_[at].lower, nodes_[at].upper}) {
        find(nodes_[child]);
        if (nodes_[child].split.gain > 0) open.emplace(nodes_[child].split.gain, child);
      }
    }
    write(0, out);
  }

 private:
  struct Node {
    std::size_t begin, end;
    Split split;
    std::size_t lower, upper;  // 0: a leaf
  };

  void find(Node& node) {
    const std::size_t count = node.end - node.begin;
    if (count < 2 * options_.fewest) return;
    double total = 0;
    for (std::size_t i = node.begin; i < node.end; ++i) total += residual_[rows_[i]];
    const auto gain_of = [&](double sum, double rows) { return sum * sum / (rows + options_.ridge); };
    const double whole = gain_of(total, double(count));
    for (const std::size_t f : *columns_) {
      const std::size_t bins = binned_.cuts[f].size() + 1;
      if (bins < 2) continue;
      sums_.assign(bins, {0, 0});
      const auto& bin = binned_.bin[f];
      for (std::size_t i = node.begin; i < node.end; ++i) {
        auto& [sum, rows] = sums_[bin[rows_[i]]];
        sum += residual_[rows_[i]];
        rows += 1;
      }
      double sum = 0, rows = 0;
      for (std::size_t b = 0; b + 1 < bins; ++b) {
        sum += sums_[b].first, rows += sums_[b].second;
        if (rows < double(options_.fewest)) continue;
        if (double(count) - rows < double(options_.fewest)) break;
        const double gain = gain_of(sum, rows) + gain_of(total - sum, double(count) - rows) - whole;
        if (gain > node.split.gain + 1e-12) node.split = {gain, f, b};
      }
    }
  }

  void write(std::size_t at, Trees& out) const {
    const Node& node = nodes_[at];
    if (node.lower == 0) {
      double sum = 0;
      for (std::size_t i = node.begin; i < node.end; ++i) sum += residual_[rows_[i]];
      out.feature.push_back(Trees::kLeaf);
      out.number.push_back(round_to_half(
          static_cast<float>(options_.rate * sum / (double(node.end - node.begin) + options_.ridge))));
      return;
    }
    out.feature.push_back(static_cast<std::int16_t>(node.split.feature));
    out.number.push_back(binned_.cuts[node.split.feature][node.split.bin]);
    write(node.lower, out);
    write(node.upper, out);
  }

  const Binned& binned_;
  const std::vector<double>& residual_;
  const BoostOptions& options_;
  const std::vector<std::size_t>* columns_ = nullptr;
  std::vector<std::uint32_t> rows_;
  std::vector<Node> nodes_;
  std::vector<std::pair<double, double>> sums_;
};

// One tree of a random cut in every feature, the best of them kept.
class RandomGrower {
 public:
  RandomGrower(const FeatureTable& features, const std::vector<double>& target,
               const ExtraTreesOptions& options, Rng& rng, Trees& out)
      : features_(features), target_(target), options_(options), rng_(rng), out_(out) {}

  void grow(std::uint32_t* begin, std::uint32_t* end) {
    const auto count = static_cast<std::size_t>(end - begin);
    double total = 0, low_target = target_[*begin], high_target = low_target;
    for (auto* row = begin; row != end; ++row) {
      const double value = target_[*row];
      total += value;
      low_target = std::min(low_target, value), high_target = std::max(high_target, value);
    }
    Best best;
    if (count >= 2 * options_.fewest && high_target > low_target) best = find(begin, end, total);
    if (best.gain < 0) {
      out_.feature.push_back(Trees::kLeaf);
      out_.number.push_back(static_cast<float>(total / double(count)));
      return;
    }
    out_.feature.push_back(static_cast<std::int16_t>(best.feature));
    out_.number.push_back(best.cut);
    auto* middle = std::partition(
        begin, end, [&](std::uint32_t row) { return features_.row(row)[best.feature] <= best.cut; });
    grow(begin, middle);
    grow(middle, end);
  }

 private:
  struct Best {
    double gain = -1;
    std::size_t feature = 0;
    float cut = 0;
  };

  Best find(const std::uint32_t* begin, const std::uint32_t* end, double total) {
    const std::size_t columns = features_.columns;
    low_.assign(features_.row(*begin), features_.row(*begin) + columns);
    high_ = low_;
    for (const auto* row = begin + 1; row != end; ++row) {
      const float* values = features_.row(*row);
      for (std::size_t f = 0; f < columns; ++f) {
        low_[f] = std::min(low_[f], values[f]);
        high_[f] = std::max(high_[f], values[f]);
      }
    }
    cut_.resize(columns);
    for (std::size_t f = 0; f < columns; ++f) {
      cut_[f] = low_[f];
      if (high_[f] <= low_[f]) continue;
      cut_[f] += static_cast<float>(rng_.uniform()) * (high_[f] - low_[f]);
      if (cut_[f] >= high_[f]) cut_[f] = low_[f];
    }
    sum_.assign(columns, 0);
    rows_.assign(columns, 0);
    for (const auto* row = begin; row != end; ++row) {
      const float* values = features_.row(*row);
      const auto value = static_cast<float>(target_[*row]);
      for (std::size_t f = 0; f < columns; ++f) {
        const float lower = values[f] <= cut_[f] ? 1.f : 0.f;
        sum_[f] += lower * value;
        rows_[f] += lower;
      }
    }
    Best best;
    const double count = double(end - begin);
    for (std::size_t f = 0; f < columns; ++f) {
      if (high_[f] <= low_[f]) continue;
      const double rows = double(rows_[f]), sum = double(sum_[f]);
      if (rows < double(options_.fewest) || count - rows < double(options_.fewest)) continue;
      const double gain =
          sum * sum / rows + (total - sum) * (total - sum) / (count - rows) - total * total / count;
      if (gain > best.gain) best = {std::max(gain, 0.0), f, cut_[f]};
    }
    return best;
  }

  const FeatureTable& features_;
  const std::vector<double>& target_;
  const ExtraTreesOptions& options_;
  Rng& rng_;
  Trees& out_;
  std::vector<float> low_, high_, cut_, sum_, rows_;
};

}  // namespace

float Trees::value(std::size_t tree, const float* features) const {
  std::size_t at = roots[tree];
  while (feature[at] != kLeaf)
    at = features[static_cast<std::size_t>(feature[at])] <= number[at] ? at + 1 : upper[at];
  return number[at];
}

bool Trees::index() {
  upper.assign(feature.size(), 0);
  roots.clear();
  std::vector<std::uint32_t> waiting;  // splits whose upper part has not begun
  for (std::uint32_t at = 0; at < feature.size(); ++at) {
    if (at == 0 || (feature[at - 1] == kLeaf && waiting.empty())) {
      roots.push_back(at);
    } else if (feature[at - 1] == kLeaf) {
      upper[waiting.back()] = at;
      waiting.pop_back();
    }
    if (feature[at] != kLeaf) waiting.push_back(at);
  }
  return waiting.empty() && (feature.empty() || feature.back() == kLeaf);
}

Trees boost(const FeatureTable& features, const std::vector<double>& target, const BoostOptions& options,
            std::uint64_t seed) {
  const Binned binned = bin_features(features, options.bins);
  const std::size_t rows = features.rows();
  std::vector<double> residual = target;
  Rng rng(seed);
  Trees all;
  Grower grower(binned, residual, options);
  const auto share = [](std::size_t count, double part) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(double(count) * part)));
  };
  for (int t = 0; t < options.trees; ++t) {
    std::vector<std::uint32_t> chosen;
    for (std::uint32_t i = 0; i < rows; ++i)
      if (rows < 50 || rng.uniform() < options.row_share) chosen.push_back(i);
    const auto columns = rng.choose(features.columns, share(features.columns, options.column_share));
    Trees one;
    grower.grow(std::move(chosen), columns, one);
    one.index();
    for (std::size_t i = 0; i < rows; ++i) residual[i] -= double(one.value(0, features.row(i)));
    all.feature.insert(all.feature.end(), one.feature.begin(), one.feature.end());
    all.number.insert(all.number.end(), one.number.begin(), one.number.end());
  }
  all.index();
  return all;
}

double sum_of(const Trees& trees, const float* features) {
  double sum = 0;
  for (std::size_t t = 0; t < trees.size(); ++t) sum += double(trees.value(t, features));
  return sum;
}

ExtraTrees grow_extra_trees(const FeatureTable& features, const std::vector<double>& target,
                            const ExtraTreesOptions& options, std::uint64_t seed) {
  ExtraTrees made;
  Rng rng(seed);
  RandomGrower grower(features, target, options, rng, made.trees);
  const std::size_t rows = features.rows();
  const auto drawn = std::clamp<std::size_t>(
      static_cast<std::size_t>(std::lround(double(rows) * options.row_share)), 1, rows);
  for (int t = 0; t < options.trees; ++t) {
    std::vector<std::uint32_t> chosen;
    made.learnt.emplace_back(rows, false);
    for (const std::size_t row : rng.choose(rows, drawn)) {
      chosen.push_back(static_cast<std::uint32_t>(row));
      made.learnt.back()[row] = true;
    }
    grower.grow(chosen.data(), chosen.data() + chosen.size());
  }
  made.trees.index();
  return made;
}

}  // namespace latencast
