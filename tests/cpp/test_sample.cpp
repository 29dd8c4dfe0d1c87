// Samplers: laws that hold for each of them.
#include <algorithm>
#include <set>

#include "catch.h"
#include "encoder_fixture.h"
#include "latencast/error.h"
#include "latencast/sample.h"

using namespace latencast;

namespace {

std::vector<std::size_t> chosen(const std::string& sampler, const std::vector<Architecture>& pool,
                                std::size_t count, std::uint64_t seed) {
  return choose_samples(sampler, space("fbnet"), pool, count, &tiny_encoder().encoder, seed);
}

}  // namespace

TEST_CASE("every sampler chooses as many distinct architectures as asked, the same ones for the same seed") {
  const auto pool = random_architectures(space("fbnet"), 50, 1);
  for (const auto& sampler : sampler_names()) {
    INFO(sampler);
    for (const std::size_t count : {0u, 1u, 2u, 20u, 49u, 50u}) {
      const auto indices = chosen(sampler, pool, count, 7);
      CHECK(indices.size() == count);
      CHECK(std::set<std::size_t>(indices.begin(), indices.end()).size() == count);
      for (const std::size_t i : indices) CHECK(i < pool.size());
      CHECK(chosen(sampler, pool, count, 7) == indices);
    }
    CHECK(chosen(sampler, pool, 20, 7) != chosen(sampler, pool, 20, 8));
  }
}

TEST_CASE("the order of the pool does not matter") {
  auto pool = random_architectures(space("fbnet"), 40, 2);
  auto shuffled = pool;
  Rng rng(3);
  rng.shuffle(shuffled);
  for (const auto& sampler : sampler_names()) {
    INFO(sampler);
    const auto a = chosen(sampler, pool, 12, 4), b = chosen(sampler, shuffled, 12, 4);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(pool[a[i]] == shuffled[b[i]]);
  }
}

TEST_CASE("params takes one from each equal share of the sizes") {
  const Space& fbnet = space("fbnet");
  const auto pool = random_architectures(fbnet, 100, 5);
  std::vector<std::int64_t> sizes;
  for (const auto& architecture : pool) sizes.push_back(fbnet.params(architecture));
  std::sort(sizes.begin(), sizes.end());
  const auto indices = choose_samples("params", fbnet, pool, 10, nullptr, 1);
  for (std::size_t b = 0; b < 10; ++b) {
    const auto size = fbnet.params(pool[indices[b]]);
    CHECK(size >= sizes[10 * b]);
    CHECK(size <= sizes[10 * b + 9]);
  }
}

TEST_CASE("k-means finds clusters that lie far apart") {
  // Networks of one operation throughout, each with a few that differ in one block.
  std::vector<Architecture> pool;
  for (const char operation : {'3', '7', '8'})
    for (int block = 0; block < 15; ++block) {
      pool.emplace_back(22, operation);
      pool.back()[static_cast<std::size_t>(block)] = '0';
    }
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    std::set<std::size_t> clusters;
    for (const std::size_t i : chosen("kmeans-caz", pool, 3, seed)) clusters.insert(i / 15);
    CHECK(clusters.size() == 3);
  }
}

TEST_CASE("samplers say what they lack") {
  const Space& fbnet = space("fbnet");
  const auto pool = random_architectures(fbnet, 5, 1);
  CHECK_THROWS_WITH(choose_samples("best", fbnet, pool, 2, nullptr, 0),
                    ContainsSubstring("found \"best\"; expected one of random, params, kmeans-arch2vec"));
  CHECK_THROWS_WITH(choose_samples("cosine-zcp", fbnet, pool, 2, nullptr, 0),
                    ContainsSubstring("cosine-zcp needs an encoder"));
  CHECK_THROWS_WITH(choose_samples("random", fbnet, pool, 6, nullptr, 0),
                    ContainsSubstring("cannot choose 6 of 5"));
  CHECK_THROWS_WITH(choose_samples("cosine-zcp", space("nb201"), {"000000"}, 1, &tiny_encoder().encoder, 0),
                    ContainsSubstring("the encoder is of fbnet; expected one of nb201"));
  CHECK(needs_encoder("both-caz"));
  CHECK_FALSE(needs_encoder("params"));
  CHECK(sampler_names().size() == 14);
}
