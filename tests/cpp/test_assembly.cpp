#include <cmath>
#include <numeric>

#include "assembly.h"
#include "catch.h"
#include "latencast/rng.h"

using namespace latencast;

namespace {

constexpr Roofline kRoofline = {0.01, 0, 0};

FusedKernel convolution(std::int64_t pixels, std::int64_t channels) {
  FusedKernel kernel;
  kernel.type = KernelType::conv;
  kernel.h = kernel.w = kernel.out_h = kernel.out_w = pixels;
  kernel.cin = kernel.cout = channels;
  return kernel;
}

const FusedKernel kLarge = convolution(56, 64), kSmall = convolution(7, 512);

FusedKernel depthwise() {
  FusedKernel kernel = convolution(14, 96);
  kernel.type = KernelType::dwconv;
  kernel.kh = kernel.kw = 3;
  kernel.groups = 96;
  return kernel;
}

struct Network {
  std::vector<FusedKernel> kernels;
  double latency_ms = 0;
};

std::vector<KernelEstimate> a_millisecond_each(const Network& model) {
  return std::vector<KernelEstimate>(model.kernels.size(), {1, 0.99, 1.01});
}

// Of kernels of a millisecond each, that take more or less in the model: one each what both do alone.
Network model_of(int large, int small, double large_ms = 1.3, double small_ms = 0.7) {
  Network one;
  one.kernels.insert(one.kernels.end(), std::size_t(large), kLarge);
  one.kernels.insert(one.kernels.end(), std::size_t(small), kSmall);
  one.latency_ms = large * large_ms + small * small_ms;
  return one;
}

std::vector<Network> some_models() {
  std::vector<Network> all;
  for (int i = 0; i <= 10; ++i) all.push_back(model_of(i, 10 - i));
  return all;
}

Composition prior(double deviation) {
  Composition sum;
  sum.covariance[0] = deviation * deviation;
  sum.noise = 0.02;
  return sum;
}

Assembly after(const Composition& prior, const std::vector<Network>& models) {
  std::vector<ModelParts> parts;
  std::vector<double> latency_ms;
  for (const Network& one : models) {
    parts.push_back(parts_of(one.kernels, a_millisecond_each(one), kRoofline));
    latency_ms.push_back(one.latency_ms);
  }
  return Assembly(prior, parts, latency_ms);
}

KernelSum estimate(const Assembly& assembly, const Network& model) {
  return assembly.estimate(model.kernels, a_millisecond_each(model), kRoofline);
}

double width(const KernelSum& sum) { return (sum.high_ms - sum.low_ms) / sum.latency_ms; }

}  // namespace

TEST_CASE("what a kernel takes in models is learnt from models that have its like", "[assembly]") {
  const auto models = some_models();
  const Assembly learnt = after(prior(0.2), models);
  for (const Network& asked : {model_of(20, 1), model_of(1, 20), model_of(8, 8)}) {
    const KernelSum sum = estimate(learnt, asked);
    CHECK(sum.latency_ms == Approx(asked.latency_ms).epsilon(0.02));
    CHECK(std::accumulate(sum.kernel_ms.begin(), sum.kernel_ms.end(), 0.0) == Approx(sum.latency_ms));
    CHECK(sum.low_ms <= asked.latency_ms);
    CHECK(asked.latency_ms <= sum.high_ms);
  }
  const KernelSum parts = estimate(learnt, model_of(1, 1));
  CHECK(parts.kernel_ms[0] == Approx(1.3).epsilon(0.05));
  CHECK(parts.kernel_ms[1] == Approx(0.7).epsilon(0.05));

  // A composition, which does not know sizes, does not tell them apart.
  std::vector<Terms> terms;
  std::vector<double> latency_ms;
  for (const Network& one : models) {
    terms.push_back(parts_of(one.kernels, a_millisecond_each(one), kRoofline).whole);
    latency_ms.push_back(one.latency_ms);
  }
  const Assembly shares(compose(prior(0.2), terms, latency_ms));
  CHECK(estimate(shares, model_of(1, 20)).latency_ms > 1.1 * model_of(1, 20).latency_ms);
}

TEST_CASE("kernels of another type are as before, and models of them no less certain", "[assembly]") {
  const Composition firm = prior(0);
  const Assembly learnt = after(firm, some_models());
  const Network other = {{depthwise(), depthwise()}, 2};
  CHECK(estimate(learnt, other).latency_ms == Approx(2));
  CHECK(estimate(Assembly(firm), other).latency_ms == Approx(2));
  const double known = width(estimate(learnt, other));
  CHECK(known > width(estimate(Assembly(firm), other)));  // models were further off than was believed
  CHECK(known < 1);                                       // but not as far as single kernels may be
  // The nearer to kernels that models had, the more of what they take.
  double before = 1.3;
  for (const std::int64_t pixels : {56, 60, 72, 96, 192}) {
    const Network alike = {{convolution(pixels, 64)}, 0};
    const double found = estimate(learnt, alike).latency_ms;
    INFO(pixels << " pixels");
    CHECK(found < before + 0.02);
    CHECK(found > 1);
    before = found;
  }
}

TEST_CASE("models that a prior explains leave it as it is", "[assembly]") {
  std::vector<Network> models;
  for (int i = 1; i <= 10; ++i) models.push_back(model_of(i, 11 - i, 1, 1));
  const Assembly learnt = after(prior(0.2), models);
  for (const Network& asked : {model_of(3, 30, 1, 1), Network{{depthwise()}, 1}})
    CHECK(estimate(learnt, asked).latency_ms == Approx(asked.latency_ms).epsilon(1e-6));
}

TEST_CASE("one disturbed model hardly matters among others", "[assembly]") {
  auto models = some_models();
  models[4].latency_ms *= 3;
  const Network asked = model_of(6, 5);
  CHECK(estimate(after(prior(0.2), models), asked).latency_ms == Approx(asked.latency_ms).epsilon(0.03));
}

TEST_CASE("the order of models and of their kernels says nothing", "[assembly]") {
  Rng rng(5);
  auto models = some_models();
  const Network asked = model_of(3, 9);
  const double once = estimate(after(prior(0.2), models), asked).latency_ms;
  rng.shuffle(models);
  for (Network& one : models) rng.shuffle(one.kernels);
  CHECK(estimate(after(prior(0.2), models), asked).latency_ms == Approx(once));
}
