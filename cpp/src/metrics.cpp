// Kendall: W. R. Knight, "A computer method for calculating Kendall's tau with ungrouped data", JASA 61,
// 1966.
#include "latencast/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>

#include "latencast/error.h"

namespace latencast {

namespace {

void check_numbers(const std::vector<double>& values, const std::string& what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      throw Error(ErrorCode::argument,
                  "metrics: " + what + " value " + std::to_string(i + 1) + " is not a number");
    }
  }
}

void check_pair(const std::vector<double>& predicted, const std::vector<double>& truth) {
  if (predicted.size() != truth.size()) {
    throw Error(ErrorCode::argument, "metrics: " + std::to_string(predicted.size()) +
                                         " predicted values for " + std::to_string(truth.size()) +
                                         " true ones; one each expected");
  }
  check_numbers(predicted, "predicted");
  check_numbers(truth, "true");
}

void check_positive(const std::vector<double>& truth) {
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (!(truth[i] > 0)) {
      throw Error(ErrorCode::argument, "metrics: true value " + std::to_string(i + 1) + " is " +
                                           std::to_string(truth[i]) + "; it must be positive");
    }
  }
}

std::int64_t pairs_of(std::int64_t n) { return n * (n - 1) / 2; }

// Pairs of neighbours that compare equal in an already sorted sequence of `n` items.
template <class Equal>
std::int64_t tied_pairs(std::size_t n, Equal equal) {
  std::int64_t total = 0;
  for (std::size_t start = 0; start < n;) {
    std::size_t end = start + 1;
    while (end < n && equal(start, end)) ++end;
    total += pairs_of(static_cast<std::int64_t>(end - start));
    start = end;
  }
  return total;
}

// Sorts `values` and returns how many pairs stood in descending order.
std::int64_t sort_counting_inversions(std::vector<double>& values) {
  std::vector<double> merged(values.size());
  std::int64_t inversions = 0;
  for (std::size_t width = 1; width < values.size(); width *= 2) {
    for (std::size_t low = 0; low < values.size(); low += 2 * width) {
      const std::size_t middle = std::min(low + width, values.size());
      const std::size_t high = std::min(low + 2 * width, values.size());
      std::size_t left = low, right = middle;
      for (std::size_t out = low; out < high; ++out) {
        if (right == high || (left < middle && values[left] <= values[right])) {
          merged[out] = values[left++];
        } else {
          inversions += static_cast<std::int64_t>(middle - left);
          merged[out] = values[right++];
        }
      }
    }
    values.swap(merged);
  }
  return inversions;
}

}  // namespace

std::vector<double> average_ranks(const std::vector<double>& values) {
  check_numbers(values, "ranked");
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t start = 0; start < order.size();) {
    std::size_t end = start + 1;
    while (end < order.size() && values[order[end]] == values[order[start]]) ++end;
    const double shared = 0.5 * static_cast<double>(start + 1 + end);
    for (std::size_t i = start; i < end; ++i) ranks[order[i]] = shared;
    start = end;
  }
  return ranks;
}

double spearman(const std::vector<double>& predicted, const std::vector<double>& truth) {
  check_pair(predicted, truth);
  const std::vector<double> a = average_ranks(predicted);
  const std::vector<double> b = average_ranks(truth);
  const double mean = 0.5 * (static_cast<double>(a.size()) + 1);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  if (aa == 0 || bb == 0) return 0;
  return std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

double kendall(const std::vector<double>& predicted, const std::vector<double>& truth) {
  check_pair(predicted, truth);
  const std::size_t n = predicted.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return predicted[a] != predicted[b] ? predicted[a] < predicted[b] : truth[a] < truth[b];
  });
  std::vector<double> y(n);
  for (std::size_t i = 0; i < n; ++i) y[i] = truth[order[i]];

  const std::int64_t all = pairs_of(static_cast<std::int64_t>(n));
  const auto same_x = [&](std::size_t i, std::size_t j) {
    return predicted[order[i]] == predicted[order[j]];
  };
  const std::int64_t tied_x = tied_pairs(n, same_x);
  const std::int64_t tied_both =
      tied_pairs(n, [&](std::size_t i, std::size_t j) { return same_x(i, j) && y[i] == y[j]; });
  const std::int64_t discordant = sort_counting_inversions(y);
  const std::int64_t tied_y = tied_pairs(n, [&](std::size_t i, std::size_t j) { return y[i] == y[j]; });

  if (tied_x == all || tied_y == all) return 0;
  const std::int64_t concordant_less_discordant = all - tied_x - tied_y + tied_both - 2 * discordant;
  const double tau =
      static_cast<double>(concordant_less_discordant) /
      (std::sqrt(static_cast<double>(all - tied_x)) * std::sqrt(static_cast<double>(all - tied_y)));
  return std::clamp(tau, -1.0, 1.0);
}

double mdape(const std::vector<double>& predicted, const std::vector<double>& truth) {
  check_pair(predicted, truth);
  check_positive(truth);
  if (truth.empty()) return 0;
  std::vector<double> error(truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) error[i] = std::abs(predicted[i] - truth[i]) / truth[i];
  const auto upper = error.begin() + static_cast<std::ptrdiff_t>(error.size() / 2);
  std::nth_element(error.begin(), upper, error.end());
  if (error.size() % 2 == 1) return *upper;
  return 0.5 * (*upper + *std::max_element(error.begin(), upper));
}

double within(const std::vector<double>& predicted, const std::vector<double>& truth, double tolerance) {
  check_pair(predicted, truth);
  if (truth.empty()) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (std::abs(predicted[i] - truth[i]) <= tolerance * truth[i]) ++count;
  }
  return static_cast<double>(count) / static_cast<double>(truth.size());
}

}  // namespace latencast
