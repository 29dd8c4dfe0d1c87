// The layers that the networks of the spaces are made of, by the few numbers that differ. Images are square.
#pragma once

#include "latencast/kernel.h"

namespace latencast::layer {

inline Kernel convolution(int pixels, int in, int out, int size, int stride = 1, int groups = 1) {
  Kernel kernel;
  kernel.height = kernel.width = pixels;
  kernel.in_channels = in;
  kernel.out_channels = out;
  kernel.size = size;
  kernel.stride = stride;
  kernel.groups = groups;
  return kernel;
}

inline Kernel depthwise(int pixels, int channels, int size, int stride = 1) {
  return convolution(pixels, channels, channels, size, stride, channels);
}

/// A layer that keeps its channels and has no convolution in it.
inline Kernel plain(Kernel::Type type, int pixels, int channels, int size = 1, int stride = 1) {
  Kernel kernel = convolution(pixels, channels, channels, size, stride);
  kernel.type = type;
  kernel.norm = false;
  return kernel;
}

inline Kernel add(int pixels, int channels) { return plain(Kernel::Type::add, pixels, channels); }
inline Kernel scale(int pixels, int channels) { return plain(Kernel::Type::scale, pixels, channels); }

/// A batch norm that follows no convolution.
inline Kernel batch_norm(int pixels, int channels) {
  Kernel kernel = scale(pixels, channels);
  kernel.norm = true;
  return kernel;
}

inline Kernel average_pool(int pixels, int channels, int size, int stride) {
  return plain(Kernel::Type::avg_pool, pixels, channels, size, stride);
}

inline Kernel global_pool(int pixels, int channels) {
  return plain(Kernel::Type::global_pool, pixels, channels, pixels, pixels);
}

inline Kernel linear(int in, int out) {
  Kernel kernel = convolution(1, in, out, 1);
  kernel.type = Kernel::Type::linear;
  kernel.bias = true;
  kernel.norm = false;
  return kernel;
}

}  // namespace latencast::layer
