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

/// Throws `measurement` on a latency that is not finite and positive. who: what the message begins with.
std::vector<double> log_latencies(const std::vector<KernelTiming>& timings, const std::string& who);
void check_models(const std::vector<ModelMeasurement>& models, const std::string& who);

/// Sum of kernels whose errors go together within a type. error: standard deviation of each kernel's
/// logarithm.
KernelSum sum_of(const std::vector<KernelShape>& kernels, const std::vector<KernelEstimate>& estimates);

}  // namespace latencast
