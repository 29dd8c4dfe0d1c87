// A fleet learned from invented platforms: laws of its estimates, and its file.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>

#include "catch.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "latencast/fleet.h"
#include "latencast/rng.h"
#include "work.h"

using namespace latencast;

namespace {

FusedKernel convolution(std::int64_t size, std::int64_t in, std::int64_t out, std::int64_t window,
                        std::int64_t groups = 1) {
  FusedKernel kernel;
  kernel.type = groups > 1 ? KernelType::dwconv : KernelType::conv;
  kernel.op = "Conv";
  kernel.h = kernel.w = kernel.out_h = kernel.out_w = size;
  kernel.cin = in;
  kernel.cout = out;
  kernel.kh = kernel.kw = window;
  kernel.groups = groups;
  kernel.params = in / groups * out * window * window;
  kernel.macs = kernel.params * size * size;
  kernel.bytes_in = 4 * in * size * size;
  kernel.bytes_out = 4 * out * size * size;
  kernel.bytes_weights = 4 * kernel.params;
  return kernel;
}

FusedKernel layer(std::int64_t in, std::int64_t out) {
  FusedKernel kernel;
  kernel.type = KernelType::fc;
  kernel.op = "Gemm";
  kernel.cin = in;
  kernel.cout = out;
  kernel.params = kernel.macs = in * out;
  kernel.bytes_in = 4 * in;
  kernel.bytes_out = 4 * out;
  kernel.bytes_weights = 4 * kernel.params;
  return kernel;
}

// Networks of three styles in random proportions.
Decomposition random_model(Rng& rng) {
  Decomposition model;
  const auto number = [&](std::int64_t low, std::int64_t range) {
    return low + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(range)));
  };
  const std::int64_t dense = number(0, 6), light = number(1, 12);
  for (std::int64_t i = 0; i < dense; ++i)
    model.kernels.push_back(convolution(7 << rng.below(4), 32 * number(1, 4), 32 * number(1, 4), 3));
  for (std::int64_t i = 0; i < light; ++i) {
    const std::int64_t size = 7 << rng.below(4), channels = 16 * number(1, 8);
    model.kernels.push_back(convolution(size, channels, channels, 3, channels));
    model.kernels.push_back(convolution(size, channels, channels, 1));
  }
  model.kernels.push_back(layer(256 * number(1, 4), 1000));
  return model;
}

// ms of each model on a platform with rates of its own and a little noise.
struct Platform {
  Eigen::VectorXd rates;
  double noise;

  Platform(Rng& rng, double spread) : rates(work_kinds()), noise(0.02) {
    const double level = rng.normal();
    for (int k = 0; k < work_kinds(); ++k) rates[k] = typical_ms(k) * std::exp(level + spread * rng.normal());
  }

  double ms(const Decomposition& model, Rng& rng) const {
    return work_of(model).dot(rates) * std::exp(noise * rng.normal());
  }
};

struct World {
  std::vector<Decomposition> models;
  FleetSources sources;

  explicit World(std::size_t platforms = 12, std::size_t count = 16) {
    Rng rng(7);
    for (std::size_t m = 0; m < count; ++m) {
      models.push_back(random_model(rng));
      sources.models.push_back({"model" + std::to_string(m), "", {1, 3, 224, 224}, 0});
    }
    sources.decompositions = models;
    for (std::size_t p = 0; p < platforms; ++p) {
      const std::string id = "platform" + std::to_string(p);
      sources.platforms.push_back({id, id, id, "ncnn", false, 1, 0});
      const Platform platform(rng, 0.7);
      sources.latency_ms.emplace_back();
      for (const auto& model : models) sources.latency_ms.back().push_back(platform.ms(model, rng));
    }
    sources.latency_ms[1][2] = std::numeric_limits<double>::quiet_NaN();
  }
};

const World& world() {
  static const World one;
  return one;
}

const Fleet& fleet() {
  static const Fleet one = Fleet::learn(world().sources);
  return one;
}

// Of one new platform; the same seed is the same platform.
std::vector<ModelMeasurement> measure(const std::vector<Decomposition>& models, std::uint64_t seed = 3) {
  Rng rng(seed);
  const Platform platform(rng, 0.7);
  std::vector<ModelMeasurement> measured;
  for (const auto& model : models) measured.push_back({model, platform.ms(model, rng)});
  return measured;
}

std::vector<ModelMeasurement> first(std::vector<ModelMeasurement> measured, std::size_t count) {
  measured.resize(count);
  return measured;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("a fleet knows what it was learned from", "[fleet]") {
  REQUIRE(fleet().platforms().size() == 12);
  CHECK(fleet().platforms()[0].measured == 16);
  CHECK(fleet().platforms()[1].measured == 15);
  CHECK(fleet().models()[2].measured == 11);
  CHECK(fleet().models()[3].fingerprint == fingerprint(world().models[3]));
}

TEST_CASE("a fingerprint is that of the kernels, in any order", "[fleet]") {
  Decomposition model = world().models[0];
  const std::string before = fingerprint(model);
  CHECK(before.size() == 16);
  std::reverse(model.kernels.begin(), model.kernels.end());
  CHECK(fingerprint(model) == before);
  model.kernels[0].cin += 8;
  CHECK(fingerprint(model) != before);
}

TEST_CASE("every kernel's work is of its kind", "[fleet]") {
  const auto kinds = [](const FusedKernel& kernel) {
    std::set<std::string> names;
    const Eigen::VectorXd work = work_of(kernel);
    for (int k = 0; k < work_kinds(); ++k)
      if (work[k] > 0) names.insert(work_name(k));
    names.erase("any kernel");
    return names;
  };
  const auto convolved = [&](FusedKernel kernel, const std::string& kind) {
    CHECK(kinds(kernel) ==
          std::set<std::string>{kind, "activations of convolutions", "weights of convolutions"});
  };
  convolved(convolution(14, 64, 64, 3), "3x3 convolution, stride 1");
  convolved(convolution(14, 64, 16, 3), "3x3 convolution, stride 1, few channels");
  convolved(convolution(14, 64, 64, 5), "convolution with another window");
  convolved(convolution(112, 3, 32, 3), "convolution of an image");
  convolved(convolution(28, 64, 64, 1), "1x1 convolution, 28x28 and larger");
  convolved(convolution(14, 64, 64, 1), "1x1 convolution");
  convolved(convolution(1, 64, 64, 1), "1x1 convolution of a vector");
  convolved(convolution(14, 64, 64, 3, 64), "3x3 depthwise convolution");
  convolved(convolution(14, 64, 64, 5, 64), "5x5 depthwise convolution and larger");
  FusedKernel strided = convolution(14, 64, 64, 3), narrow = strided;
  strided.stride_h = strided.stride_w = 2;
  convolved(strided, "3x3 convolution, stride 2");
  narrow.groups = 4;
  convolved(narrow, "convolution in groups");
  strided = convolution(14, 64, 64, 3, 64);
  strided.stride_h = strided.stride_w = 2;
  convolved(strided, "3x3 depthwise convolution, stride 2");

  FusedKernel rows = layer(64, 64);
  CHECK(kinds(rows) ==
        std::set<std::string>{"weights of a fully connected layer", "activations of convolutions"});
  rows.n = 49;
  CHECK(kinds(rows) ==
        std::set<std::string>{"matrix product", "weights of convolutions", "activations of convolutions"});
  rows.element = Element::i8;
  CHECK(kinds(rows) == std::set<std::string>{"weights of an 8-bit fully connected layer",
                                             "activations of 8-bit convolutions"});
  FusedKernel eight_bits = convolution(14, 64, 64, 3);
  eight_bits.element = Element::i8;
  CHECK(kinds(eight_bits) == std::set<std::string>{"8-bit convolution", "activations of 8-bit convolutions",
                                                   "weights of convolutions"});

  FusedKernel other;
  other.bytes_in = other.bytes_out = other.bytes_weights = 4000;
  const auto of = [&](KernelType type, const std::string& op = {}) {
    other.type = type, other.op = op;
    return kinds(other);
  };
  using One = std::set<std::string>;
  CHECK(of(KernelType::se) ==
        One{"squeeze-excite", "activations of convolutions", "weights of convolutions"});
  CHECK(of(KernelType::layernorm) == One{"layer norm, GELU"});
  CHECK(of(KernelType::other, "Gelu") == One{"layer norm, GELU"});
  CHECK(of(KernelType::hswish) == One{"swish, sigmoid"});
  CHECK(of(KernelType::other, "Sigmoid") == One{"swish, sigmoid"});
  CHECK(of(KernelType::gap) == One{"pooling"});
  CHECK(of(KernelType::add) == One{"elementwise"});
  CHECK(of(KernelType::other, "Tanh") == One{"elementwise"});
  CHECK(of(KernelType::other, "Concat") == One{"channel shuffle, split, concat"});
  CHECK(of(KernelType::other, "DetectionOutput") == One{"detection output"});
  other.macs = 1000;
  CHECK(of(KernelType::matmul) == One{"attention"});
  CHECK(of(KernelType::other, "ConvTranspose") == One{"convolution with another window"});
}

TEST_CASE("few measurements tell the latency of known and of new models", "[fleet]") {
  Rng rng(11);
  std::vector<Decomposition> fresh;
  for (int i = 0; i < 12; ++i) fresh.push_back(random_model(rng));
  std::vector<double> known_errors, fresh_errors;
  int held = 0, count = 0, held_known = 0, count_known = 0;
  for (std::uint64_t seed = 20; seed < 26; ++seed) {
    const auto known = measure(world().models, seed), unknown = measure(fresh, seed);
    const PlatformModel platform = fleet().adapt(first(known, 10));
    const auto try_one = [&](const ModelMeasurement& one, Knowledge knowledge, std::vector<double>& errors) {
      const ModelEstimate estimate = platform.estimate(one.model);
      errors.push_back(std::abs(estimate.latency_ms / one.latency_ms - 1));
      const bool holds = estimate.low_ms <= one.latency_ms && one.latency_ms <= estimate.high_ms;
      held += holds, ++count;
      if (knowledge == Knowledge::known) held_known += holds, ++count_known;
      CHECK(estimate.knowledge == knowledge);
    };
    for (std::size_t m = 10; m < known.size(); ++m) try_one(known[m], Knowledge::known, known_errors);
    for (const auto& one : unknown) try_one(one, Knowledge::graph, fresh_errors);
    CHECK(platform.estimate(world().models[0]).knowledge == Knowledge::measured);
  }
  for (auto* errors : {&known_errors, &fresh_errors}) {
    std::sort(errors->begin(), errors->end());
    CHECK((*errors)[errors->size() / 2] < 0.1);
  }
  CHECK(held > 0.8 * count);
  CHECK(held_known > 0.9 * count_known);
}

TEST_CASE("what is measured is estimated close by", "[fleet]") {
  const auto measured = measure(world().models);
  const PlatformModel platform = fleet().adapt(measured);
  for (const auto& one : measured)
    CHECK(platform.estimate(one.model).latency_ms == Approx(one.latency_ms).epsilon(0.15));
}

TEST_CASE("kernels add up to their model, and a wider interval holds a narrower one", "[fleet]") {
  for (const std::size_t count : {0u, 1u, 6u}) {
    const PlatformModel platform = fleet().adapt(first(measure(world().models), count));
    for (const auto& model : world().models) {
      const ModelEstimate estimate = platform.estimate(model), wide = platform.estimate(model, 0.99);
      REQUIRE(estimate.kernel_ms.size() == model.kernels.size());
      CHECK(sum(estimate.kernel_ms) == Approx(estimate.latency_ms));
      CHECK(*std::min_element(estimate.kernel_ms.begin(), estimate.kernel_ms.end()) > 0);
      CHECK(wide.low_ms < estimate.low_ms);
      CHECK(estimate.low_ms < estimate.latency_ms);
      CHECK(estimate.latency_ms < estimate.high_ms);
      CHECK(estimate.high_ms < wide.high_ms);
    }
    CHECK(platform.expected_error() > 0);
  }
}

TEST_CASE("more measurements make intervals narrower", "[fleet]") {
  double before = std::numeric_limits<double>::infinity();
  for (const std::size_t count : {0u, 1u, 4u, 10u}) {
    const PlatformModel platform = fleet().adapt(first(measure(world().models), count));
    std::vector<double> widths;
    for (std::size_t m = 10; m < world().models.size(); ++m) {
      const ModelEstimate estimate = platform.estimate(world().models[m]);
      widths.push_back(std::log(estimate.high_ms / estimate.low_ms));
    }
    CHECK(sum(widths) < before);
    before = sum(widths);
  }
}

TEST_CASE("the order of measurements changes nothing", "[fleet]") {
  auto measured = first(measure(world().models), 9);
  const PlatformModel platform = fleet().adapt(measured);
  std::reverse(measured.begin(), measured.end());
  const PlatformModel again = fleet().adapt(measured);
  for (const auto& model : world().models)
    CHECK(again.estimate(model).latency_ms == Approx(platform.estimate(model).latency_ms).epsilon(1e-6));
}

TEST_CASE("a platform half as fast takes twice as long", "[fleet]") {
  auto measured = first(measure(world().models), 6);
  const PlatformModel platform = fleet().adapt(measured);
  for (auto& one : measured) one.latency_ms *= 2;
  const PlatformModel slower = fleet().adapt(measured);
  // But for what is believed of a platform's speed beforehand, which is next to nothing.
  for (const auto& model : world().models)
    CHECK(slower.estimate(model).latency_ms / platform.estimate(model).latency_ms == Approx(2).epsilon(0.05));
}

TEST_CASE("a slip is set aside and named, unless it is trusted", "[fleet]") {
  auto measured = first(measure(world().models), 12);
  CHECK(fleet().adapt(measured).set_aside() == std::vector<bool>(12, false));
  const double right = measured[4].latency_ms;
  measured[4].latency_ms *= 3;
  const PlatformModel platform = fleet().adapt(measured);
  std::vector<bool> expected(12, false);
  expected[4] = true;
  CHECK(platform.set_aside() == expected);
  CHECK(platform.estimate(measured[4].model).latency_ms == Approx(right).epsilon(0.3));
  CHECK(platform.estimate(measured[4].model).knowledge == Knowledge::known);
  CHECK(std::exp(platform.left_out()[4].mean) == Approx(right).epsilon(0.3));
  CHECK(fleet().adapt(measured, {expected}).set_aside() == std::vector<bool>(12, false));
  // Of all else it is as if it had not been measured.
  auto others = measured;
  others.erase(others.begin() + 4);
  const PlatformModel without = fleet().adapt(others);
  for (std::size_t m = 12; m < world().models.size(); ++m)
    CHECK(platform.estimate(world().models[m]).latency_ms ==
          Approx(without.estimate(world().models[m]).latency_ms).epsilon(1e-9));
}

TEST_CASE("what error to expect is the middle one of the measurements left out", "[fleet]") {
  const auto measured = first(measure(world().models), 7);
  const PlatformModel platform = fleet().adapt(measured);
  std::vector<double> errors;
  const auto left_out = platform.left_out();
  for (std::size_t i = 0; i < measured.size(); ++i)
    errors.push_back(std::abs(std::exp(left_out[i].mean) / measured[i].latency_ms - 1));
  std::sort(errors.begin(), errors.end());
  CHECK(platform.expected_error() == Approx(errors[3]));
}

TEST_CASE("a measurement that is left out does not speak for itself", "[fleet]") {
  auto measured = first(measure(world().models), 8);
  AdaptOptions trusting;
  trusting.trusted.assign(measured.size(), true);
  const double before = fleet().adapt(measured, trusting).left_out()[2].mean;
  measured[2].latency_ms *= 1.5;
  CHECK(fleet().adapt(measured, trusting).left_out()[2].mean == Approx(before).margin(1e-9));
}

TEST_CASE("a model that differs from platform to platform is believed where it is measured", "[fleet]") {
  // What model 3 takes has little to do with its work; of the others that is all.
  World odd(24, 16);
  Rng rng(9);
  for (auto& row : odd.sources.latency_ms) row[3] *= std::exp(0.5 * rng.normal());
  const Fleet learned = Fleet::learn(odd.sources);
  auto measured = first(measure(odd.models), 10);
  measured[3].latency_ms *= 1.6;
  AdaptOptions trusting;
  trusting.trusted.assign(measured.size(), true);
  CHECK(learned.adapt(measured, trusting).estimate(odd.models[3]).latency_ms ==
        Approx(measured[3].latency_ms).epsilon(0.1));
}

TEST_CASE("a platform with the readings of a known one is most like it", "[fleet]") {
  std::vector<ModelMeasurement> measured;
  for (std::size_t m = 0; m < 10; ++m)
    measured.push_back({world().models[m], 1.7 * world().sources.latency_ms[5][m]});
  const auto likenesses = fleet().adapt(measured).likenesses();
  REQUIRE(likenesses.size() == 12);
  CHECK(likenesses.front().platform == 5);
  CHECK(likenesses.front().probability > 0.5);
  double total = 0;
  for (const auto& one : likenesses) total += one.probability;
  CHECK(total == Approx(1));
}

TEST_CASE("a known platform is estimated from its own readings", "[fleet]") {
  const PlatformModel platform = fleet().platform(3);
  for (std::size_t m = 0; m < world().models.size(); ++m) {
    const ModelEstimate estimate = platform.estimate(world().models[m]);
    CHECK(estimate.latency_ms == Approx(world().sources.latency_ms[3][m]).epsilon(0.15));
    CHECK(estimate.knowledge == Knowledge::measured);
  }
  CHECK(fleet().platform(1).estimate(world().models[2]).knowledge == Knowledge::known);
  CHECK(code_of([] { fleet().platform(12); }) == ErrorCode::argument);
  // Not from what its own board is known for.
  const auto likenesses = platform.likenesses();
  CHECK(likenesses.size() == 11);
  CHECK(
      std::none_of(likenesses.begin(), likenesses.end(), [](const auto& one) { return one.platform == 3; }));
}

TEST_CASE("settings of one board say less than as many boards", "[fleet]") {
  // On 8 of 16 platforms dense convolutions take ten times as long.
  const auto dense_share = [](bool one_board) {
    World world(16, 16);
    Rng rng(17);
    for (std::size_t p = 0; p < 16; ++p) {
      Platform platform(rng, 0.1);
      for (int k = 0; k < 3; ++k) platform.rates[k] *= p < 8 ? 10 : 1;
      for (std::size_t m = 0; m < 16; ++m) world.sources.latency_ms[p][m] = platform.ms(world.models[m], rng);
      if (one_board && p < 8) world.sources.platforms[p].board = "one";
    }
    const PlatformModel unknown = Fleet::learn(world.sources).adapt({});
    Decomposition dense, light;
    dense.kernels = {convolution(28, 64, 64, 3)};
    light.kernels = {convolution(28, 64, 64, 3, 64)};
    return unknown.estimate(dense).latency_ms / unknown.estimate(light).latency_ms;
  };
  CHECK(dense_share(true) < 0.8 * dense_share(false));
}

TEST_CASE("what to measure next are different models, the most telling first", "[fleet]") {
  const PlatformModel nothing = fleet().adapt({});
  const auto next = nothing.next(world().models, 5);
  REQUIRE(next.rows.size() == 5);
  CHECK(std::set<std::size_t>(next.rows.begin(), next.rows.end()).size() == 5);
  CHECK(next.worth > 0.3);
  CHECK(nothing.next(world().models, 1).rows[0] == next.rows[0]);
  // Once these are measured, others say more.
  std::vector<ModelMeasurement> measured;
  const auto all = measure(world().models);
  for (const std::size_t row : next.rows) measured.push_back(all[row]);
  const auto after = fleet().adapt(measured).next(world().models, 1);
  CHECK(std::find(next.rows.begin(), next.rows.end(), after.rows[0]) == next.rows.end());
  CHECK(after.worth < next.worth);
  CHECK(code_of([] { fleet().adapt({}).next(world().models, 17); }) == ErrorCode::argument);
}

TEST_CASE("a fleet's file is the fleet", "[fleet]") {
  const std::string bytes = fleet().write();
  const Fleet again(bytes);
  CHECK(again.write() == bytes);
  CHECK(again.platforms()[4].title == "platform4");
  CHECK(again.models()[2].measured == 11);
  CHECK(again.models()[2].input == Dims{1, 3, 224, 224});
  const auto measured = first(measure(world().models), 6);
  const PlatformModel ours = fleet().adapt(measured), theirs = again.adapt(measured);
  for (const auto& model : world().models)
    CHECK(theirs.estimate(model).latency_ms == Approx(ours.estimate(model).latency_ms).epsilon(1e-5));
}

TEST_CASE("a file that is no fleet, or another one, is refused", "[fleet]") {
  const Checkpoint read = read_checkpoint(fleet().write());
  const auto refused = [&](Checkpoint changed) {
    const std::string bytes = write_checkpoint(changed, Precision::float32);
    return code_of([&] { Fleet fleet{bytes}; }) == ErrorCode::checkpoint;
  };
  CHECK_FALSE(refused(read));
  Checkpoint rates = read;
  for (float& value : rates.tensors[3].values) value *= 1.1f;
  CHECK(refused(rates));  // its self-test fails
  Checkpoint narrow = read;
  narrow.tensors[0].shape = {narrow.tensors[0].values.size(), 1};
  CHECK(refused(narrow));
  Checkpoint idle = read;
  std::fill_n(idle.tensors[0].values.begin(), work_kinds(), 0.0f);
  CHECK(refused(idle));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"fleet\"", "\"float\""},
           {"\"title\"", "\"tetle\""},
           {"\"gpu\":false", "\"gpu\":\"no\""},
           {"\"threads\":1", "\"threads\":1e30"},
           {"\"threads\":1", "\"threads\":0"},
           {fleet().models()[0].fingerprint, "0123456789abcdeg"}}) {
    Checkpoint other = read;
    const auto at = other.meta.find(from);
    REQUIRE(at != std::string::npos);
    other.meta.replace(at, from.size(), to);
    CHECK(refused(other));
  }
}

TEST_CASE("what cannot be a measurement is refused by its number", "[fleet]") {
  auto measured = first(measure(world().models), 3);
  for (const double wrong :
       {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    measured[1].latency_ms = wrong;
    CHECK_THROWS_WITH(fleet().adapt(measured), ContainsSubstring("measurement 2 has latency"));
  }
  measured[1] = {{}, 3};
  CHECK_THROWS_WITH(fleet().adapt(measured),
                    ContainsSubstring("measurement 2 is of a model without kernels"));
  CHECK(code_of([] { fleet().adapt({}).estimate({}); }) == ErrorCode::argument);
  CHECK(code_of([] { fleet().adapt({}).estimate(world().models[0], 1); }) == ErrorCode::argument);
  CHECK(code_of([] { fleet().adapt({}, {{true}}); }) == ErrorCode::argument);
  FleetSources sources = world().sources;
  sources.latency_ms[4][1] = -2;
  CHECK_THROWS_WITH(Fleet::learn(sources), ContainsSubstring("platform platform4 has latency -2"));
  sources.latency_ms.pop_back();
  CHECK(code_of([&] { Fleet::learn(sources); }) == ErrorCode::argument);
}

TEST_CASE("what a known model has in common with platforms of like profile is found", "[fleet]") {
  // On half of the platforms one model takes twice as long, and two others show which half.
  World odd(24, 16);
  for (std::size_t p = 0; p < 24; p += 2)
    for (const std::size_t m : {std::size_t{0}, std::size_t{1}, std::size_t{2}})
      odd.sources.latency_ms[p][m] *= 2;
  const Fleet learned = Fleet::learn(odd.sources);
  auto measured = measure(odd.models, 5);
  for (const std::size_t m : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) measured[m].latency_ms *= 2;
  const double truth = measured[2].latency_ms;
  AdaptOptions options;
  options.trusted.assign(measured.size(), true);
  CHECK(std::exp(learned.adapt(measured, options).left_out()[2].mean) == Approx(truth).epsilon(0.15));
  measured.erase(measured.begin() + 2);
  options.trusted.pop_back();
  const ModelEstimate estimate = learned.adapt(measured, options).estimate(odd.models[2]);
  CHECK(estimate.latency_ms == Approx(truth).epsilon(0.15));
}

TEST_CASE("what is told of a platform makes it like others of its kind", "[fleet]") {
  // Two kinds of processors differ in what one model takes, and nothing that is measured shows it.
  World two(24, 16);
  for (std::size_t p = 0; p < 24; ++p) {
    two.sources.platforms[p].processor = p % 2 == 0 ? "slow" : "quick";
    if (p % 2 == 0) two.sources.latency_ms[p][2] *= 2;
  }
  const Fleet learned = Fleet::learn(two.sources);
  CHECK(learned.processors() == std::vector<std::string>{"quick", "slow"});
  auto measured = measure(two.models, 5);
  measured.erase(measured.begin() + 2);
  const auto told = [&](const std::string& processor) {
    AdaptOptions options;
    options.processor = processor;
    return learned.adapt(measured, options).estimate(two.models[2]).latency_ms;
  };
  CHECK(told("slow") > 1.15 * told("quick"));
  CHECK(told("") < told("slow"));
  CHECK(told("") > told("quick"));
  CHECK(code_of([&] { told("none such"); }) == ErrorCode::argument);
  AdaptOptions backwards;
  backwards.threads = -1;
  CHECK(code_of([&] { learned.adapt(measured, backwards); }) == ErrorCode::argument);
  CHECK(Fleet(learned.write()).platforms()[1].processor == "quick");
}

TEST_CASE("a model that no platform measured inherits from one like it", "[fleet]") {
  // Two models of the same kernels but one: what the known one has of its own, beyond its work, the other
  // has.
  World kin;
  Decomposition twin = kin.models[3];
  twin.kernels.push_back(layer(256, 1000));
  for (auto& row : kin.sources.latency_ms) row[3] *= 1.8;
  const Fleet learned = Fleet::learn(kin.sources);
  auto measured = measure(kin.models, 5);
  Rng rng(5);
  const Platform platform(rng, 0.7);
  measured.erase(measured.begin() + 3);
  Rng quiet(1);
  const double of_work = platform.ms(twin, quiet);
  CHECK(learned.adapt(measured).estimate(twin).latency_ms > 1.2 * of_work);
}

TEST_CASE("one known platform that is off says little of others", "[fleet]") {
  World clean(24, 16), spoilt(24, 16);
  spoilt.sources.latency_ms[11][2] *= 8;
  const Fleet right = Fleet::learn(clean.sources), wrong = Fleet::learn(spoilt.sources);
  double moved = 0;
  for (std::uint64_t seed = 20; seed < 26; ++seed) {
    auto measured = measure(clean.models, seed);
    measured.erase(measured.begin() + 2);
    const auto estimate = [&](const Fleet& fleet) {
      return fleet.adapt(measured).estimate(clean.models[2]).latency_ms;
    };
    moved += std::abs(std::log(estimate(wrong) / estimate(right))) / 6;
  }
  INFO(moved);
  CHECK(moved < 0.15);
}

TEST_CASE("before any measurement a platform is like those of its kind", "[fleet]") {
  World kinds;
  for (std::size_t p = 0; p < 12; ++p) {
    kinds.sources.platforms[p].processor = p < 6 ? "slow" : "quick";
    kinds.sources.platforms[p].threads = p % 2 == 0 ? 1 : 8;
  }
  const Fleet learned = Fleet::learn(kinds.sources);
  const auto share = [&](const AdaptOptions& options, const std::function<bool(std::size_t)>& counts) {
    const PlatformModel platform = learned.adapt({}, options);
    double total = 0;
    for (const auto& one : platform.likenesses())
      if (counts(one.platform)) total += one.probability;
    return total;
  };
  const auto is_slow = [](std::size_t p) { return p < 6; };
  const auto is_single = [](std::size_t p) { return p % 2 == 0; };
  AdaptOptions told;
  CHECK(share(told, is_slow) == Approx(0.5));
  CHECK(share(told, is_single) == Approx(0.5));
  told.processor = "slow";
  told.threads = 1;
  CHECK(share(told, is_slow) > 0.8);
  CHECK(share(told, is_single) > 0.8);
  told.processor = "quick";
  told.threads = 8;
  CHECK(share(told, is_slow) < 0.2);
  CHECK(share(told, is_single) < 0.2);
}

TEST_CASE("a new model is less certain where known ones have much of their own", "[fleet]") {
  World uneven(24, 16);
  Rng rng(3);
  for (std::size_t p = 0; p < 24; p += 2)
    for (double& ms : uneven.sources.latency_ms[p]) ms *= std::exp(0.5 * rng.normal());
  const Fleet learned = Fleet::learn(uneven.sources);
  const Decomposition fresh = random_model(rng);
  const auto width = [&](std::size_t platform) {
    std::vector<ModelMeasurement> measured;
    for (std::size_t m = 4; m < 14; ++m)
      measured.push_back({uneven.models[m], 1.7 * uneven.sources.latency_ms[platform][m]});
    const ModelEstimate estimate = learned.adapt(measured).estimate(fresh);
    return std::log(estimate.high_ms / estimate.low_ms);
  };
  double wild = 0, tame = 0;
  for (std::size_t p = 0; p < 12; ++p) (p % 2 == 0 ? wild : tame) += width(p);
  INFO(wild / tame);
  CHECK(wild > 1.4 * tame);
}

TEST_CASE("a model like a known one is known better than one like none", "[fleet]") {
  // Every model has something of its own, the same on all platforms.
  World own(16, 16);
  Rng rng(23);
  for (std::size_t m = 0; m < own.models.size(); ++m) {
    const double factor = std::exp(0.5 * rng.normal());
    for (auto& row : own.sources.latency_ms) row[m] *= factor;
  }
  Decomposition twin = own.models[5], stranger;
  twin.kernels.push_back(layer(256, 1000));
  stranger.kernels = {layer(4096, 4096), layer(4096, 4096)};
  const PlatformModel unknown = Fleet::learn(own.sources).adapt(first(measure(own.models), 10));
  const auto width = [&](const Decomposition& model) {
    const ModelEstimate estimate = unknown.estimate(model);
    return std::log(estimate.high_ms / estimate.low_ms);
  };
  CHECK(width(twin) < 0.7 * width(stranger));
}

TEST_CASE("a new model takes what models of its size take, where sizes do not add up", "[fleet]") {
  // On every platform the logarithm of what a model takes goes by that of its multiply-adds, each with a
  // slope of its own.
  Rng rng(41);
  const auto slope = [&] { return 0.2 + 0.5 * rng.uniform(); };
  const auto ms = [](const Decomposition& model, double by) {
    return std::exp(by * std::log(double(model.macs())) - 8 * by);
  };
  World power(24, 20);
  for (auto& row : power.sources.latency_ms) {
    const double by = slope();
    for (std::size_t m = 0; m < row.size(); ++m) row[m] = ms(power.models[m], by);
  }
  const Fleet learned = Fleet::learn(power.sources);
  double off = 0, left_out = 0;
  constexpr int kTrials = 10;
  for (int trial = 0; trial < kTrials; ++trial) {
    const double by = slope();
    const Decomposition fresh = random_model(rng);
    std::vector<ModelMeasurement> measured;
    for (std::size_t m = 0; m < 8; ++m) measured.push_back({power.models[m], ms(power.models[m], by)});
    off += std::abs(std::log(learned.adapt(measured).estimate(fresh).latency_ms / ms(fresh, by))) / kTrials;
    measured.push_back({fresh, ms(fresh, by)});
    left_out += std::abs(learned.adapt(measured).left_out()[8].mean - std::log(ms(fresh, by))) / kTrials;
  }
  INFO(off << " " << left_out);
  CHECK(off < 0.09);
  CHECK(left_out < 0.09);
}
