// Families of networks whose kernels people run: the built-in spaces and those of other papers. Where
// LitePred's configurations come from, and whole networks to measure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "latencast/layer.h"
#include "latencast/pool.h"
#include "latencast/rng.h"

namespace latencast {

struct Family {
  std::string id, title;
  std::function<std::vector<Layer>(Rng&)> draw;  ///< a network, all choices equally likely
};

/// nb201, fbnet, ofa; proxyless (Cai et al., ICLR 2019), mnasnet (Tan et al., CVPR 2019: sizes of kernels,
/// expansions, squeeze-excite by stage) and resnet (bottlenecks and plain blocks of chosen depths and widths,
/// as in OFA's, Cai et al., ICLR 2020).
const std::vector<Family>& families();

struct NamedNetwork {
  std::string name;  ///< its family and its number there, "nb201-0"
  std::vector<Layer> layers;
};

/// So many of each family, always the same for one seed.
std::vector<NamedNetwork> networks_of_families(int count, std::uint64_t seed = 1);

/// Kernels of a network as ONNX Runtime fuses them.
std::vector<KernelShape> kernels_of(const std::vector<Layer>& network);

}  // namespace latencast
