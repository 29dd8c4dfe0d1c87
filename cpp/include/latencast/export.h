// Architectures as files that other runtimes execute.
#pragma once

#include <cstdint>
#include <string>

#include "latencast/space.h"

namespace latencast {

struct ExportOptions {
  int pixels = 0;          ///< of the square image; 0: as the architecture has it; ImageNet16-120 has 16
  int classes = 0;         ///< 0: as the space has it; ImageNet16-120 has 120
  std::uint64_t seed = 0;  ///< of the weights
};

/// The network of a canonical architecture as an ONNX model (opset 13, single precision, batch of one) that
/// computes: weights are drawn at random, so scaled that activations neither fade nor explode, and none is
/// zero or denormal, which some processors treat faster or slower; those of large layers repeat after some
/// thousand, so that files pack well. One input "input" (1, 3, pixels, pixels), one output "output" (1,
/// classes). Every operation of the architecture is in it, dead or alive: an absent edge of NAS-Bench-201
/// multiplies by zero, as in the benchmark's own program, so multiply-adds and parameters are those of the
/// space. Throws `argument` where pixels or classes make no network.
std::string export_onnx(const Space& space, const Architecture& architecture,
                        const ExportOptions& options = {});

}  // namespace latencast
