#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/rng.h"

using namespace latencast;

TEST_CASE("rng: the stream of a seed is fixed on every platform", "[rng]") {
  // From the published C programs xoshiro256starstar.c and splitmix64.c, seed 42.
  Rng rng(42);
  const std::array<std::uint64_t, 4> expected = {0x15780b2e0c2ec716u, 0x6104d9866d113a7eu,
                                                 0xae17533239e499a1u, 0xecb8ad4703b360a1u};
  for (std::uint64_t word : expected) CHECK(rng.bits() == word);

  Rng uniform(42);
  for (double value : {0x1.5780b2e0c2ecp-4, 0x1.84136619b444ep-2, 0x1.5c2ea66473c93p-1, 0x1.d9715a8e0766cp-1})
    CHECK(uniform.uniform() == value);

  // Bit for bit: these are written as hexadecimal floats.
  Rng normal(42);
  for (double value : {-0x1.73d2feb0fb377p-1, -0x1.b088028693f9cp-3, 0x1.c5e21f7812a4ep-3,
                       0x1.0ba8bb0c5fa51p-1, 0x1.db514bfac5b4ep-2, 0x1.7b6195d5a3e23p-1})
    CHECK(normal.normal() == value);

  Rng below(42);
  for (std::uint64_t value : {742u, 102u, 9u, 193u, 476u, 584u})
    CHECK(below.below(std::uint64_t{1000}) == value);

  Rng shuffle(42);
  std::vector<int> items(10);
  std::iota(items.begin(), items.end(), 0);
  shuffle.shuffle(items);
  CHECK(items == std::vector<int>{7, 3, 8, 9, 5, 6, 4, 1, 0, 2});

  CHECK(Rng(42).choose(15625, 5) == std::vector<std::size_t>{11867, 7471, 10111, 3908, 11087});
}

TEST_CASE("rng: normals of a long stream are the same on every platform", "[rng]") {
  // Sums every bit pattern, so one differing last bit anywhere shows.
  Rng rng(7);
  std::uint64_t hash = 0;
  for (int i = 0; i < 100000; ++i) {
    const double value = rng.normal();
    std::uint64_t bits;
    static_assert(sizeof bits == sizeof value);
    std::copy_n(reinterpret_cast<const unsigned char*>(&value), sizeof bits,
                reinterpret_cast<unsigned char*>(&bits));
    hash = hash * 0x9e3779b97f4a7c15u + bits;
  }
  CHECK(hash == 0xb635f4fd85a247e1u);
}

TEST_CASE("rng: different seeds and copies", "[rng]") {
  CHECK(Rng(1).bits() != Rng(2).bits());
  Rng a(3);
  a.normal();  // leaves a spare behind, which the copy must carry
  Rng b = a;
  for (int i = 0; i < 10; ++i) CHECK(a.normal() == b.normal());
}

TEST_CASE("rng: uniform and normal have their moments", "[rng]") {
  Rng rng(5);
  const int n = 200000;
  double mean = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    REQUIRE((u >= 0 && u < 1));
    mean += u / n;
    square += u * u / n;
  }
  CHECK(mean == Approx(0.5).margin(0.005));
  CHECK(square == Approx(1.0 / 3).margin(0.005));

  double m1 = 0, m2 = 0, m4 = 0;
  int beyond2 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    m1 += x / n;
    m2 += x * x / n;
    m4 += x * x * x * x / n;
    beyond2 += std::abs(x) > 2;
  }
  CHECK(m1 == Approx(0).margin(0.01));
  CHECK(m2 == Approx(1).margin(0.02));
  CHECK(m4 == Approx(3).margin(0.12));
  CHECK(beyond2 / double{n} == Approx(0.0455).margin(0.003));
}

TEST_CASE("rng: below is in range and even", "[rng]") {
  Rng rng(6);
  CHECK(rng.below(1) == 0);
  std::array<int, 7> count{};
  for (int i = 0; i < 70000; ++i) {
    const std::uint64_t value = rng.below(count.size());
    REQUIRE(value < count.size());
    ++count[static_cast<std::size_t>(value)];
  }
  for (int c : count) CHECK(std::abs(c - 10000) < 450);  // 4.5 standard deviations

  // Just above 2^63 a plain remainder would give the low half twice as often.
  const std::uint64_t large = (std::uint64_t{1} << 63) + 1;
  int low = 0;
  for (int i = 0; i < 10000; ++i) low += rng.below(large) < large / 2;
  CHECK(std::abs(low - 5000) < 250);
  CHECK_THROWS_AS(rng.below(0), Error);
  CHECK_THROWS_AS(rng.below(-3), Error);
}

TEST_CASE("rng: shuffle reaches every order evenly", "[rng]") {
  Rng rng(8);
  std::array<int, 24> count{};
  for (int i = 0; i < 24000; ++i) {
    std::vector<int> items = {0, 1, 2, 3};
    rng.shuffle(items);
    std::vector<int> order = {0, 1, 2, 3};
    std::size_t number = 0;
    while (order != items) {
      REQUIRE(std::next_permutation(order.begin(), order.end()));
      ++number;
    }
    ++count[number];
  }
  for (int c : count) CHECK(std::abs(c - 1000) < 150);
}

TEST_CASE("rng: choose draws distinct items, each equally often", "[rng]") {
  Rng rng(9);
  std::array<int, 10> count{};
  for (int i = 0; i < 10000; ++i) {
    const auto chosen = rng.choose(count.size(), 3);
    REQUIRE(std::set<std::size_t>(chosen.begin(), chosen.end()).size() == 3);
    for (std::size_t item : chosen) ++count.at(item);
  }
  for (int c : count) CHECK(std::abs(c - 3000) < 220);
  auto all = rng.choose(6, 6);
  std::sort(all.begin(), all.end());
  CHECK(all == std::vector<std::size_t>{0, 1, 2, 3, 4, 5});
  CHECK(rng.choose(5, 0).empty());
  CHECK_THROWS_WITH(rng.choose(3, 4), ContainsSubstring("4"));
}
