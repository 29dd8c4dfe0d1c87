// What a platform of the pool is made of.
#pragma once

#include <optional>

#include "composition.h"
#include "latencast/pool.h"
#include "roofline.h"
#include "trees.h"

namespace latencast {

struct PoolPlatform::State {
  struct Predictor {
    Roofline roofline;
    Trees trees;  // of log latency over the roofline's
  };

  PoolEntry entry;
  Roofline any;                                    // of all types together
  std::array<Predictor, kKernelTypes> predictors;  // of types with timings
  std::optional<Composition> composition;          // where whole models were measured

  bool knows(KernelType type) const { return entry.timings[static_cast<std::size_t>(type)] > 0; }
  double log_ms(const KernelShape& kernel, const KernelFeatures& features) const;
};

/// What a platform's estimates are to be shifted by to fit timings, in log: for each type, drawn to the one
/// of all types where it has few.
struct Shift {
  double all = 0;
  std::array<double, kKernelTypes> type{};
};

/// A platform of a pool beside timings.
struct Judged {
  Similarity similarity;
  double loss;  ///< what the order goes by
  Shift shift;
};

/// What a platform says of the kernels of some timings.
struct Claims {
  const PoolEntry* entry;
  std::vector<double> log_ms;  ///< of each timing's kernel
};

/// Most similar first. log_ms: what was timed. `platform` is an index into `platforms`.
std::vector<Judged> judge(const std::vector<Claims>& platforms, const std::vector<KernelTiming>& timings,
                          const std::vector<double>& log_ms);

/// Of each timing. Throws `measurement` on a latency that is not finite and positive, naming it by its number
/// from 1. who: what the message begins with.
std::vector<double> log_latencies(const std::vector<KernelTiming>& timings, const std::string& who);
/// Throws as that does.
void check_models(const std::vector<ModelMeasurement>& models, const std::string& who);

/// Standard deviations of a normal, either side of its middle, between which 90 % of it lie.
constexpr double kCovered90 = 1.645;

/// Timings or models that a platform may say it has: far above what any has.
constexpr std::int64_t kMostCounted = 1'000'000'000;

/// Sum of kernels whose errors go together within a type and not between types. estimates: of each.
KernelSum sum_of(const std::vector<KernelShape>& kernels, const std::vector<KernelEstimate>& estimates);

}  // namespace latencast
