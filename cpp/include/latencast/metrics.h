// How good a prediction is. Every function takes `predicted` and `truth` of one length (else throws
// `argument`).
#pragma once

#include <vector>

namespace latencast {

/// Ranks from 1 to n, ties sharing the mean of their ranks.
std::vector<double> average_ranks(const std::vector<double>& values);

/// Spearman's rank correlation in [-1, 1], ties by average ranks. 0 where either side is constant or n < 2.
double spearman(const std::vector<double>& predicted, const std::vector<double>& truth);

/// Kendall's tau-b in [-1, 1], ties corrected, in O(n log n) (Knight 1966). 0 where either side is constant.
double kendall(const std::vector<double>& predicted, const std::vector<double>& truth);

/// Median of |predicted - truth| / truth, a fraction. `truth` must be positive; 0 where it is empty.
double mdape(const std::vector<double>& predicted, const std::vector<double>& truth);

/// Share of items with |predicted - truth| <= tolerance * truth, a fraction. 0 where there are none.
double within(const std::vector<double>& predicted, const std::vector<double>& truth, double tolerance);

}  // namespace latencast
