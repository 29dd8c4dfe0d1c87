// Which configurations of kernels are timed: what samplers may give, and how near they are to networks' own.
#include <algorithm>
#include <cmath>
#include <set>

#include "autoencoder.h"
#include "catch.h"
#include "kernel_data.h"
#include "kernel_features.h"
#include "kernel_samples.h"
#include "latencast/error.h"

using namespace latencast;

namespace {

const std::vector<KernelShape>& kernels() {
  static const auto made = kernels_of_families(30, 1);
  return made;
}

AutoencoderOptions small() {
  AutoencoderOptions options;
  options.layers = 3;
  options.width = 32;
  options.latent = 4;
  options.beta = 1e-2;
  options.steps = 1200;
  options.batch = 64;
  return options;
}

std::vector<Configuration> drawn(const ConfigurationSampler& sampler, std::size_t count) {
  Rng rng(5);
  std::vector<Configuration> all;
  while (all.size() < count) all.push_back(sampler(rng));
  return all;
}

constexpr std::size_t kPixels = 0, kIn = 1, kOut = 2, kWindow = 3;

}  // namespace

TEST_CASE("an auto-encoder's gradients are those of its loss", "[samples]") {
  AutoencoderOptions options;
  options.layers = 3;
  options.width = 7;
  options.latent = 3;
  const Autoencoder network(4, options);
  Rng rng(3);
  auto parameters = network.initial_parameters<double>(rng);
  for (double& value : parameters) value += 0.1 * rng.normal();
  const Matrix<double> rows = normal_matrix(6, 4, rng).cast<double>();
  const Matrix<double> noise = normal_matrix(6, 3, rng).cast<double>();
  Flat<double> gradients(parameters.size(), 1e9), unused(parameters.size());
  constexpr double kBeta = 0.3, kStep = 1e-5;
  network.loss(parameters, gradients, rows, noise, kBeta);
  for (const Block& block : network.blocks())
    for (int sample = 0; sample < 3; ++sample) {
      const std::size_t at = block.offset + rng.below(block.size());
      const double value = parameters[at];
      parameters[at] = value + kStep;
      const double above = network.loss(parameters, unused, rows, noise, kBeta);
      parameters[at] = value - kStep;
      const double below = network.loss(parameters, unused, rows, noise, kBeta);
      parameters[at] = value;
      INFO(block.name << " entry " << at - block.offset);
      CHECK(gradients[at] == Approx((above - below) / (2 * kStep)).epsilon(1e-4).margin(1e-7));
    }
}

TEST_CASE("the divergence from N(0, 1) is zero for N(0, 1), with the half that belongs to it", "[samples]") {
  AutoencoderOptions options;
  options.layers = 1;
  options.latent = 2;
  const Autoencoder network(1, options);
  Flat<double> parameters(network.blocks().back().offset + network.blocks().back().size(), 0),
      gradients = parameters;
  const Matrix<double> rows = Matrix<double>::Zero(3, 1), noise = Matrix<double>::Zero(3, 2);
  CHECK(network.loss(parameters, gradients, rows, noise, 1) == Approx(0).margin(1e-12));
  // Means of 2: each latent number is 2^2 / 2 away.
  network.blocks()[1].of(parameters).leftCols(2).setConstant(2);
  CHECK(network.loss(parameters, gradients, rows, noise, 1) == Approx(2 * 2));
}

TEST_CASE("configurations and kernels are the same thing", "[samples]") {
  std::size_t read = 0;
  for (const KernelShape& kernel : kernels()) {
    if (kernel.type == KernelType::other) continue;
    Configuration configuration;
    if (!read_configuration(kernel, configuration)) continue;
    ++read;
    CHECK(key_of(shape_of(kernel.type, configuration)) == key_of(kernel));
  }
  CHECK(double(read) > 0.8 * double(kernels().size()));
  KernelShape grouped = shape_of(KernelType::conv, {14, 64, 64, 3, 1});
  Configuration configuration;
  CHECK(read_configuration(grouped, configuration));
  grouped.groups = 2;
  CHECK_FALSE(read_configuration(grouped, configuration));
  CHECK_THROWS_WITH(dimensions_of(KernelType::softmax), ContainsSubstring("softmax"));
}

TEST_CASE("invented configurations are valid and nearer to networks' own than random ones", "[samples]") {
  for (const KernelType type : {KernelType::conv, KernelType::dwconv}) {
    const auto known = occurring(type, kernels());
    std::set<std::int64_t> windows, pixels;
    std::int64_t widest = 0;
    for (const Configuration& one : known) {
      windows.insert(one[kWindow]);
      pixels.insert(one[kPixels]);
      widest = std::max({widest, one[kIn], one[kOut]});
    }
    const auto invented = drawn(sample_like(type, known, small()), 2000);
    for (const Configuration& one : invented) {
      CHECK(windows.count(one[kWindow]) == 1);
      CHECK(pixels.count(one[kPixels]) == 1);
      CHECK((one[kIn] % 8 == 0 || one[kIn] == 3));
      CHECK(one[kIn] <= widest);
      if (type == KernelType::conv) CHECK(one[kOut] % 8 == 0);
      const KernelShape shape = shape_of(type, one);
      CHECK(shape.groups == (type == KernelType::dwconv ? shape.cin : 1));
      if (type == KernelType::dwconv) CHECK(shape.cout == shape.cin);
    }
    const auto own = drawn(sample_known(known), 2000);
    const Divergence of_own = divergence(type, known, own), near = divergence(type, known, invented),
                     far = divergence(type, known, drawn(sample_at_random(type, known), 2000));
    CHECK(of_own.joint < near.joint);
    CHECK(near.joint < 0.6 * far.joint);
    for (std::size_t d = 0; d < near.of_dimension.size(); ++d) {
      INFO(name(type) << " " << name(dimensions_of(type)[d]));
      CHECK(near.of_dimension[d] < 0.5);
    }
  }
}

TEST_CASE("random configurations are in their ranges and no larger than a network's largest", "[samples]") {
  const auto known = occurring(KernelType::conv, kernels());
  double most = 0;
  for (const Configuration& one : known) most = std::max(most, work_of(shape_of(KernelType::conv, one)).macs);
  std::set<std::int64_t> windows;
  for (const Configuration& one : drawn(sample_at_random(KernelType::conv, known), 2000)) {
    CHECK((one[kIn] >= 3 && one[kIn] <= 2160 && one[kOut] >= 16 && one[kOut] <= 2048));
    CHECK(work_of(shape_of(KernelType::conv, one)).macs <= most);
    windows.insert(one[kWindow]);
  }
  CHECK(windows == std::set<std::int64_t>{1, 3, 5, 7});
  for (const Configuration& one :
       drawn(sample_at_random(KernelType::fc, occurring(KernelType::fc, kernels())), 50))
    CHECK((one[kPixels] == 1 && one[kWindow] == 1));
}

TEST_CASE("a divergence is what its histograms say", "[samples]") {
  // fc: a bin of three items and one of one, against two and two.
  const Configuration a = {1, 64, 1000, 1, 1}, b = {1, 256, 1000, 1, 1};
  const Divergence found = divergence(KernelType::fc, {a, a, a, b}, {a, a, b, b});
  const double expected = 0.75 * std::log(0.75 / 0.5) + 0.25 * std::log(0.25 / 0.5);
  CHECK(found.of_dimension[0] == Approx(expected));
  CHECK(found.of_dimension[1] == Approx(0).margin(1e-12));
  CHECK(found.joint == Approx(expected));
  const Divergence apart = divergence(KernelType::fc, {a, a, a, a}, {b, b, b, b});
  CHECK(apart.joint == Approx(std::log(2 / 0.01)));
}

TEST_CASE("a folder without data sets is refused, with what was expected in it", "[kernel_data]") {
  CHECK_THROWS_WITH(read_kernel_data(LATENCAST_TEST_DATA),
                    ContainsSubstring("holds none of the data sets; expected at least one such as miopen/"));
}

TEST_CASE("a list holds different configurations, the same for a seed", "[samples]") {
  const auto sampler = sample_known(occurring(KernelType::dwconv, kernels()));
  const auto chosen = distinct(sampler, 40, 1);
  CHECK(std::set<Configuration>(chosen.begin(), chosen.end()).size() == 40);
  CHECK(chosen == distinct(sampler, 40, 1));
  CHECK(chosen != distinct(sampler, 40, 2));
  CHECK_THROWS_WITH(distinct(sampler, 100000, 1), ContainsSubstring("100000 asked for"));
  CHECK(csv_of(KernelType::dwconv, {{14, 64, 1, 5, 2}}) ==
        "kernel,n,h,w,cin,cout,kh,kw,stride,groups\ndwconv,1,14,14,64,64,5,5,2,64\n");
}
