// What the network is told of a node besides its label, in spaces whose networks are chains of stages.
#pragma once

#include <vector>

#include "latencast/kernel.h"

namespace latencast {

/// Where a node stands and what shape it gives its input.
struct NodeSite {
  int in_channels, out_channels;
  int in_pixels, out_pixels;  ///< side of the image
  int stage = -1;             ///< from 0; -1 for the input and output nodes
  int in_stage = 0;           ///< place among the blocks of its stage, from 0
  float depth = 0;            ///< 0 the input ... 1 the output
};

/// Length of node_features().
int node_feature_width(int stages);

/// In this order, each about -1..1 (logarithms to base 2, centred; -1 where there is nothing of a kind):
///   0  multiply-adds of dense, pointwise and group convolutions and linear layers    1  of depthwise ones up
///   to 3x3 2  of larger depthwise ones     3  parameters      4  elements read      5  elements written 6
///   number of kernels / 8        7  channels in     8  channels out       9  channels of the widest layer
///  10  side of the image in        11  and out        12  1 if the image gets smaller
///  13  1 if a convolution is in groups (not depthwise)   14  1 if squeeze-excite   15  1 if it executes
///  nothing 16..  one-hot stage; then the place in the stage / 4; then the place in the network, 0..1.
std::vector<float> node_features(const std::vector<Kernel>& kernels, const NodeSite& site, int stages);

}  // namespace latencast
