// Random numbers that are the same on every platform for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace latencast {

/// xoshiro256** (Blackman and Vigna, 2018) seeded by splitmix64. The standard library's distributions and
/// shuffle differ between libstdc++ and libc++; these do not. A value: copying it copies the stream.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  /// The next 64 bits.
  std::uint64_t bits();

  /// Uniform in [0, 1), 53 bits.
  double uniform();

  /// Uniform integer in [0, n), without bias, of n's own type. Throws `argument` unless n is at least 1.
  template <class Integer>
  Integer below(Integer n) {
    static_assert(std::is_integral_v<Integer>);
    return static_cast<Integer>(below_bits(n < 1 ? 0 : static_cast<std::uint64_t>(n)));
  }

  /// Standard normal (polar method of Marsaglia).
  double normal();

  /// Fisher-Yates, in place.
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  /// k distinct integers of [0, n) in random order. Throws `argument` if k > n.
  std::vector<std::size_t> choose(std::size_t n, std::size_t k);

 private:
  std::uint64_t below_bits(std::uint64_t n);

  std::uint64_t state_[4];
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

}  // namespace latencast
