// Which kernels to time for networks.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "catch.h"
#include "families.h"
#include "kernel_choice.h"
#include "kernel_features.h"
#include "latencast/export.h"
#include "latencast/model.h"
#include "latencast/rng.h"

using namespace latencast;

namespace {

KernelShape conv(std::int64_t pixels, std::int64_t channels, std::int64_t window = 3) {
  KernelShape k;
  k.type = KernelType::conv;
  k.h = k.w = k.out_h = k.out_w = pixels;
  k.cin = k.cout = channels;
  k.kh = k.kw = window;
  return k;
}

KernelShape add(std::int64_t pixels, std::int64_t channels) {
  KernelShape k = conv(pixels, channels, 0);
  k.type = KernelType::add;
  return k;
}

// Mean over wanted kernels, by their shares, of the distance to the nearest chosen one of their type.
double reach(const std::vector<KernelShape>& candidates, const std::vector<std::size_t>& chosen,
             const std::vector<WantedKernel>& wanted) {
  double sum = 0, shares = 0;
  for (const WantedKernel& one : wanted) {
    const auto place = smooth_features(one.kernel);
    double nearest = 4;
    for (const std::size_t c : chosen) {
      if (candidates[c].type != one.kernel.type) continue;
      const auto at = smooth_features(candidates[c]);
      double square = 0;
      for (std::size_t f = 0; f < kSmoothFeatures; ++f) square += (at[f] - place[f]) * (at[f] - place[f]);
      nearest = std::min(nearest, std::sqrt(square));
    }
    sum += one.share * nearest, shares += one.share;
  }
  return sum / shares;
}

}  // namespace

TEST_CASE("the kernel that takes most of the networks is chosen first, and one is enough for twins") {
  const std::vector<KernelShape> candidates = {add(8, 16), conv(56, 64), conv(56, 72), conv(7, 512)};
  const std::vector<WantedKernel> wanted = {{conv(56, 64), .6}, {conv(7, 512), .3}, {add(8, 16), .1}};
  CHECK(choose_kernels(candidates, wanted, 3) == std::vector<std::size_t>{1, 3, 0});
}

TEST_CASE("a type that no network has is chosen last") {
  const std::vector<KernelShape> candidates = {add(8, 16), add(16, 32), conv(14, 96), conv(28, 48)};
  const auto chosen = choose_kernels(candidates, {{conv(14, 100), .4}, {conv(28, 50), .6}}, 4);
  CHECK(chosen == std::vector<std::size_t>{3, 2, 0, 1});
}

TEST_CASE(
    "choices are different ones, as many as asked for or as there are, and the first of more are the fewer") {
  Rng rng(4);
  std::vector<KernelShape> candidates;
  std::vector<WantedKernel> wanted;
  for (int i = 0; i < 60; ++i)
    candidates.push_back(
        conv(1 + static_cast<std::int64_t>(rng.below(112)), 1 + static_cast<std::int64_t>(rng.below(512))));
  for (int i = 0; i < 30; ++i)
    wanted.push_back(
        {conv(1 + static_cast<std::int64_t>(rng.below(112)), 1 + static_cast<std::int64_t>(rng.below(512))),
         rng.uniform()});
  const auto all = choose_kernels(candidates, wanted, 100);
  CHECK(all.size() == 60);
  CHECK(std::set<std::size_t>(all.begin(), all.end()).size() == 60);
  for (const std::size_t count : {0u, 1u, 7u, 20u}) {
    const auto few = choose_kernels(candidates, wanted, count);
    CHECK(few == std::vector<std::size_t>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)));
    if (count == 0) continue;
    std::vector<double> random;
    for (int draw = 0; draw < 20; ++draw) random.push_back(reach(candidates, rng.choose(60, count), wanted));
    CHECK(reach(candidates, few, wanted) <= *std::min_element(random.begin(), random.end()));
  }
}

TEST_CASE("kernels of networks are wanted by what they take of them") {
  std::vector<KernelTiming> timings;
  Rng rng(9);
  for (int i = 0; i < 60; ++i) {
    const KernelShape kernel = conv(1 + static_cast<std::int64_t>(rng.below(56)),
                                    8 * (1 + static_cast<std::int64_t>(rng.below(32))));
    timings.push_back({kernel, 1e-8 * double(kernel.h * kernel.w * kernel.cin * kernel.cout * 9)});
  }
  const std::vector<PoolPlatform> platforms = {learn_platform({}, timings)};
  std::vector<Decomposition> networks;
  for (const NamedNetwork& one : networks_of_families(1, 2))
    networks.push_back(decompose(read_model(export_onnx(one.layers, one.name)), kFusesLeast));
  const auto wanted = wanted_of(networks, platforms);
  double shares = 0;
  for (const WantedKernel& one : wanted) {
    CHECK(one.kernel.type != KernelType::other);
    CHECK(one.share > 0);
    shares += one.share;
  }
  CHECK(shares == Approx(double(networks.size())));
  // Twice the same network: the same kernels, twice the share.
  auto twice = networks;
  twice.insert(twice.end(), networks.begin(), networks.end());
  const auto doubled = wanted_of(twice, platforms);
  REQUIRE(doubled.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(doubled[i].share == Approx(2 * wanted[i].share));
}
