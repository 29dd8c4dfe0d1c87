// Regression trees: boosted ones over histograms (Friedman 2001; LightGBM's way of growing), and extremely
// randomised ones (Geurts, Ernst and Wehenkel, Machine Learning 63, 2006).
#pragma once

#include <cstdint>
#include <vector>

namespace latencast {

/// Rows of features, row-major.
struct FeatureTable {
  std::size_t columns = 0;
  std::vector<float> values;

  std::size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
  const float* row(std::size_t i) const { return values.data() + i * columns; }
};

/// One or several trees, each written from its root: a split, then its lower part, then its upper part.
struct Trees {
  static constexpr std::int16_t kLeaf = -1;

  std::vector<std::int16_t> feature;  ///< of a split, or kLeaf
  std::vector<float> number;          ///< a split's threshold: lower is `value <= number`; a leaf's value
  std::vector<std::uint32_t> upper;   ///< of a split: where its upper part begins
  std::vector<std::uint32_t> roots;   ///< where each tree begins

  std::size_t size() const { return roots.size(); }
  float value(std::size_t tree, const float* features) const;

  /// Fills in `upper` and `roots` from `feature`. false where it describes no trees.
  bool index();
};

struct BoostOptions {
  int trees = 300;
  int leaves = 24;
  double rate = 0.1;
  std::size_t fewest = 4;     ///< rows in a leaf
  double ridge = 1;           ///< added to a leaf's rows
  double row_share = 0.5;     ///< of the rows, drawn for each tree
  double column_share = 0.5;  ///< of the features, drawn for each tree
  int bins = 64;
};

/// The sum of the trees fits `target` by least squares. Thresholds and leaves are exact in half precision.
Trees boost(const FeatureTable& features, const std::vector<double>& target, const BoostOptions& options,
            std::uint64_t seed);

/// Sum of all trees.
double sum_of(const Trees& trees, const float* features);

struct ExtraTreesOptions {
  int trees = 300;
  double row_share = 0.8;  ///< of the rows, drawn without replacement for each tree
  std::size_t fewest = 1;  ///< rows in a leaf
};

struct ExtraTrees {
  Trees trees;
  std::vector<std::vector<bool>> learnt;  ///< of each tree: the rows it has seen
};

/// Every tree fits `target`, each in its own way.
ExtraTrees grow_extra_trees(const FeatureTable& features, const std::vector<double>& target,
                            const ExtraTreesOptions& options, std::uint64_t seed);

}  // namespace latencast
