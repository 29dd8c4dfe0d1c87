#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "assembly.h"
#include "catch.h"
#include "json.h"
#include "kernel_features.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/pool.h"
#include "latencast/rng.h"
#include "median.h"
#include "process.h"
#include "roofline.h"
#include "trees.h"

using namespace latencast;

namespace {

// A platform that nobody owns: a roofline per type, channels that are padded to a multiple, and algorithms
// of their own for windows of 3x3 and for images of 14x14.
struct Machine {
  double overhead, per_mac, per_element, slow_depthwise;
  std::int64_t padding;

  double latency_ms(KernelShape kernel) const {
    const double factor =
        (kernel.type == KernelType::dwconv ? slow_depthwise : 1) * (kernel.kh == 3 ? 0.3 : 1);
    kernel.cout = (kernel.cout + padding - 1) / padding * padding;
    const KernelWork work = work_of(kernel);
    return overhead + factor * per_mac * work.macs + per_element * work.traffic();
  }
};

KernelShape random_kernel(Rng& rng) {
  KernelShape kernel;
  const int kind = static_cast<int>(rng.below(4));
  kernel.type = kind == 0   ? KernelType::dwconv
                : kind == 1 ? KernelType::fc
                : kind == 2 ? KernelType::add
                            : KernelType::conv;
  kernel.cin = 1 + static_cast<std::int64_t>(std::pow(2, 3 + 6 * rng.uniform()));
  kernel.cout = 1 + static_cast<std::int64_t>(std::pow(2, 3 + 6 * rng.uniform()));
  if (kernel.type == KernelType::fc) return kernel;
  kernel.h = kernel.w = kernel.out_h = kernel.out_w = 7 << rng.below(4);
  if (kernel.type == KernelType::add) {
    kernel.cout = kernel.cin;
    return kernel;
  }
  kernel.kh = kernel.kw = 1 + 2 * rng.below(3);
  kernel.stride_h = kernel.stride_w = 1 + rng.below(2);
  kernel.out_h = kernel.out_w = (kernel.h + kernel.stride_h - 1) / kernel.stride_h;
  if (kernel.type == KernelType::dwconv) kernel.groups = kernel.cout = kernel.cin;
  return kernel;
}

std::vector<KernelTiming> timings_on(const Machine& machine, std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<KernelTiming> timings;
  for (std::size_t i = 0; i < count; ++i) {
    const KernelShape kernel = random_kernel(rng);
    timings.push_back({kernel, machine.latency_ms(kernel) * std::exp(0.01 * rng.normal())});
  }
  return timings;
}

const Machine kFast = {0.01, 1e-9, 1e-7, 3, 32};
const Machine kSlow = {0.05, 2e-8, 3e-7, 12, 4};
const Machine kOther = {0.001, 4e-8, 2e-6, 1, 64};

PoolEntry entry_called(const std::string& id) {
  PoolEntry entry;
  entry.id = entry.title = entry.chip = id;
  entry.source = "invented";
  return entry;
}

const std::vector<PoolPlatform>& pool() {
  static const std::vector<PoolPlatform> made = {
      learn_platform(entry_called("fast"), timings_on(kFast, 1200, 1)),
      learn_platform(entry_called("slow"), timings_on(kSlow, 1200, 2)),
      learn_platform(entry_called("other"), timings_on(kOther, 1200, 3))};
  return made;
}

struct Outcome {
  double error, coverage;
};

Outcome outcome_of(const std::vector<KernelEstimate>& estimates, const std::vector<KernelTiming>& truth) {
  std::vector<double> predicted, measured;
  double held = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    predicted.push_back(estimates[i].latency_ms);
    measured.push_back(truth[i].latency_ms);
    held += estimates[i].low_ms <= truth[i].latency_ms && truth[i].latency_ms <= estimates[i].high_ms;
  }
  return {mdape(predicted, measured), held / double(truth.size())};
}

Outcome outcome_of(const AdaptedPlatform& adapted, const std::vector<KernelTiming>& truth) {
  std::vector<KernelShape> kernels;
  for (const KernelTiming& one : truth) kernels.push_back(one.kernel);
  return outcome_of(adapted.estimate(kernels), truth);
}

std::vector<KernelTiming> scaled(std::vector<KernelTiming> timings, double factor) {
  for (KernelTiming& one : timings) one.latency_ms *= factor;
  return timings;
}

FeatureTable table_of(std::size_t columns, std::size_t rows, std::uint64_t seed) {
  Rng rng(seed);
  FeatureTable table;
  table.columns = columns;
  for (std::size_t i = 0; i < rows * columns; ++i) table.values.push_back(static_cast<float>(rng.uniform()));
  return table;
}

}  // namespace

TEST_CASE("boosted trees learn a jump and are exact in half precision", "[pool][trees]") {
  const FeatureTable table = table_of(3, 600, 4);
  std::vector<double> target;
  for (std::size_t i = 0; i < table.rows(); ++i)
    target.push_back(table.row(i)[0] > 0.3f ? 1 + double(table.row(i)[1]) : -1);
  const Trees trees = boost(table, target, {}, 5);
  // But for the rows between two thresholds.
  int off = 0;
  for (std::size_t i = 0; i < table.rows(); ++i)
    off += std::abs(sum_of(trees, table.row(i)) - target[i]) > 0.1;
  CHECK(off < 20);
  for (const float number : trees.number) REQUIRE(round_to_half(number) == number);
  CHECK(trees.size() == 300);
}

TEST_CASE("extra trees repeat the rows they have seen, and say which", "[pool][trees]") {
  const FeatureTable table = table_of(4, 80, 6);
  std::vector<double> target;
  Rng rng(7);
  for (std::size_t i = 0; i < table.rows(); ++i) target.push_back(rng.normal());
  ExtraTreesOptions options;
  options.trees = 10;
  const ExtraTrees forest = grow_extra_trees(table, target, options, 8);
  REQUIRE(forest.trees.size() == 10);
  for (std::size_t t = 0; t < 10; ++t) {
    CHECK(std::count(forest.learnt[t].begin(), forest.learnt[t].end(), true) == 64);
    for (std::size_t i = 0; i < table.rows(); ++i)
      if (forest.learnt[t][i])
        REQUIRE(double(forest.trees.value(t, table.row(i))) == Approx(target[i]).margin(1e-6));
  }
}

TEST_CASE("a list of splits that does not end in a leaf is no tree", "[pool][trees]") {
  Trees trees;
  trees.feature = {0, Trees::kLeaf};
  trees.number = {0.5f, 1.f};
  CHECK_FALSE(trees.index());
  trees.feature = {0, Trees::kLeaf, Trees::kLeaf};
  trees.number = {0.5f, 1.f, 2.f};
  CHECK(trees.index());
  const float low = 0.5f, high = 0.6f;
  CHECK(trees.value(0, &low) == 1.f);
  CHECK(trees.value(0, &high) == 2.f);
}

TEST_CASE("a roofline is found again, with slips among the timings", "[pool]") {
  Rng rng(9);
  std::vector<KernelWork> work;
  std::vector<double> log_ms;
  for (int i = 0; i < 200; ++i) {
    work.push_back(work_of(random_kernel(rng)));
    log_ms.push_back(std::log(0.02 + 3e-9 * work.back().macs + 2e-7 * work.back().traffic()));
    if (i % 20 == 0) log_ms.back() += 3;
  }
  const Roofline found = fit_roofline(work, log_ms);
  CHECK(found.overhead == Approx(0.02).epsilon(0.1));
  CHECK(found.per_mac == Approx(3e-9).epsilon(0.1));
  CHECK(found.per_element == Approx(2e-7).epsilon(0.1));
}

TEST_CASE("work of a kernel agrees with its features", "[pool]") {
  Rng rng(10);
  for (int i = 0; i < 100; ++i) {
    const KernelShape kernel = random_kernel(rng);
    const KernelWork work = work_of(kernel);
    REQUIRE(work.in > 0);
    REQUIRE(work.out > 0);
    const KernelFeatures features = features_of(kernel);
    REQUIRE(double(features[0]) == Approx(std::log2(work.macs)).margin(1e-4));
    REQUIRE(double(features[1]) == Approx(std::log2(work.traffic())).margin(1e-4));
    REQUIRE(std::all_of(features.begin(), features.end(), [](float f) { return std::isfinite(f); }));
  }
  CHECK(kernel_type("dwconv") == KernelType::dwconv);
  CHECK(kernel_type("conv-bn-relu") == KernelType::conv);
  CHECK(kernel_type("global-avgpool") == KernelType::gap);
  CHECK_THROWS_WITH(kernel_type("convolution"), ContainsSubstring("convolution"));
}

TEST_CASE("work of every type is what its arithmetic says", "[pool]") {
  // Multiply-adds; elements in, of weights, out.
  const auto check = [](const char* key, double macs, double in, double weights, double out) {
    INFO(key);
    const KernelWork work = work_of(read_kernel(key));
    CHECK(work.macs == macs);
    CHECK(work.in == in);
    CHECK(work.weights == weights);
    CHECK(work.out == out);
  };
  check("conv,2,8,8,12,24,3,3,2,1", 2. * 4 * 4 * 24 * 12 * 9, 2. * 64 * 12, 24. * 12 * 9, 2. * 16 * 24);
  check("conv,1,8,8,12,24,3,3,1,4", 64. * 24 * 3 * 9, 64. * 12, 24. * 3 * 9, 64. * 24);
  check("dwconv,1,8,8,12,12,5,5,1,12", 64. * 12 * 25, 64. * 12, 12. * 25, 64. * 12);
  check("fc,3,,,10,20", 3. * 200, 30, 200, 60);
  check("maxpool,1,8,8,4,4,3,3,2", 16. * 4 * 9, 64. * 4, 0, 16. * 4);
  check("avgpool,1,8,8,4,4,2,2,2", 16. * 4 * 4, 64. * 4, 0, 16. * 4);
  check("gap,2,7,7,10", 2. * 49 * 10, 2. * 49 * 10, 0, 20);
  check("add,1,4,4,8", 128, 256, 0, 128);
  check("se,1,4,4,8", 256, 128, 32, 128);
  check("swish,1,4,4,8", 128, 128, 0, 128);
  check("hswish,1,4,4,8", 128, 128, 0, 128);
  // Two products of 5 rows by 7 by 11 columns.
  check("matmul,2,5,,7,11", 2. * 5 * 7 * 11, 2. * (5 * 7 + 7 * 11), 0, 2. * 5 * 11);
  check("layernorm,49,,,32,32", 49. * 32, 49. * 32, 0, 49. * 32);
  check("softmax,49,,,32,32", 49. * 32, 49. * 32, 0, 49. * 32);
  // 5 queries of 8 numbers against 6 keys of 8 and values of 10.
  check("attention,1,5,6,8,10", 5. * 6 * 18, 5. * 8 + 6 * 18, 0, 5. * 10);

  FusedKernel unknown;
  unknown.bytes_in = 400, unknown.bytes_weights = 200, unknown.bytes_out = 80;
  CHECK(work_of(shape_of(unknown)).in == 150);
  CHECK(work_of(shape_of(unknown)).out == 20);
}

TEST_CASE("features say what border, odd widths and multiples cost", "[pool]") {
  const auto with = [](const char* key) { return features_of(read_kernel(key)); };
  // Output columns by two and by four; what the padding adds; both channels by 16.
  const auto padded = with("conv,1,15,15,32,48,3,3,1,1"), bare = with("conv,1,15,15,30,48,3,3,1,1,o13x13");
  CHECK(std::vector<float>(padded.begin() + 31, padded.begin() + 33) == std::vector<float>{1, 3});
  CHECK(std::vector<float>(bare.begin() + 31, bare.begin() + 33) == std::vector<float>{1, 1});
  CHECK(padded[34] == 2);
  CHECK(bare[34] == 0);
  CHECK(padded[35] == 1);
  CHECK(bare[35] == 0);
  // 30 channels take as long as 32 where they go by 4 or by 16, 64 where they go by 64.
  CHECK(double(bare[21]) == Approx(std::log2(32 / 30.)));
  CHECK(double(bare[22]) == Approx(std::log2(32 / 30.)));
  CHECK(double(bare[23]) == Approx(std::log2(64 / 30.)));
  CHECK(double(bare[26]) == Approx(std::log2(64 / 48.)));
}

TEST_CASE("what libraries choose by is read off a kernel", "[pool]") {
  // 24 = 3 * 8, 40 = 5 * 8, 2 * 28 * 28 = 49 * 32: 25 tiles of 64 pixels and one of channels.
  const auto dense = choice_features(read_kernel("conv,2,28,28,24,40,3,3,1,1"));
  CHECK(std::vector<float>(dense.begin(), dense.begin() + 7) == std::vector<float>{3, 3, 5, 1, 2, 1, 0});
  CHECK(double(dense[7]) == Approx(std::log2(36 / 25.)));
  CHECK(double(dense[8]) == Approx(std::log2(36 / 13.)));
  CHECK(double(dense[13]) == Approx(std::log2(120 / 25.)));
  // Neither at a stride of 2; tiles are of a group each, and sizes count within it.
  const auto grouped = choice_features(read_kernel("conv,1,64,64,64,64,1,1,2,4"));
  CHECK(std::vector<float>(grouped.begin(), grouped.begin() + 7) == std::vector<float>{4, 4, 8, 0, 5, 0, 0});
  CHECK(double(grouped[9]) == Approx(std::log2(120 / 64.)));
  CHECK(choice_features(read_kernel("conv,1,64,64,64,64,1,1,1,1"))[6] == 1);
}

TEST_CASE("a platform of the pool estimates kernels it has not learnt from", "[pool]") {
  const auto truth = timings_on(kFast, 300, 11);
  std::vector<KernelEstimate> estimates;
  for (const KernelTiming& one : truth) estimates.push_back(pool()[0].estimate(one.kernel));
  const Outcome outcome = outcome_of(estimates, truth);
  CHECK(outcome.error < 0.06);
  CHECK(outcome.coverage > 0.8);
  CHECK(outcome.coverage < 0.98);
  CHECK(pool()[0].entry().timings[std::size_t(KernelType::softmax)] == 0);
  KernelShape softmax;
  softmax.type = KernelType::softmax;
  softmax.cin = softmax.cout = 1000;
  // By work and traffic as all its other kernels go; known badly.
  const KernelEstimate unknown = pool()[0].estimate(softmax);
  CHECK(unknown.latency_ms == pool()[0].latency_ms(softmax));
  CHECK(unknown.latency_ms == Approx(kFast.overhead + kFast.per_element * 2000).epsilon(0.3));
  CHECK(unknown.high_ms > 2 * unknown.latency_ms);
  CHECK(unknown.low_ms < 0.5 * unknown.latency_ms);
}

TEST_CASE("a platform's bytes are the platform", "[pool]") {
  const std::string bytes = pool()[1].write();
  const PoolPlatform read(bytes);
  CHECK(read.write() == bytes);
  CHECK(read.entry().id == "slow");
  CHECK(read.entry().timings == pool()[1].entry().timings);
  for (const KernelTiming& one : timings_on(kSlow, 50, 12))
    REQUIRE(read.latency_ms(one.kernel) == pool()[1].latency_ms(one.kernel));
}

TEST_CASE("bytes that are no platform are refused", "[pool]") {
  CHECK_THROWS_AS(PoolPlatform(""), Error);
  const auto refused_with = [](const std::string& part, auto change) {
    Checkpoint checkpoint = read_checkpoint(pool()[1].write());
    change(checkpoint);
    CHECK_THROWS_WITH(PoolPlatform(write_checkpoint(checkpoint, Precision::float16)),
                      ContainsSubstring(part));
  };
  refused_with("no feature's index", [](Checkpoint& c) { c.tensors[0].values[0] = 99; });
  refused_with("describes no trees", [](Checkpoint& c) { c.tensors[0].values.back() = 1; });
  refused_with("two tensors", [](Checkpoint& c) { c.tensors.pop_back(); });
  refused_with("another kind", [](Checkpoint& c) { c.meta = R"({"kind": "predictor", "version": 1})"; });
  refused_with("pool: ", [](Checkpoint& c) { c.meta = "{}"; });
}

TEST_CASE("timings that are no latencies are refused by their number", "[pool]") {
  auto timings = timings_on(kFast, 10, 13);
  timings[3].latency_ms = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(learn_platform(entry_called("x"), timings), ContainsSubstring("timing 4"));
  CHECK_THROWS_WITH(adapt({}, timings), ContainsSubstring("timing 4"));
  timings[3].latency_ms = 0;
  CHECK_THROWS_WITH(similarities(pool(), timings), ContainsSubstring("timing 4"));
  timings.resize(1);
  CHECK_THROWS_WITH(adapt({}, timings), ContainsSubstring("at least 2"));
  CHECK_THROWS_WITH(learn_platform(entry_called("x"), {}), ContainsSubstring("no timings"));
}

TEST_CASE("the platform that was timed is the most similar one, whatever its speed", "[pool]") {
  const std::vector<Machine> machines = {kFast, kSlow, kOther};
  for (std::size_t m = 0; m < machines.size(); ++m) {
    const auto timings = scaled(timings_on(machines[m], 30, 14), 2.5);
    const auto ours = similarities(pool(), timings);
    REQUIRE(ours.size() == 3);
    CHECK(ours[0].platform == m);
    CHECK(ours[0].scale == Approx(2.5).epsilon(0.1));
    CHECK(ours[0].error < 0.1);
    CHECK(ours[0].share > ours[1].share);
    CHECK(ours[0].share + ours[1].share + ours[2].share == Approx(1));
    const auto theirs = similarities_by_divergence(pool(), timings);
    CHECK(theirs[0].platform == m);
    CHECK(theirs[0].share == 1);
  }
}

TEST_CASE("a platform without the timed types comes last, however well its roofline fits", "[pool]") {
  std::vector<KernelTiming> of_fc, of_conv;
  for (const KernelTiming& one : timings_on(kFast, 600, 31))
    (one.kernel.type == KernelType::fc ? of_fc : of_conv).push_back(one);
  // One knows only other types of the very machine that was timed, the other all of a machine unlike it.
  const std::vector<PoolPlatform> two = {learn_platform(entry_called("own, fc alone"), of_fc),
                                         learn_platform(entry_called("other"), timings_on(kOther, 600, 32))};
  of_conv.resize(30);
  CHECK(similarities(two, of_conv).front().platform == 1);
  CHECK(similarities_by_divergence(two, of_conv).front().platform == 1);
}

TEST_CASE("an index estimates types that a platform does not know by its other kernels", "[pool]") {
  std::vector<KernelTiming> known;
  for (const KernelTiming& one : timings_on(kFast, 600, 33))
    if (one.kernel.type != KernelType::fc) known.push_back(one);
  const std::vector<PoolPlatform> one = {learn_platform(entry_called("no fc"), known)};
  const std::vector<std::string> probes = {"conv,1,7,7,60,60,3,3,1,1",
                                           "conv,1,28,28,60,60,3,3,1,1",
                                           "conv,1,56,56,12,12,1,1,1,1",
                                           "conv,1,14,14,300,300,1,1,1,1",
                                           "fc,1,1,1,60,60",
                                           "fc,1,1,1,300,300"};
  const KernelTiming asked{read_kernel("fc,1,1,1,500,500"),
                           one[0].latency_ms(read_kernel("fc,1,1,1,500,500"))};
  const double scale = PoolIndex(probes, one).similarities({asked, asked}).front().scale;
  CHECK(std::abs(std::log(scale)) < std::log(3.0));
}

TEST_CASE("a kernel is read from the key that a decomposition gives it", "[pool]") {
  const auto shape = [](const char* key) {
    const KernelShape k = read_kernel(key);
    return std::vector<std::int64_t>{k.n,     k.h,  k.w,  k.cin,      k.cout,     k.out_h,
                                     k.out_w, k.kh, k.kw, k.stride_h, k.stride_w, k.groups};
  };
  CHECK(shape("conv,1,56,55,64,128,3,1,2,1") ==
        std::vector<std::int64_t>{1, 56, 55, 64, 128, 28, 28, 3, 1, 2, 2, 1});
  CHECK(shape("dwconv,2,8,8,24,,5,,1x2") == std::vector<std::int64_t>{2, 8, 8, 24, 24, 8, 4, 5, 5, 1, 2, 24});
  // As some programs write whole numbers in a column with gaps.
  CHECK(shape("fc,1.0,,,64.0,10") == std::vector<std::int64_t>{1, 1, 1, 64, 10, 1, 1, 1, 1, 1, 1, 1});
  CHECK(shape("conv,1,112,112,3,8,7,7,2,1,d2,o53x54,i8") ==
        std::vector<std::int64_t>{1, 112, 112, 3, 8, 53, 54, 7, 7, 2, 2, 1});
  CHECK(read_kernel("conv,1,9,9,3,8,3,3,1,1,d2").dilation == 2);
  CHECK(read_kernel("global-avgpool,1,7,7,8").type == KernelType::gap);

  // Whatever a platform learns of a key it is asked for by the kernel that has it.
  FusedKernel kernel;
  for (const KernelType type : {KernelType::conv, KernelType::gap, KernelType::attention, KernelType::fc}) {
    kernel.type = type;
    const bool rows = type == KernelType::fc;
    kernel.n = rows ? 5 : 1, kernel.h = kernel.w = rows ? 1 : 12, kernel.cin = 64, kernel.cout = 64;
    kernel.out_h = type == KernelType::gap ? 1 : kernel.h;
    kernel.out_w = type == KernelType::conv ? kernel.w : 1;
    kernel.groups = type == KernelType::attention ? 4 : 1;
    kernel.kh = kernel.kw = type == KernelType::conv ? 3 : 1;
    CHECK(features_of(read_kernel(kernel.key())) == features_of(shape_of(kernel)));
  }

  CHECK_THROWS_WITH(read_kernel("cow,1,2"), ContainsSubstring("found kernel type 'cow'"));
  CHECK_THROWS_WITH(read_kernel("other/Transpose,1,2"), ContainsSubstring("found"));
  CHECK_THROWS_WITH(read_kernel("conv,0,8,8,8"), ContainsSubstring("n '0'; expected a whole number"));
  CHECK_THROWS_WITH(read_kernel("conv,1,8.5,8,8"), ContainsSubstring("h '8.5'"));
  CHECK_THROWS_WITH(read_kernel("conv,1,8,8,8,8,3,3,1x,1"), ContainsSubstring("stride ''"));
  CHECK_THROWS_WITH(read_kernel("conv,1,8,8,8,8,3,3,1,1,q"), ContainsSubstring("'q'"));
}

TEST_CASE("an index names the most similar platforms before they are read", "[pool]") {
  // Probes of the kinds that random_kernel() makes; none of its kernels is one.
  std::vector<std::string> probes;
  for (const int pixels : {7, 14, 28, 56})
    for (const int channels : {12, 60, 300}) {
      const std::string size = std::to_string(pixels), c = std::to_string(channels);
      for (const std::string window : {"1", "3", "5"})
        probes.push_back("conv,1," + size + "," + size + "," + c + "," + c + "," + window + "," + window +
                         ",1,1");
      probes.push_back("dwconv,1," + size + "," + size + "," + c + "," + c + ",3,3,1," + c);
      probes.push_back("fc,1,1,1," + c + "," + std::to_string(10 * pixels));
      probes.push_back("add,1," + size + "," + size + "," + c + "," + c);
    }
  const PoolIndex index(probes, pool());
  const PoolIndex again(index.write());
  CHECK(again.write() == index.write());
  CHECK(again.probes() == probes);
  REQUIRE(again.platforms().size() == 3);
  CHECK(again.platforms()[1].title == "slow");
  CHECK(again.platforms()[1].timings == pool()[1].entry().timings);

  const std::vector<Machine> machines = {kFast, kSlow, kOther};
  for (std::size_t m = 0; m < machines.size(); ++m) {
    const auto timings = scaled(timings_on(machines[m], 30, 23), 3);
    const auto found = again.similarities(timings);
    REQUIRE(found.size() == 3);
    CHECK(found[0].platform == m);
    CHECK(found[0].scale == Approx(3).epsilon(0.3));
    // Of probes themselves it says what the platforms do.
    std::vector<KernelTiming> own;
    for (const std::string& key : probes) own.push_back({read_kernel(key), 1});
    for (KernelTiming& one : own) one.latency_ms = machines[m].latency_ms(one.kernel);
    const auto exact = similarities(pool(), own), read = again.similarities(own);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(read[i].platform == exact[i].platform);
      CHECK(read[i].error == Approx(exact[i].error).margin(0.04));
    }
  }

  // What no probe is of does not count; nothing but that is refused.
  auto timings = timings_on(kSlow, 30, 24);
  timings.push_back({read_kernel("softmax,1,1,1,1000,1000"), 1e6});
  CHECK(again.similarities(timings)[0].platform == 1);
  CHECK_THROWS_WITH(again.similarities({timings.back()}), ContainsSubstring("none of the 1 timings"));
  timings[2].latency_ms = -1;
  CHECK_THROWS_WITH(again.similarities(timings), ContainsSubstring("timing 3"));

  CHECK_THROWS_WITH(PoolIndex("{}"), ContainsSubstring("pool: "));
  CHECK_THROWS_WITH(PoolIndex(R"({"version": 1, "platforms": []})"),
                    ContainsSubstring("latencast kernels index"));
  std::string broken = index.write();
  broken.replace(broken.find("\"steps\":\"") + 9, 2, "zz");
  CHECK_THROWS_WITH(PoolIndex(broken), ContainsSubstring("found 'z'"));
  broken.replace(broken.find("zz"), 2, "40");
  CHECK_THROWS_WITH(PoolIndex(broken), ContainsSubstring("beyond step 63"));
  auto flat = nlohmann::json::parse(index.write());
  flat["platforms"][1]["probes"]["log_ms"] = {2, 2};
  CHECK_THROWS_WITH(PoolIndex(flat.dump()), ContainsSubstring("pool: slow has probes from 2"));
  for (const nlohmann::json& count :
       {nlohmann::json(12e9), nlohmann::json(1.5), nlohmann::json(0), nlohmann::json("1")}) {
    auto miscounted = nlohmann::json::parse(index.write());
    miscounted["platforms"][1]["timings"].begin().value() = count;
    CHECK_THROWS_WITH(PoolIndex(miscounted.dump()),
                      ContainsSubstring(": found " + count.dump() + "; expected a whole number from 1 to "));
  }
  CHECK_THROWS_WITH(PoolIndex({"other/Gelu,1"}, pool()), ContainsSubstring("other/Gelu"));
}

TEST_CASE("the fusions of a platform are those of its runtime", "[pool]") {
  CHECK(std::string(runtime_family(entry_called("tensorrt-v100-fp16"))) == "tensorrt");
  CHECK(std::string(runtime_family(entry_called("litert-xnnpack-1t"))) == "tflite");
  CHECK(std::string(runtime_family(entry_called("epyc-openvino-fp32-1t"))) == "openvino");
  CHECK(std::string(runtime_family(entry_called("miopen-gfx900"))) == "onnxruntime");
  PoolEntry inside = entry_called("openvino-fp32-inside");
  CHECK(std::string(runtime_family(inside)) == "openvino");
  // What OpenVINO fuses, sums and hard-swish, was timed there too, and takes what is left of it.
  inside.timed = Timed::inside;
  CHECK(std::string(runtime_family(inside)) == "tflite");
}

// How far a process is from what it has not seen, of what is missed by who only knows the middle; kernels of
// type `add` do not count.
double share_missed(std::size_t learnt, const std::function<double(const KernelShape&, Rng&)>& value) {
  Rng rng(5);
  const auto inputs_and_target = [&](std::size_t count, std::vector<double>& target) {
    std::vector<ProcessInput> inputs;
    for (std::size_t i = 0; i < count; ++i) {
      const KernelShape kernel = random_kernel(rng);
      inputs.push_back({kernel.type, process_features(kernel), {}});
      target.push_back(value(kernel, rng));
    }
    return inputs;
  };
  std::vector<double> target, truth, said;
  const auto inputs = inputs_and_target(learnt, target), asked = inputs_and_target(200, truth);
  const Process process(inputs, target, 1);
  for (const ProcessInput& one : asked) said.push_back(process.mean(one));
  const auto missed = [](const std::vector<ProcessInput>& at, const std::vector<double>& values,
                         const std::vector<double>& expected) {
    double of_process = 0, of_middle = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (at[i].type == KernelType::add) continue;
      of_process += std::abs(values[i] - expected[i]);
      of_middle += std::abs(values[i] - median_of(values));
    }
    return of_process / of_middle;
  };
  return std::max(missed(inputs, target, process.left_out()), missed(asked, truth, said));
}

TEST_CASE("a process learns what vectors waste on channels, and which type is noisy", "[pool][adapt]") {
  CHECK(share_missed(120, [](const KernelShape& kernel, Rng& rng) {
          const double padded = std::ceil(double(kernel.cout) / 16) * 16;
          return std::log(padded / double(kernel.cout)) +
                 (kernel.type == KernelType::add ? 0.3 * rng.normal() : 0);
        }) < 0.25);
}

TEST_CASE("a process learns what is idle when the last tiles are dealt out", "[pool][adapt]") {
  CHECK(share_missed(200, [](const KernelShape& kernel, Rng&) {
          const double pixels = double(kernel.n * kernel.out_h * kernel.out_w);
          const double tiles = std::ceil(pixels / 64) * std::ceil(double(kernel.cout) / 64);
          return kernel.type == KernelType::conv ? std::log(std::ceil(tiles / 60) * 60 / tiles) : 0;
        }) < 0.03);
}

TEST_CASE("a few timings make a new platform, and the pool helps", "[pool][adapt]") {
  const Machine novel = {0.03, 1.5e-8, 2.5e-7, 9, 4};
  const auto truth = timings_on(novel, 200, 15);
  double with = 0, alone = 0, more = 0, held = 0;
  constexpr int kSeeds = 4;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const auto timings = timings_on(novel, 8, 160 + static_cast<std::uint64_t>(seed));
    with += outcome_of(adapt(pool(), timings), truth).error / kSeeds;
    alone += outcome_of(adapt({}, timings), truth).error / kSeeds;
    const auto many = timings_on(novel, 120, 170 + static_cast<std::uint64_t>(seed));
    const Outcome outcome = outcome_of(adapt(pool(), many), truth);
    more += outcome.error / kSeeds;
    held += outcome.coverage / kSeeds;
  }
  CHECK(with < 0.2);
  CHECK(with < alone);
  CHECK(more < 0.8 * with);
  CHECK(held > 0.8);
  CHECK(held < 0.98);
}

TEST_CASE("latencies of another unit give estimates of that unit", "[pool][adapt]") {
  const auto timings = timings_on(kOther, 30, 18);
  Rng rng(19);
  std::vector<KernelShape> asked;
  for (int i = 0; i < 20; ++i) asked.push_back(random_kernel(rng));
  const auto one = adapt(pool(), timings).estimate(asked);
  const auto thousand = adapt(pool(), scaled(timings, 1000)).estimate(asked);
  const auto again = adapt(pool(), timings).estimate(asked);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    CHECK(one[i].latency_ms == again[i].latency_ms);
    CHECK(thousand[i].latency_ms == Approx(1000 * one[i].latency_ms).epsilon(0.1));
    CHECK(one[i].low_ms < one[i].latency_ms);
    CHECK(one[i].high_ms > one[i].latency_ms);
  }
}

TEST_CASE("a slip among the timings is named and does no harm", "[pool][adapt]") {
  auto timings = timings_on(kSlow, 40, 20);
  const auto truth = timings_on(kSlow, 100, 21);
  timings[7].latency_ms *= 1000;
  const AdaptedPlatform adapted = adapt(pool(), timings);
  CHECK(adapted.set_aside() == std::vector<std::size_t>{7});
  CHECK(outcome_of(adapted, truth).error < 0.06);
  CHECK(adapted.nearest().front().platform == 1);
}

TEST_CASE("a model takes as long as its kernels", "[pool]") {
  Decomposition model;
  for (const std::int64_t channels : {16, 32, 64}) {
    FusedKernel kernel;
    kernel.type = KernelType::conv;
    kernel.h = kernel.w = kernel.out_h = kernel.out_w = 28;
    kernel.cin = kernel.cout = channels;
    kernel.kh = kernel.kw = 3;
    model.kernels.push_back(kernel);
  }
  FusedKernel unknown;
  unknown.op = "Mystery";
  unknown.bytes_in = 4000000;
  unknown.bytes_out = 4000000;
  model.kernels.push_back(unknown);
  const auto check = [&](const KernelSum& sum) {
    REQUIRE(sum.kernel_ms.size() == 4);
    double total = 0;
    for (const double ms : sum.kernel_ms) total += ms;
    CHECK(sum.latency_ms == Approx(total));
    CHECK(sum.kernel_ms[3] > 0);
    CHECK(sum.low_ms > 0);
    CHECK(sum.low_ms < sum.latency_ms);
    CHECK(sum.high_ms > sum.latency_ms);
  };
  const KernelSum known = estimate_model(pool()[0], model);
  check(known);
  check(estimate_model(adapt(pool(), timings_on(kFast, 30, 22)), model));
  // Errors of one type go together: three convolutions are as uncertain as one, in share.
  Decomposition one = model;
  one.kernels.resize(1);
  const KernelSum alone = estimate_model(pool()[0], one);
  model.kernels.pop_back();
  const KernelSum three = estimate_model(pool()[0], model);
  CHECK((three.high_ms - three.latency_ms) / three.latency_ms ==
        Approx((alone.high_ms - alone.latency_ms) / alone.latency_ms));
  // Those of two types do not.
  FusedKernel layer;
  layer.type = KernelType::fc;
  layer.cin = layer.cout = 256;
  one.kernels.push_back(layer);
  const KernelSum both = estimate_model(pool()[0], one);
  one.kernels.erase(one.kernels.begin());
  const KernelSum other = estimate_model(pool()[0], one);
  CHECK(both.high_ms - both.latency_ms ==
        Approx(std::hypot(alone.high_ms - alone.latency_ms, other.high_ms - other.latency_ms)));
}

TEST_CASE("a kernel's terms are those of its type", "[pool]") {
  const Roofline roofline = {0.01, 0, 2e-6};
  const auto terms = [&](KernelType type, std::int64_t window = 1) {
    FusedKernel kernel;
    kernel.type = type;
    kernel.kh = kernel.kw = window;
    kernel.bytes_in = 1000000, kernel.bytes_out = 3000000, kernel.bytes_weights = 16000000;
    return parts_of({kernel}, {{0.5, 0.4, 0.6}}, roofline).whole;
  };
  const Terms conv = terms(KernelType::conv, 3);
  CHECK(conv[term::kLatencies] == 0.5);
  CHECK(conv[term::kCalls] == 0.01);
  CHECK(conv[term::kWeights] == Approx(2e-6 * 4e6));
  CHECK(conv[term::kConvolvedActivations] == Approx(2e-6 * 1e6));
  CHECK(conv[term::kModelBeyondCaches] == Approx(0.5 * 16 / (16 + 16.)));
  CHECK(conv[term::kWeightsBeyondCaches] == Approx(0.5 * 16 / 17));
  CHECK(conv[term::kActivationsBeyondCaches] == Approx(0.5 * 4 / 5));
  CHECK(conv[term::kShort] == 0.005);
  // 0.8 and 0.2 ms to move, beside 0.5.
  CHECK(conv[term::kWaitWeights] == Approx(0.5 * 0.8 / 1.3));
  CHECK(conv[term::kWaitActivations] == Approx(0.5 * 0.2 / 0.7));
  // The latency once more, by kind, and nowhere else.
  const auto only = [&](const Terms& of, std::size_t own, std::size_t activations) {
    for (std::size_t one = term::kPointwise; one <= term::kSwish; ++one)
      CHECK(of[one] == (one == own ? 0.5 : 0));
    for (std::size_t one = term::kConvolvedActivations; one <= term::kOtherActivations; ++one)
      CHECK((of[one] > 0) == (one == activations));
  };
  only(conv, term::kConvolutions, term::kConvolvedActivations);
  only(terms(KernelType::conv), term::kPointwise, term::kConvolvedActivations);
  only(terms(KernelType::dwconv, 3), term::kDepthwise, term::kDepthwiseActivations);
  only(terms(KernelType::se), term::kSqueezeExcite, term::kOtherActivations);
  only(terms(KernelType::add), term::kSums, term::kOtherActivations);
  only(terms(KernelType::swish), term::kSwish, term::kOtherActivations);
  only(terms(KernelType::hswish), term::kSwish, term::kOtherActivations);
  only(terms(KernelType::gap), term::kCount, term::kOtherActivations);
}

TEST_CASE("what platforms have in common is their mean, by likeness and by groups", "[pool]") {
  const auto with_share = [](double share) {
    Composition one;
    one.share[term::kLatencies] = share;
    one.noise = 0.05;
    return one;
  };
  const std::vector<Composition> three = {with_share(1), with_share(1), with_share(2)};
  const auto common = [&](const std::vector<std::string>& groups, const std::vector<double>& likeness,
                          bool about_sum = false) {
    return common_composition(three, groups, likeness, Timed::inside, about_sum);
  };
  const auto mean = [](const Composition& of) { return of.share[term::kLatencies]; };
  CHECK(mean(common({"a", "b", "c"}, {1, 1, 1})) == Approx(4 / 3.));
  CHECK(mean(common({"a", "a", "c"}, {1, 1, 1})) == Approx(1.5));
  CHECK(mean(common({"a", "b", "c"}, {1, 1, 6})) == Approx(1.75));
  CHECK(mean(common({"a", "b", "c"}, {1, 1, 1}, true)) == 1);
  // They differ, and the fewer they are the more another may.
  const double spread = common({"a", "b", "c"}, {1, 1, 1}).covariance[0];
  CHECK(spread > 0.75 * 2 / 9);
  // A vague one counts as one group more.
  CHECK(common({"a", "b", "c"}, {1, 1, 1}).noise == Approx(std::hypot(0.1 * 0.5, 0.05 * std::sqrt(0.75))));
  CHECK(common({"a", "a", "a"}, {1, 1, 1}).noise == Approx(std::hypot(0.1, 0.05) / std::sqrt(2.0)));
  CHECK(mean(common_composition({}, {}, {}, Timed::inside, false)) == 1);
  CHECK(common_composition({}, {}, {}, Timed::inside, false).noise == 0);
}

TEST_CASE("no kernel and no model takes next to nothing, whatever its terms say", "[pool]") {
  Composition less;
  less.share[term::kCalls] = -1;
  Terms terms{};
  terms[term::kLatencies] = 1, terms[term::kCalls] = 3;
  CHECK(less.latency_ms(terms) == Approx(0.05));
  FusedKernel kernel;
  kernel.type = KernelType::conv;
  const KernelSum sum = Assembly(less).estimate({kernel, kernel}, {{1, 0.9, 1.1}, {9, 8, 10}}, {3, 0, 0});
  CHECK(sum.latency_ms == Approx(4));
  CHECK(sum.kernel_ms[0] + sum.kernel_ms[1] == Approx(4));
  CHECK(sum.kernel_ms[0] == Approx(4 * 0.05 / 6.05));
}

namespace {

// Of kernels as a runtime would report them.
FusedKernel fused(const KernelShape& shape) {
  const KernelWork work = work_of(shape);
  FusedKernel kernel;
  kernel.type = shape.type;
  kernel.n = shape.n, kernel.h = shape.h, kernel.w = shape.w, kernel.cin = shape.cin,
  kernel.cout = shape.cout;
  kernel.out_h = shape.out_h, kernel.out_w = shape.out_w, kernel.kh = shape.kh, kernel.kw = shape.kw;
  kernel.stride_h = shape.stride_h, kernel.stride_w = shape.stride_w;
  kernel.groups = shape.groups;
  kernel.bytes_in = static_cast<std::int64_t>(4 * work.in);
  kernel.bytes_weights = static_cast<std::int64_t>(4 * work.weights);
  kernel.bytes_out = static_cast<std::int64_t>(4 * work.out);
  return kernel;
}

// What a kernel takes in a model.
using InModel = double (*)(const Machine&, const KernelShape&);

// A tenth of the overhead that it pays alone, and its weights are fetched a second time.
double without_calls(const Machine& machine, const KernelShape& shape) {
  return machine.latency_ms(shape) - 0.9 * machine.overhead +
         3 * machine.per_element * work_of(shape).weights;
}

// Up to half as much again, where images and weights are too large for caches.
double beyond_caches(const Machine& machine, const KernelShape& shape) {
  const KernelWork work = work_of(shape);
  const auto beyond = [](double elements) { return 4 * elements / (4 * elements + 1e6); };
  return machine.latency_ms(shape) * (1 + 0.5 * beyond(work.in + work.out) + 0.3 * beyond(work.weights));
}

std::vector<ModelMeasurement> models_on(const Machine& machine, std::size_t count, std::uint64_t seed,
                                        InModel in_model = without_calls) {
  Rng rng(seed);
  std::vector<ModelMeasurement> all;
  for (std::size_t i = 0; i < count; ++i) {
    ModelMeasurement one{{}, 0};
    for (std::size_t k = 10 + rng.below(std::size_t{40}); k > 0; --k) {
      const KernelShape shape = random_kernel(rng);
      one.model.kernels.push_back(fused(shape));
      one.latency_ms += in_model(machine, shape);
    }
    all.push_back(std::move(one));
  }
  return all;
}

// Of what others' whole models say.
const std::vector<PoolPlatform>& with_models() {
  static const std::vector<PoolPlatform> made = {
      learn_platform(entry_called("fast"), timings_on(kFast, 400, 1), models_on(kFast, 40, 11)),
      learn_platform(entry_called("other"), timings_on(kOther, 400, 3), models_on(kOther, 40, 12))};
  return made;
}

template <class Platform>
Outcome outcome_of_models(const Platform& platform, const std::vector<ModelMeasurement>& truth) {
  std::vector<double> predicted, measured;
  double held = 0;
  for (const ModelMeasurement& one : truth) {
    const KernelSum sum = estimate_model(platform, one.model);
    predicted.push_back(sum.latency_ms);
    measured.push_back(one.latency_ms);
    held += sum.low_ms <= one.latency_ms && one.latency_ms <= sum.high_ms;
    double parts = 0;
    for (const double ms : sum.kernel_ms) parts += ms;
    CHECK(parts == Approx(sum.latency_ms));
  }
  return {mdape(predicted, measured), held / double(truth.size())};
}

}  // namespace

TEST_CASE("whole models say how kernels add up", "[pool]") {
  const auto timings = timings_on(kSlow, 1200, 2);
  const auto asked = models_on(kSlow, 40, 5);
  const PoolPlatform alone = learn_platform(entry_called("slow"), timings);
  const PoolPlatform together = learn_platform(entry_called("slow"), timings, models_on(kSlow, 60, 4));
  CHECK(together.entry().models == 60);
  const Outcome before = outcome_of_models(alone, asked), after = outcome_of_models(together, asked);
  CHECK(after.error < 0.02);
  CHECK(after.error < 0.5 * before.error);
  CHECK(after.coverage >= 0.8);

  const PoolPlatform again(together.write());
  CHECK(again.entry().models == 60);
  CHECK(estimate_model(again, asked[0].model).latency_ms ==
        Approx(estimate_model(together, asked[0].model).latency_ms));
}

TEST_CASE("a file whose estimates would be none is refused, and the message says where", "[pool]") {
  const PoolPlatform platform =
      learn_platform(entry_called("slow"), timings_on(kSlow, 60, 2), models_on(kSlow, 20, 4));
  const auto kept = nlohmann::json::parse(read_checkpoint(platform.write()).meta)["composition"];
  const std::size_t terms = kept["share"].size();
  const auto at = [&](std::size_t row, std::size_t column) {
    return "/composition/covariance/" + std::to_string(terms * row + column);
  };
  const auto refused = [&](const std::string& member, double value, const std::string& message) {
    INFO(member);
    Checkpoint checkpoint = read_checkpoint(platform.write());
    auto meta = nlohmann::json::parse(checkpoint.meta);
    meta[nlohmann::json::json_pointer(member)] = value;
    checkpoint.meta = meta.dump();
    CHECK_THROWS_WITH(PoolPlatform(write_checkpoint(checkpoint, Precision::float16)),
                      ContainsSubstring(message));
  };
  const auto covariance = [&](std::size_t row, std::size_t column) {
    return kept["covariance"][terms * row + column].get<double>();
  };
  refused(at(4, 4), -0.5, "composition.covariance, row 5, column 5, a variance: found -0.5");
  refused(at(1, 0), 7, "row 2, column 1: found 7.0; expected ");
  refused(at(0, 0), 1e-9 * covariance(0, 0), "expected a positive one");
  refused("/composition/models", 0, "composition.models: found 0.0; expected a whole number from 1 to ");
  refused("/composition/models", 1.5, "composition.models: found 1.5; expected a whole number");
  refused("/kernels/0/timings", 1e30, "timings of conv: found 1e+30; expected a whole number from 1 to ");
  refused("/composition/share/3", 1e300, "composition.share, factor 4: found 1e+300");
  refused("/composition/noise", -1, "composition.noise: found -1.0; expected 0.0 to 20.0");
  refused("/any/0", 0, "the overhead of any kernel: found 0.0");
  refused("/any/1", 1e300, "the time per multiply-add of any kernel: found 1e+300");
  refused("/kernels/0/roofline/2", -1, "the time per element of conv: found -1.0");
  refused("/kernels/0/error", 1e3, "the error of conv: found 1000.0; expected ");

  // Symmetric, every variance positive, and still no covariance: two factors whose correlation is 2.
  Checkpoint checkpoint = read_checkpoint(platform.write());
  auto meta = nlohmann::json::parse(checkpoint.meta);
  const double beyond = 2 * std::sqrt(covariance(0, 0) * covariance(1, 1));
  meta["composition"]["covariance"][1] = meta["composition"]["covariance"][terms] = beyond;
  checkpoint.meta = meta.dump();
  CHECK_THROWS_WITH(PoolPlatform(write_checkpoint(checkpoint, Precision::float16)),
                    ContainsSubstring("composition.covariance, row 2, column 2: found a pivot of -"));

  checkpoint = read_checkpoint(platform.write());
  for (float& value : checkpoint.tensors[1].values) value *= 65504 / 8;
  CHECK_THROWS_WITH(PoolPlatform(write_checkpoint(checkpoint, Precision::float32)),
                    ContainsSubstring("conv.number, the largest leaves of all trees together: found "));
}

TEST_CASE("a new platform's kernels add up as its own models say, sooner where others do alike",
          "[pool][adapt]") {
  const auto timings = timings_on(kSlow, 400, 6);
  const auto asked = models_on(kSlow, 40, 7);
  const std::vector<PoolPlatform> silent = {
      learn_platform(entry_called("fast"), timings_on(kFast, 400, 1)),
      learn_platform(entry_called("other"), timings_on(kOther, 400, 3))};
  const std::vector<PoolPlatform>& others = with_models();
  const Outcome sum = outcome_of_models(adapt(silent, timings), asked);
  const Outcome unsure = outcome_of_models(adapt(others, timings), asked);
  // Who knows that platforms do not just add up says so.
  CHECK(unsure.error == Approx(sum.error));
  CHECK(unsure.coverage > sum.coverage);
  const auto few = models_on(kSlow, 3, 8), some = models_on(kSlow, 30, 8);
  CHECK(outcome_of_models(adapt(others, timings, few), asked).error <
        outcome_of_models(adapt(silent, timings, few), asked).error);
  const Outcome own = outcome_of_models(adapt(others, timings, some), asked);
  CHECK(own.error < 0.5 * sum.error);
  CHECK(own.coverage >= 0.8);
  CHECK_THROWS_WITH(adapt(others, timings, {{asked[0].model, -1}}), ContainsSubstring("model 1"));
  CHECK_THROWS_WITH(learn_platform(entry_called("x"), timings, {{asked[0].model, 1}, {asked[1].model, 0}}),
                    ContainsSubstring("model 2"));
}

TEST_CASE("kernels timed inside networks add up as they do elsewhere, before any model is known",
          "[pool][adapt]") {
  const auto inside = [](const char* id) {
    PoolEntry entry = entry_called(id);
    entry.timed = Timed::inside;
    return entry;
  };
  const auto learnt = [](const PoolEntry& entry, const Machine& machine, std::uint64_t seed) {
    return learn_platform(entry, timings_on(machine, 300, seed),
                          models_on(machine, 40, seed + 10, beyond_caches));
  };
  const std::vector<PoolPlatform> pool = {learnt(inside("fast"), kFast, 1),
                                          learnt(inside("other"), kOther, 3),
                                          learnt(entry_called("alone"), kFast, 5)};
  const PoolPlatform again(pool[0].write());
  CHECK(again.entry().timed == Timed::inside);
  CHECK(PoolIndex(PoolIndex({"conv,1,7,7,8,8,3,3,1,1", "conv,1,56,56,8,8,3,3,1,1"}, pool).write())
            .platforms()[0]
            .timed == Timed::inside);
  CHECK(timed_so(pool, Timed::inside).size() == 2);
  CHECK(timed_so(pool, Timed::alone).size() == 1);
  CHECK_THROWS_WITH(read_timed("outside"), ContainsSubstring("'outside' found; alone or inside expected"));

  const auto timings = timings_on(kSlow, 400, 6);
  const auto asked = models_on(kSlow, 40, 7, beyond_caches);
  const Outcome sum = outcome_of_models(adapt(pool, timings), asked);
  const Outcome alike = outcome_of_models(adapt(pool, timings, {}, Timed::inside), asked);
  // Not somewhere between the sum and what the others say.
  CHECK(alike.error < 0.25 * sum.error);
  CHECK(alike.coverage >= 0.8);
  // Of platforms timed otherwise nothing is taken over.
  const auto others = timed_so(pool, Timed::alone);
  CHECK(outcome_of_models(adapt(others, timings, {}, Timed::inside), asked).error ==
        Approx(outcome_of_models(adapt(others, timings), asked).error));
}

TEST_CASE("models told on a platform say what kernels of their sizes take there", "[pool][adapt]") {
  // Networks have the same few kernels again and again; every third takes half as much again in them.
  Rng rng(9);
  std::vector<KernelShape> kernels;
  for (int i = 0; i < 40; ++i) kernels.push_back(random_kernel(rng));
  const auto networks = [&](std::size_t count) {
    std::vector<ModelMeasurement> all;
    for (std::size_t i = 0; i < count; ++i) {
      ModelMeasurement one{{}, 0};
      for (int k = 0; k < 8; ++k) {
        const std::size_t chosen = rng.below(kernels.size());
        one.model.kernels.push_back(fused(kernels[chosen]));
        one.latency_ms += beyond_caches(kSlow, kernels[chosen]) * (chosen % 3 == 0 ? 1.5 : 1);
      }
      all.push_back(std::move(one));
    }
    return all;
  };
  const auto inside = [](const char* id, const Machine& machine, std::uint64_t seed) {
    PoolEntry entry = entry_called(id);
    entry.timed = Timed::inside;
    return learn_platform(entry, timings_on(machine, 300, seed),
                          models_on(machine, 40, seed + 10, beyond_caches));
  };
  const std::vector<PoolPlatform> pool = {inside("fast", kFast, 1), inside("other", kOther, 3)};
  const auto told = networks(60), asked = networks(40);
  const Outcome found = outcome_of_models(adapt(pool, timings_on(kSlow, 400, 6), told, Timed::inside), asked);
  CHECK(found.error < 0.01);  // shares alone: .02
  CHECK(found.coverage >= 0.8);
}

TEST_CASE("a latency beyond all measure leaves estimates finite, however kernels were timed",
          "[pool][adapt]") {
  const auto timings = timings_on(kSlow, 60, 6);
  const auto asked = models_on(kSlow, 5, 7);
  std::vector<PoolPlatform> pool;
  for (const Timed timed : {Timed::alone, Timed::inside}) {
    PoolEntry entry = entry_called(name(timed));
    entry.timed = timed;
    pool.push_back(learn_platform(entry, timings_on(kFast, 300, 1), models_on(kFast, 40, 11)));
  }
  for (const double ms : {1e-12, 1e12})
    for (const std::size_t count : {1, 6}) {
      auto told = models_on(kSlow, count, 8);
      told[0].latency_ms = ms;
      for (const Timed timed : {Timed::alone, Timed::inside})
        for (const auto& others : {pool, std::vector<PoolPlatform>{}}) {
          INFO(ms << " ms, " << count << " models, " << name(timed) << ", " << others.size() << " platforms");
          const AdaptedPlatform adapted = adapt(others, timings, told, timed);
          for (const ModelMeasurement& one : asked) {
            const KernelSum sum = estimate_model(adapted, one.model);
            CHECK(std::isfinite(sum.latency_ms));
            CHECK(sum.low_ms > 0);
            CHECK(sum.low_ms <= sum.latency_ms);
            CHECK(sum.latency_ms <= sum.high_ms);
            CHECK(std::isfinite(sum.high_ms));
            for (const double each : sum.kernel_ms) CHECK(each > 0);
          }
        }
    }
}

TEST_CASE("one model that was disturbed does not decide how kernels add up", "[pool][adapt]") {
  const auto timings = timings_on(kSlow, 400, 6);
  auto models = models_on(kSlow, 12, 8);
  models[3].latency_ms *= 4;
  const auto asked = models_on(kSlow, 40, 7);
  CHECK(outcome_of_models(adapt({}, timings, models), asked).error <
        0.8 * outcome_of_models(adapt({}, timings), asked).error);
}

TEST_CASE("models that all take a multiple of the sum are believed, however large it is", "[pool][adapt]") {
  const std::vector<PoolPlatform>& others = with_models();
  const auto timings = timings_on(kSlow, 150, 6);
  const auto asked = models_on(kSlow, 20, 7)[0].model;
  const auto models = models_on(kSlow, 5, 8);
  const double once = estimate_model(adapt(others, timings, models), asked).latency_ms;
  double before = 0;
  for (const double multiple : {0.1, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0}) {
    INFO("times " << multiple);
    auto measured = models;
    for (ModelMeasurement& one : measured) one.latency_ms *= multiple;
    const double found = estimate_model(adapt(others, timings, measured), asked).latency_ms;
    CHECK(found / once > multiple / 1.5);
    CHECK(found / once < multiple * 1.5);
    CHECK(found > before);
    before = found;
  }
}
