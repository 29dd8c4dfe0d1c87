// Layers of a network, written down one after the other.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "latencast/layer.h"

namespace latencast {

/// Begins with the input, result 0. Every call adds a layer and returns its result.
class LayerList {
 public:
  std::size_t run(const Kernel& kernel, std::initializer_list<std::size_t> inputs) {
    return put({Layer::Type::kernel, kernel, inputs});
  }
  std::size_t apply(Layer::Type type, std::size_t input) { return put({type, {}, {input}}); }
  std::size_t relu(std::size_t input) { return apply(Layer::Type::relu, input); }
  std::size_t shuffle(std::size_t input, int groups) {
    Kernel kernel;
    kernel.groups = groups;
    return put({Layer::Type::shuffle, kernel, {input}});
  }

  std::vector<Layer> finish() && { return std::move(layers_); }

 private:
  std::size_t put(Layer layer) {
    layers_.push_back(std::move(layer));
    return layers_.size() - 1;
  }

  std::vector<Layer> layers_ = {Layer{}};
};

}  // namespace latencast
