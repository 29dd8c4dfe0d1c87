// xoshiro256** 1.0 and splitmix64: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators",
// ACM TOMS 47(4), 2021. Polar method: G. Marsaglia, T. A. Bray, SIAM Review 6(3), 1964.
#include "latencast/rng.h"

#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

#include "latencast/error.h"

namespace latencast {

namespace {

std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Natural logarithm for 0 < x < 1 from operations that IEEE 754 rounds alike everywhere; std::log may differ
// in the last bit from one C library to the next. Relative error about 1e-16.
double portable_log(double x) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  constexpr double kLn2 = 0.69314718055994530942;
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // [0.5, 1)
  if (m < kSqrtHalf) {
    m *= 2;
    --exponent;
  }
  // log(m) = 2 atanh(s), |s| <= 0.172: the terms left out are below 1e-18.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double series = 0;
  for (int k = 21; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return exponent * kLn2 + 2 * s * series;
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t Rng::bits() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

std::uint64_t Rng::below_bits(std::uint64_t n) {
  if (n == 0) throw Error(ErrorCode::argument, "rng: no integer lies in [0, n) unless n is at least 1");
  // 2^64 mod n values at the low end are refused, so that every remainder is equally likely.
  const std::uint64_t refused = (0 - n) % n;
  for (;;) {
    const std::uint64_t x = bits();
    if (x >= refused) return x % n;
  }
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  for (;;) {
    const double u = 2 * uniform() - 1;
    const double v = 2 * uniform() - 1;
    const double s = u * u + v * v;
    if (s >= 1 || s == 0) continue;
    const double scale = std::sqrt(-2 * portable_log(s) / s);
    spare_normal_ = v * scale;
    has_spare_ = true;
    return u * scale;
  }
}

std::vector<std::size_t> Rng::choose(std::size_t n, std::size_t k) {
  if (k > n) {
    throw Error(ErrorCode::argument,
                "rng: cannot choose " + std::to_string(k) + " distinct integers of " + std::to_string(n));
  }
  std::vector<std::size_t> items(n);
  std::iota(items.begin(), items.end(), std::size_t{0});
  for (std::size_t i = 0; i < k; ++i) std::swap(items[i], items[i + below(n - i)]);
  items.resize(k);
  return items;
}

}  // namespace latencast
