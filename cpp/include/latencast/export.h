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

// --- Kernels inside a network ---
//
// Timed alone, a kernel pays for the call and may have its images laid out anew on the way in and out.
// Between two pointwise convolutions it does not; what those take is halfway between what references take,
// which are nothing but them. With t0 of the reference of kNoImage,
//
//     latency_ms = t(inside) - t0 - sum over references_of(kernel) of (t(reference) - t0) / 2,
//
// and what is not between images (fc, matmul, layernorm, softmax, attention) takes t(alone) - t0.

struct ImageShape {
  std::int64_t n = 1, channels = 8, h = 1, w = 1;
};

constexpr ImageShape kNoImage{};

/// Whether the kernel comes from an image and makes one, as a convolution does.
bool passes_images(KernelType type);

/// A kernel between two pointwise convolutions, from 8 channels ("outside") and to 8 ("outer"); one of up to
/// 4 channels has none before it. Throws like export_kernel, and `argument` unless it passes images.
std::string export_kernel_inside(const KernelShape& kernel, std::uint64_t seed = 0);

/// From 8 channels to those of the image and back.
std::string export_reference(const ImageShape& image, std::uint64_t seed = 0);

/// Images that surround the kernel: those before it, of which add has two, then that behind it.
std::vector<ImageShape> references_of(const KernelShape& kernel);

}  // namespace latencast
