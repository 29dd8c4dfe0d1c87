// How good estimates of single kernels are on a platform that is not in the pool.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "latencast/pool.h"
#include "perceptrons.h"

namespace latencast {

struct KernelProtocol {
  std::string method = "pool";     ///< one of kernel_methods()
  std::size_t samples = 100;       ///< timings to adapt to, drawn at random
  std::size_t scored_at_most = 0;  ///< that many of the others, the same for every seed; 0: all of them
  int seeds = 5;
  PerceptronOptions perceptron = {};
};

/// pool: adapt(); alone: the same without a pool; extra-trees: on logarithms of the shape, their mean;
/// litepred: AdaptedPerceptrons; perceptron: the same without a pool.
const std::vector<std::string>& kernel_methods();

/// Platforms of other chips than this one.
std::vector<PoolPlatform> without_chip(const std::vector<PoolPlatform>& pool, const std::string& chip);

/// perceptrons: the pool of litepred. {"spearman": {"mean", "std"}, ..., "kernels": {"conv": {...}},
/// "seconds", "samples", "seeds", "kernels_scored", "nearest"}, over seeds. Throws `argument` where there are
/// too few timings.
nlohmann::json evaluate_kernels(const std::vector<PoolPlatform>& pool,
                                const std::vector<KernelTiming>& timings, const KernelProtocol& protocol,
                                const std::vector<PerceptronPlatform>& perceptrons = {});

}  // namespace latencast
