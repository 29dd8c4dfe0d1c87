#include "roofline.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "median.h"

namespace latencast {
namespace {

using Triple = std::array<double, 3>;

// The solution of a symmetric positive system of those unknowns that `used` marks; the others are 0.
Triple solve(std::array<Triple, 3> a, Triple b, const std::array<bool, 3>& used) {
  for (std::size_t i = 0; i < 3; ++i)
    if (!used[i]) {
      for (std::size_t j = 0; j < 3; ++j) a[i][j] = a[j][i] = 0;
      a[i][i] = 1, b[i] = 0;
    }
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = i + 1; k < 3; ++k) {
      const double factor = a[k][i] / a[i][i];
      for (std::size_t j = i; j < 3; ++j) a[k][j] -= factor * a[i][j];
      b[k] -= factor * b[i];
    }
  Triple x{};
  for (std::size_t i = 3; i-- > 0;) {
    x[i] = b[i];
    for (std::size_t j = i + 1; j < 3; ++j) x[i] -= a[i][j] * x[j];
    x[i] /= a[i][i];
  }
  return x;
}

// Minimum of x'Ax - 2b'x over x >= 0: of all choices of unknowns that are 0, the best that is allowed.
Triple non_negative(const std::array<Triple, 3>& a, const Triple& b) {
  Triple best{};
  double least = 0;
  for (int mask = 1; mask < 8; ++mask) {
    const Triple x = solve(a, b, {(mask & 1) != 0, (mask & 2) != 0, (mask & 4) != 0});
    double value = 0;
    bool allowed = true;
    for (std::size_t i = 0; i < 3; ++i) {
      allowed = allowed && x[i] >= 0 && std::isfinite(x[i]);
      value -= b[i] * x[i];
    }
    if (allowed && value < least) least = value, best = x;
  }
  return best;
}

}  // namespace

double Roofline::log_ms(const KernelWork& work) const {
  return std::log(overhead + per_mac * work.macs + per_element * work.traffic());
}

Roofline fit_roofline(const std::vector<KernelWork>& work, const std::vector<double>& log_ms) {
  const std::size_t rows = work.size();
  double least = 1e300;
  for (const double value : log_ms) least = std::min(least, value);
  std::vector<double> weight(rows, 1);
  Roofline found;
  for (int round = 0; round < 6; ++round) {
    std::array<Triple, 3> a{};
    Triple b{};
    for (std::size_t i = 0; i < rows; ++i) {
      const double inverse = std::exp(-log_ms[i]);
      // In the unit of the smallest latency, so that the three columns are of a size.
      const Triple x = {std::exp(least) * inverse, work[i].macs * inverse * 1e-9,
                        work[i].traffic() * inverse * 1e-7};
      for (std::size_t j = 0; j < 3; ++j) {
        b[j] += weight[i] * x[j];
        for (std::size_t k = 0; k < 3; ++k) a[j][k] += weight[i] * x[j] * x[k];
      }
    }
    for (std::size_t j = 0; j < 3; ++j) a[j][j] *= 1 + 1e-9, a[j][j] += 1e-300;
    const Triple x = non_negative(a, b);
    found = {std::max(x[0], 1e-3) * std::exp(least), x[1] * 1e-9, x[2] * 1e-7};
    for (std::size_t i = 0; i < rows; ++i)
      weight[i] = 1 / std::max(0.1, std::abs(found.log_ms(work[i]) - log_ms[i]));
  }
  std::vector<double> rest(rows);
  for (std::size_t i = 0; i < rows; ++i) rest[i] = log_ms[i] - found.log_ms(work[i]);
  const double factor = std::exp(median_of(rest));
  return {found.overhead * factor, found.per_mac * factor, found.per_element * factor};
}

}  // namespace latencast
