// The layers a device executes: what an architecture costs, before any device is asked.
#pragma once

#include <cstdint>
#include <vector>

namespace latencast {

/// One layer as a runtime executes it, on a batch of one. Batch norm and activation count with their
/// convolution.
struct Kernel {
  enum class Type { conv, linear, avg_pool, global_pool, add, scale };

  Type type = Type::conv;
  int height = 1, width = 1;  ///< of the input, in pixels
  int in_channels = 1;
  int out_channels = 1;
  int size = 1;  ///< window is size x size
  int stride = 1;
  int groups = 1;     ///< in_channels for a depthwise convolution
  bool bias = false;  ///< of a convolution or linear layer
  bool norm = true;   ///< a batch norm follows (a convolution), or is all there is (a scale)

  int out_height() const { return (height + stride - 1) / stride; }
  int out_width() const { return (width + stride - 1) / stride; }
  bool depthwise() const { return type == Type::conv && groups > 1 && groups == in_channels; }

  std::int64_t macs() const;     ///< multiply-adds of convolutions and linear layers; 0 for the rest
  std::int64_t params() const;   ///< weights, biases, the norm's scale and shift
  std::int64_t inputs() const;   ///< elements read; an `add` reads twice its output
  std::int64_t outputs() const;  ///< elements written
};

}  // namespace latencast
