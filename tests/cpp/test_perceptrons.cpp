// LitePred's perceptrons: that they learn, that what is carried over helps, and which platform they take.
#include <cmath>

#include "catch.h"
#include "kernel_features.h"
#include "kernel_samples.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"
#include "perceptrons.h"

using namespace latencast;

namespace {

// Convolutions, and as many additions, on a machine of `per_mac` ms.
std::vector<KernelTiming> timings_on(double per_mac, double per_element, std::size_t count,
                                     std::uint64_t seed) {
  Rng rng(seed);
  std::vector<KernelTiming> timings;
  const auto channels = [&] { return 8 * (1 + rng.below(std::int64_t{40})); };
  for (std::size_t i = 0; i < count; ++i) {
    const auto pixels = std::int64_t{7} << rng.below(4);
    const KernelShape kernel =
        i % 2 == 0 ? shape_of(KernelType::conv,
                              {pixels, channels(), channels(), 1 + 2 * rng.below(std::int64_t{2}), 1})
                   : shape_of(KernelType::add, {pixels, channels(), 1, 1, 1});
    const KernelWork work = work_of(kernel);
    const double macs = kernel.type == KernelType::conv ? work.macs : 0;
    timings.push_back({kernel, 0.01 + per_mac * macs + per_element * work.traffic()});
  }
  return timings;
}

std::vector<KernelShape> kernels_of(const std::vector<KernelTiming>& timings) {
  std::vector<KernelShape> kernels;
  for (const KernelTiming& one : timings) kernels.push_back(one.kernel);
  return kernels;
}

template <class Platform>
double error_of(const Platform& platform, const std::vector<KernelTiming>& timings) {
  std::vector<double> truth;
  for (const KernelTiming& one : timings) truth.push_back(one.latency_ms);
  return mdape(platform.latency_ms(kernels_of(timings)), truth);
}

PerceptronOptions quick() {
  PerceptronOptions options;
  options.epochs = 40;
  options.tuning_epochs = 30;
  return options;
}

const std::vector<PerceptronPlatform>& pool() {
  // Of the first multiply-adds decide, of the second traffic.
  static const std::vector<PerceptronPlatform> made = {
      PerceptronPlatform("computing", timings_on(1e-8, 1e-9, 240, 1), quick()),
      PerceptronPlatform("moving", timings_on(1e-11, 1e-7, 240, 2), quick())};
  return made;
}

}  // namespace

TEST_CASE("a platform's perceptrons go to the platform that is like it, whatever its speed",
          "[perceptrons]") {
  CHECK(least_divergent(pool(), timings_on(5e-8, 5e-9, 40, 3)) == 0);
  CHECK(least_divergent(pool(), timings_on(2e-10, 2e-6, 40, 3)) == 1);
}

TEST_CASE("what is carried over is worth more than what 20 timings teach", "[perceptrons]") {
  const auto known = timings_on(4e-8, 4e-9, 20, 4), asked = timings_on(4e-8, 4e-9, 200, 5);
  const double carried = error_of(AdaptedPerceptrons(pool(), known, quick()), asked);
  INFO("alone: " << error_of(AdaptedPerceptrons({}, known, quick()), asked));
  CHECK(carried < 0.15);
  CHECK(carried < 0.8 * error_of(AdaptedPerceptrons({}, known, quick()), asked));
}

TEST_CASE("a type that was not timed takes the factor of the others", "[perceptrons]") {
  std::vector<KernelTiming> convolutions, additions;
  for (const KernelTiming& one : timings_on(4e-8, 4e-9, 200, 6))
    (one.kernel.type == KernelType::conv ? convolutions : additions).push_back(one);
  // Four times as slow in all that depends on size as the platform that is carried over.
  KernelPerceptron known = *pool()[0].of(KernelType::add);
  const auto predicted =
      AdaptedPerceptrons({pool()[0]}, convolutions, quick()).latency_ms(kernels_of(additions));
  const auto before = known.latency_ms(kernels_of(additions));
  const double factor = predicted[0] / before[0];
  CHECK(factor > 2);
  CHECK(factor < 5);
  CHECK(predicted[1] / before[1] == Approx(factor));
  CHECK(known.scaled(3).latency_ms(kernels_of(additions))[0] == Approx(3 * before[0]));
  // And one that nobody knows goes with its work.
  const KernelShape small = shape_of(KernelType::se, {7, 64, 1, 1, 1}),
                    large = shape_of(KernelType::se, {28, 64, 1, 1, 1});
  const auto unknown = AdaptedPerceptrons({}, convolutions, quick()).latency_ms({small, large});
  CHECK(unknown[1] > 10 * unknown[0]);
}

TEST_CASE("perceptrons are the same after writing and reading", "[perceptrons]") {
  const PerceptronPlatform read(pool()[0].write());
  CHECK(read.id() == "computing");
  CHECK(read.of(KernelType::fc) == nullptr);
  const auto asked = kernels_of(timings_on(1e-8, 1e-9, 40, 7));
  for (const KernelShape& kernel : asked)
    CHECK(read.of(kernel.type)->latency_ms({kernel})[0] ==
          Approx(pool()[0].of(kernel.type)->latency_ms({kernel})[0]).epsilon(0.02));
  CHECK(read.write() == pool()[0].write());
  CHECK_THROWS_AS(PerceptronPlatform("no checkpoint"), Error);
}
