// Which kernels of a list to time, so that whole networks can be estimated from them.
#pragma once

#include <cstddef>
#include <vector>

#include "latencast/decompose.h"
#include "latencast/pool.h"

namespace latencast {

/// A kernel that networks are made of.
struct WantedKernel {
  KernelShape kernel;
  double share;  ///< of its network's latency, summed over networks
};

/// Different kernels of `networks`, `other` left out, by what they take on average (geometric mean of
/// `platforms`).
std::vector<WantedKernel> wanted_of(const std::vector<Decomposition>& networks,
                                    const std::vector<PoolPlatform>& platforms);

/// The same of random networks of every family (families.h), none of them one of `latencast kernels
/// networks`.
std::vector<WantedKernel> wanted_of_families(const std::vector<PoolPlatform>& platforms);

/// Indices of `count` candidates, or of all if there are fewer, the most useful first: each is the one that
/// brings the wanted kernels of its type, by their shares, most nearer to a timed one (greedy k-median;
/// distances of smooth_features(), at most 4, beyond which a timing says as little as none).
std::vector<std::size_t> choose_kernels(const std::vector<KernelShape>& candidates,
                                        const std::vector<WantedKernel>& wanted, std::size_t count);

}  // namespace latencast
