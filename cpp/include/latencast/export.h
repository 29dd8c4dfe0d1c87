// Architectures and single kernels as files that other runtimes execute.
#pragma once

#include <cstdint>
#include <string>

#include "latencast/pool.h"
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

/// The same of any network that ends in a vector of classes.
std::string export_onnx(const std::vector<Layer>& layers, const std::string& name,
                        const ExportOptions& options = {});

/// A single kernel as an ONNX model that computes, as a runtime meets it in a network: a convolution has its
/// batch norm and ReLU, an attention is the two products and the softmax between them. Single precision;
/// opset 13, of a layernorm 17. Inputs are "input", "input2" (add, matmul, attention) and "input3"
/// (attention), the output is "output". Throws `argument` for an `other` kernel and for sizes that make none.
std::string export_kernel(const KernelShape& kernel, std::uint64_t seed = 0);

}  // namespace latencast
