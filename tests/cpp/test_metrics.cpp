#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"

using namespace latencast;

namespace {

// Tau-b by its definition, over all pairs.
double kendall_by_pairs(const std::vector<double>& x, const std::vector<double>& y) {
  double score = 0, x_pairs = 0, y_pairs = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double dx = (x[i] > x[j]) - (x[i] < x[j]);
      const double dy = (y[i] > y[j]) - (y[i] < y[j]);
      score += dx * dy;
      x_pairs += dx != 0;
      y_pairs += dy != 0;
    }
  }
  return x_pairs == 0 || y_pairs == 0 ? 0 : score / std::sqrt(x_pairs * y_pairs);
}

// Spearman by its definition: Pearson of ranks, a rank being 1 + smaller ones + half of the equal others.
double spearman_by_counting(const std::vector<double>& x, const std::vector<double>& y) {
  const auto rank = [](const std::vector<double>& v, std::size_t i) {
    double r = 1;
    for (std::size_t j = 0; j < v.size(); ++j) r += v[j] < v[i] ? 1 : v[j] == v[i] && j != i ? 0.5 : 0;
    return r;
  };
  const double n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = rank(x, i), b = rank(y, i);
    sx += a, sy += b, sxx += a * a, syy += b * b, sxy += a * b;
  }
  const double vx = sxx - sx * sx / n, vy = syy - sy * sy / n;
  return n == 0 || vx <= 0 || vy <= 0 ? 0 : (sxy - sx * sy / n) / std::sqrt(vx * vy);
}

// n values of `levels` different ones: few levels give many ties.
std::vector<double> tied_values(Rng& rng, std::size_t n, std::uint64_t levels) {
  std::vector<double> values(n);
  for (double& value : values) value = static_cast<double>(rng.below(levels)) - 2;
  return values;
}

ErrorCode code_of(void (*call)()) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("average ranks share the mean among ties", "[metrics]") {
  CHECK(average_ranks({30, 10, 20, 10}) == std::vector<double>{4, 1.5, 3, 1.5});
  CHECK(average_ranks({7, 7, 7}) == std::vector<double>{2, 2, 2});
  CHECK(average_ranks({}).empty());
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(average_ranks({infinity, 0, -infinity}) == std::vector<double>{3, 2, 1});
}

TEST_CASE("rank correlations agree with their definitions, with and without ties", "[metrics]") {
  Rng rng(11);
  for (std::uint64_t round = 0; round < 300; ++round) {
    const std::size_t n = rng.below(std::size_t{40});
    const std::uint64_t levels = round % 3 == 0 ? 3 : round % 3 == 1 ? 12 : 100000;
    const auto x = tied_values(rng, n, levels);
    const auto y = tied_values(rng, n, levels);
    CAPTURE(round, n, levels);
    CHECK(kendall(x, y) == Approx(kendall_by_pairs(x, y)).margin(1e-12));
    CHECK(spearman(x, y) == Approx(spearman_by_counting(x, y)).margin(1e-12));
    CHECK(kendall(x, y) == Approx(kendall(y, x)).margin(1e-12));
  }
}

TEST_CASE("rank correlations depend on order alone", "[metrics]") {
  Rng rng(12);
  std::vector<double> x(200), y(200), stretched(200), reversed(200);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = rng.normal();
    y[i] = x[i] + rng.normal();
    stretched[i] = std::exp(3 * x[i]);
    reversed[i] = -x[i];
  }
  CHECK(spearman(stretched, y) == Approx(spearman(x, y)));
  CHECK(kendall(stretched, y) == Approx(kendall(x, y)));
  CHECK(spearman(x, stretched) == Approx(1));
  CHECK(kendall(x, stretched) == Approx(1));
  CHECK(spearman(x, reversed) == Approx(-1));
  CHECK(kendall(x, reversed) == Approx(-1));
}

TEST_CASE("known rank correlations", "[metrics]") {
  // One swapped neighbour of five: tau = 8/10, rho = 1 - 6 * 2 / (5 * 24).
  CHECK(kendall({1, 2, 3, 4, 5}, {1, 2, 4, 3, 5}) == Approx(0.8));
  CHECK(spearman({1, 2, 3, 4, 5}, {1, 2, 4, 3, 5}) == Approx(0.9));
  // 4 concordant, 1 tied in x only: 5 / sqrt(5 * 6).
  CHECK(kendall({1, 2, 2, 3}, {1, 2, 3, 4}) == Approx(5 / std::sqrt(30.0)));
}

TEST_CASE("rank correlations of constant or too short inputs are 0", "[metrics]") {
  CHECK(spearman({}, {}) == 0);
  CHECK(kendall({}, {}) == 0);
  CHECK(spearman({1}, {2}) == 0);
  CHECK(kendall({1}, {2}) == 0);
  CHECK(spearman({1, 1, 1}, {1, 2, 3}) == 0);
  CHECK(kendall({1, 2, 3}, {4, 4, 4}) == 0);
}

TEST_CASE("kendall is quick enough for a whole space", "[metrics]") {
  // All pairs of a million items would take minutes; a merge sort takes a fraction of a second.
  std::vector<double> x(1000000), y(1000000);
  Rng rng(13);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<double>(i);
    y[i] = rng.uniform();
  }
  CHECK(std::abs(kendall(x, y)) < 0.01);
}

TEST_CASE("mdape and within", "[metrics]") {
  CHECK(mdape({11, 18, 33}, {10, 20, 30}) == Approx(0.1));
  CHECK(mdape({11, 16, 30, 60}, {10, 20, 30, 40}) == Approx(0.15));  // errors .1 .2 0 .5
  CHECK(mdape({}, {}) == 0);
  CHECK(within({10.5, 21.5, 30, 60}, {10, 20, 30, 40}, 0.05) == 0.5);
  CHECK(within({10.5, 21.5, 30, 60}, {10, 20, 30, 40}, 0.10) == 0.75);
  CHECK(within({}, {}, 0.1) == 0);
}

TEST_CASE("mdape is the middle of the sorted errors", "[metrics]") {
  Rng rng(14);
  for (std::size_t n = 1; n < 30; ++n) {
    std::vector<double> predicted(n), truth(n), error(n);
    for (std::size_t i = 0; i < n; ++i) {
      truth[i] = 1 + rng.uniform();
      predicted[i] = truth[i] * (1 + 0.3 * rng.normal());
      error[i] = std::abs(predicted[i] - truth[i]) / truth[i];
    }
    std::sort(error.begin(), error.end());
    CHECK(mdape(predicted, truth) == Approx(0.5 * (error[(n - 1) / 2] + error[n / 2])));
  }
}

TEST_CASE("metrics refuse what they cannot compare", "[metrics]") {
  CHECK(code_of([] { spearman({1, 2}, {1}); }) == ErrorCode::argument);
  CHECK(code_of([] { kendall({1}, {}); }) == ErrorCode::argument);
  CHECK(code_of([] { mdape({1}, {0}); }) == ErrorCode::argument);
  CHECK(code_of([] { mdape({1, 2}, {1}); }) == ErrorCode::argument);
  CHECK(code_of([] { within({1, 2}, {1}, 0.1); }) == ErrorCode::argument);
  CHECK(code_of([] { average_ranks({std::nan("")}); }) == ErrorCode::argument);
  CHECK_THROWS_WITH(spearman({1, std::nan("")}, {1, 2}), ContainsSubstring("predicted value 2"));
}
