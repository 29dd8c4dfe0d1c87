// A network as it is built: its layers, and which reads what.
#pragma once

#include <cstddef>
#include <vector>

#include "latencast/kernel.h"

namespace latencast {

/// One layer of a network; its place in the list names its result. Batch norm belongs to its kernel.
struct Layer {
  enum class Type {
    input,   ///< the image; the first layer, and no other
    kernel,  ///< what `kernel` says: an `add` reads two results, a `scale` without norm a result and its
             ///< gate, one per channel
    relu,    ///< max(x, 0)
    hard_sigmoid,  ///< min(max(x / 6 + 1/2, 0), 1)
    hard_swish,    ///< x hard_sigmoid(x)
    zero,          ///< 0 x: computed all the same
    shuffle,       ///< channels of `kernel.groups` groups dealt out in turn
    flatten,       ///< 1x1 images as a vector
  };

  Type type = Type::input;
  Kernel kernel = {};
  std::vector<std::size_t> inputs = {};  ///< results it reads, all earlier
};

}  // namespace latencast
