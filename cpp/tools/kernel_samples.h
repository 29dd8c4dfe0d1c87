// Which configurations of kernels to time: those that networks have, ones invented after them (LitePred,
// Feng et al., NSDI 2024, section 4), or random ones as nn-Meter's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autoencoder.h"
#include "latencast/pool.h"
#include "latencast/rng.h"

namespace latencast {

enum class Dimension { pixels, channels_in, channels_out, window, stride };
constexpr std::size_t kDimensions = 5;

const char* name(Dimension dimension);

/// In which of them configurations of a type differ: conv in all, dwconv and pools not in channels out, fc in
/// channels, gap, add, se, swish and hswish in pixels and channels in. Throws `argument` for other types.
const std::vector<Dimension>& dimensions_of(KernelType type);

/// A kernel on a batch of one, images and windows square: a number for each dimension, 1 where the type has
/// none.
using Configuration = std::array<std::int64_t, kDimensions>;

KernelShape shape_of(KernelType type, const Configuration& configuration);

/// Whether `kernel` is its type's shape_of() some configuration, and then that.
bool read_configuration(const KernelShape& kernel, Configuration& configuration);

/// Kernels of random networks, as many networks of each family (families.h).
std::vector<KernelShape> kernels_of_families(std::size_t networks, std::uint64_t seed);

/// Configurations of those of one type, as often as they are there. Throws `argument` where there is none.
std::vector<Configuration> occurring(KernelType type, const std::vector<KernelShape>& kernels);

/// A stream of configurations of one type.
using ConfigurationSampler = std::function<Configuration(Rng&)>;

/// One of `known` at a time, each as often as it is there.
ConfigurationSampler sample_known(std::vector<Configuration> known);

/// Every dimension by itself, after sampling_conv_random of nn-Meter: pixels of {1, 7, 8, 13, 14, 27, 28, 32,
/// 56, 112, 224}, windows of {1, 3, 5, 7} (pools: {2, 3}), strides of {1, 2, 4}, 3 to 2,160 channels in and
/// 16 to 2,048 out, but their logarithms uniform, where nn-Meter has the numbers, and none with more
/// multiply-adds than the largest of `known`, so that all can be timed.
ConfigurationSampler sample_at_random(KernelType type, const std::vector<Configuration>& known);

/// By an auto-encoder trained on `known`: what it decodes from N(0, 1), clipped to the range of `known`,
/// windows, strides and pixels to the nearest in it, channels to multiples of 8, or to those of an image.
ConfigurationSampler sample_like(KernelType type, const std::vector<Configuration>& known,
                                 const AutoencoderOptions& options);

/// `count` different ones in the order of their first appearance. Throws `argument` where 1,000 draws in turn
/// bring none that is new.
std::vector<Configuration> distinct(const ConfigurationSampler& sampler, std::size_t count,
                                    std::uint64_t seed);

/// Kullback-Leibler divergence of `found` from `real`, in nats, of histograms; that of `found` is mixed with
/// 1 % of an even one over the bins that either occupies. Windows and strides are bins of their own; of
/// pixels and channels a bin is half an octave, and an octave in the joint histogram.
struct Divergence {
  std::vector<double> of_dimension;  ///< in the order of dimensions_of()
  double joint = 0;
};
Divergence divergence(KernelType type, const std::vector<Configuration>& real,
                      const std::vector<Configuration>& found);

/// The lines of a CSV table kernel,n,h,w,cin,cout,kh,kw,stride,groups.
std::string csv_of(KernelType type, const std::vector<Configuration>& configurations);

}  // namespace latencast
