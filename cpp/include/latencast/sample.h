// Which architectures to measure on a new device (NASFLAT, arXiv 2403.02446, section 5). No sampler sees a
// latency of that device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latencast/encode.h"

namespace latencast {

/// "random"; "params" (as many equal buckets of the sorted parameter count, one at random from each); and,
/// for each encoding E of arch2vec, cate, zcp, caz, "kmeans-E" (nearest to each centre), "cosine-E" (buckets
/// of the mean cosine similarity to the rest) and "both-E" (half by each).
const std::vector<std::string>& sampler_names();

/// Whether the sampler needs an encoder.
bool needs_encoder(const std::string& sampler);

/// `count` distinct indices of `pool`. encoder: of the pool's space; may be null where needs_encoder() is
/// false. Throws `argument` on an unknown sampler, a missing encoder, or count > pool.size().
std::vector<std::size_t> choose_samples(const std::string& sampler, const Space& space,
                                        const std::vector<Architecture>& pool, std::size_t count,
                                        const Encoder* encoder, std::uint64_t seed);

}  // namespace latencast
