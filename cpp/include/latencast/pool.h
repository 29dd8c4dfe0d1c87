// Latencies of single kernels on many platforms -> the latency of any kernel on any of them, and on a new
// platform from a few kernels timed there.
//
// After LitePred (Feng et al., NSDI 2024): a pool of platforms with a predictor for each kernel type, the
// platforms most similar to a new one, adaptation. What is ours: predictors are boosted trees over physical
// features, several similar platforms serve at once, and the estimate of a kernel is the most likely latency
// of a whole distribution, because libraries that switch algorithms make latency jump (docs/kernels.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/decompose.h"

namespace latencast {

constexpr std::size_t kKernelTypes = static_cast<std::size_t>(KernelType::other) + 1;

/// What of a kernel decides its latency; sizes as in FusedKernel. An `other` kernel is known by its traffic
/// alone: cin elements in, cout elements out.
struct KernelShape {
  KernelType type = KernelType::other;
  std::int64_t n = 1, h = 1, w = 1, cin = 1, cout = 1, out_h = 1, out_w = 1;
  std::int64_t kh = 1, kw = 1, stride_h = 1, stride_w = 1, dilation = 1, groups = 1;
};

KernelShape shape_of(const FusedKernel& kernel);

/// The kernel that FusedKernel::key() names, e.g. "conv,1,56,56,64,128,3,3,2,1". Fields that are empty or
/// left out at the end are what they usually are: 1; cout is cin, kw is kh, groups of a dwconv are its
/// channels. Throws `argument` for a type that is not known (an `other` kernel is not known by its sizes) and
/// for sizes that are no whole numbers from 1.
KernelShape read_kernel(std::string_view key);

/// The type called "conv", "dwconv", ..., or as LitePred and nn-Meter call it, "conv-bn-relu",
/// "global-avgpool", ...; throws `argument` and lists them otherwise.
KernelType kernel_type(std::string_view name);

struct KernelTiming {
  KernelShape kernel;
  double latency_ms;
};

struct KernelEstimate {
  double latency_ms, low_ms, high_ms;  ///< the interval is to hold 90 % of the time
};

/// How kernels were timed: each as a model of its own, or inside a network (export.h). Alone, they pay for
/// the call and for laying images out anew, and how they add up differs from runtime to runtime; inside,
/// hardly.
enum class Timed { alone, inside };

std::string name(Timed timed);
/// Throws `checkpoint` on another word.
Timed read_timed(const std::string& text);

/// What identifies a platform of the pool.
struct PoolEntry {
  std::string id;      ///< unique and a file's name, e.g. "miopen-gfx906_60-hip-fp32"
  std::string title;   ///< for people, e.g. "AMD gfx906, 60 units, MIOpen, FP32"
  std::string chip;    ///< equal for all precisions, runtimes and settings of one chip
  std::string source;  ///< the data set
  Timed timed = Timed::alone;
  std::array<std::int32_t, kKernelTypes> timings{};  ///< how many of each type it learnt from
  std::array<double, kKernelTypes> error{};  ///< standard deviation of log latency about its predictions, of
                                             ///< timings it did not learn from; 0 for types without timings
  int models = 0;                            ///< whole models that say how its kernels add up; 0: as a sum
};

/// The latency of a model, out of its kernels: their sum, where nothing is known of how they add up.
struct KernelSum {
  double latency_ms, low_ms, high_ms;
  std::vector<double> kernel_ms;  ///< of each kernel, in their order
};

/// A platform whose kernels were timed; an immutable value.
class PoolPlatform {
 public:
  /// Of the bytes of write(); throws `checkpoint` on anything else.
  explicit PoolPlatform(std::string_view bytes);

  std::string write() const;

  const PoolEntry& entry() const;

  /// Latency. A type it has no timings of is estimated by its work and traffic, as all its other kernels go.
  double latency_ms(const KernelShape& kernel) const;
  KernelEstimate estimate(const KernelShape& kernel) const;

  struct State;  // src/pool_state.h
  explicit PoolPlatform(std::shared_ptr<const State> state);
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// Learns a platform from its timings, and from whole models measured there how kernels add up to a model.
/// entry: id, title, chip and source; the rest is filled in. Throws `measurement` on a latency that is not
/// finite and positive, naming it by its number from 1, or if there are no timings.
PoolPlatform learn_platform(const PoolEntry& entry, const std::vector<KernelTiming>& timings,
                            const std::vector<ModelMeasurement>& models = {}, std::uint64_t seed = 1);

/// The family of decompose() that fuses least: no kernel is hidden in another.
constexpr const char* kFusesLeast = "tflite";

/// Whose fusions a platform's kernels are to be had by: a family of decompose(). Kernels timed alone are
/// timed fused, so that is "onnxruntime", which fuses what all runtimes do, where the platform's own runtime
/// is not a family. Kernels timed inside networks show by themselves what is fused there: of these it is
/// kFusesLeast, whatever the runtime.
const char* runtime_family(const PoolEntry& platform);

/// How much a new platform resembles one of the pool.
struct Similarity {
  std::size_t platform;  ///< its index in the pool
  double error;          ///< median relative error of its predictions there, each type scaled to fit
  double scale;          ///< by which its latencies are to be multiplied
  double share;          ///< of the platforms' common estimate, from 0; the shares sum to 1
};

/// Of all platforms, most similar first: by their predictors' errors on the timings, up to one factor for
/// each kernel type. Platforms without any of the timed types come last. Throws `measurement` where a latency
/// is not finite and positive, naming it by its number from 1.
std::vector<Similarity> similarities(const std::vector<PoolPlatform>& pool,
                                     const std::vector<KernelTiming>& timings);

/// The same as LitePred does it: latencies of a type become a distribution over its kernels, and the error is
/// the Kullback-Leibler divergence of the measured one from the predicted one, summed over types by their
/// number of timings.
std::vector<Similarity> similarities_by_divergence(const std::vector<PoolPlatform>& pool,
                                                   const std::vector<KernelTiming>& timings);

/// Of a pool, those timed so.
std::vector<PoolPlatform> timed_so(const std::vector<PoolPlatform>& pool, Timed timed);

/// As many of the most similar platforms, by PoolIndex, serve a new one as well as all do.
constexpr std::size_t kPlatformsToLoad = 16;

/// What a pool has, and which of its platforms a new one resembles, before any of them is read: of each its
/// latencies of the same few kernels. An immutable value.
class PoolIndex {
 public:
  /// probes: keys of kernels, different ones of every type that matters. As read_kernel() throws.
  PoolIndex(std::vector<std::string> probes, const std::vector<PoolPlatform>& pool);

  /// Of the JSON text that write() makes; throws `checkpoint` on anything else.
  explicit PoolIndex(std::string_view json);

  /// Latencies are stored in 64 steps, each platform's from its least to its most.
  std::string write() const;

  /// Their errors are not known here.
  const std::vector<PoolEntry>& platforms() const { return platforms_; }

  /// What to time on a new platform.
  const std::vector<std::string>& probes() const { return probes_; }

  /// As similarities() of the whole pool, but for the error of reading from the probes what the platforms
  /// take for the kernels that were timed; of probes themselves it is half a step. Timings of types without
  /// probes do not count. Throws as that does, and `measurement` where none counts.
  std::vector<Similarity> similarities(const std::vector<KernelTiming>& timings) const;

 private:
  std::vector<std::string> probes_;
  std::vector<KernelShape> kernels_;
  std::vector<PoolEntry> platforms_;
  std::vector<std::vector<double>> log_ms_;  // of each platform's probes; 0 where it does not know the type
};

/// A platform known by a few timings and by the pool; an immutable value.
class AdaptedPlatform {
 public:
  std::vector<KernelEstimate> estimate(const std::vector<KernelShape>& kernels) const;

  /// The whole pool, most similar first.
  const std::vector<Similarity>& nearest() const;

  /// Indices of timings that fit nothing and were left out.
  const std::vector<std::size_t>& set_aside() const;

  struct State;  // src/adapt.cpp
  explicit AdaptedPlatform(std::shared_ptr<const State> state);
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// From a few timings, and from whole models measured there, of which there may be none. How kernels add up
/// is then what platforms of the pool have in common that were timed alike: about a sum where kernels were
/// timed alone, more than one where they were inside a network; there the models say besides what kernels of
/// their sizes take in them. pool: may be empty. timings: at least 2, else
/// throws `measurement`; or where a latency is not finite and positive, naming it by its number from 1. The
/// same timings give the same platform.
AdaptedPlatform adapt(const std::vector<PoolPlatform>& pool, const std::vector<KernelTiming>& timings,
                      const std::vector<ModelMeasurement>& models = {}, Timed timed = Timed::alone);

/// A model on a platform. Errors of kernels of one type go together, those of different types do not: that is
/// how wide the interval is, or narrower where models that were measured there have like kernels.
KernelSum estimate_model(const PoolPlatform& platform, const Decomposition& model);
KernelSum estimate_model(const AdaptedPlatform& platform, const Decomposition& model);

}  // namespace latencast
