// One ONNX graph, written node by node; its weights are drawn at random. Field numbers of
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <utility>
#include <vector>

#include "latencast/rng.h"

namespace latencast {

using Shape = std::vector<std::int64_t>;

class OnnxWriter {
 public:
  using Attributes = protozero::pbf_writer;

  static constexpr std::int32_t kFloat = 1, kInt64 = 7;  // TensorProto.DataType

  OnnxWriter(const std::string& name, std::uint64_t seed) : rng_(seed) { graph_.add_string(2, name); }

  // 13 is the newest that every converter in use reads.
  static constexpr std::int64_t kOpset = 13;

  /// The whole file, of everything that was put.
  std::string finish(std::int64_t opset = kOpset) {
    std::string file;
    Attributes model(file);
    model.add_int64(1, opset <= kOpset ? 7 : 8);  // the file version of its time
    model.add_string(2, "latencast");
    {
      Attributes set(model, 8);
      set.add_string(1, "");
      set.add_int64(2, opset);
    }
    model.add_message(7, graph_bytes_);
    return file;
  }

  void put_input(const std::string& name, const Shape& shape) { put_value(11, name, shape); }
  void put_output(const std::string& name, const Shape& shape) { put_value(12, name, shape); }

  // --- Weights ---

  static constexpr float kSmall = .1F;  ///< how far biases are from 0, scales from 1

  // Of variance 2 / fan_in: a ReLU then keeps the size of activations (He et al., ICCV 2015).
  void put_weights(const std::string& name, const Shape& shape, std::int64_t fan_in) {
    const float bound = std::sqrt(6.F / static_cast<float>(fan_in));
    put_uniform(name, shape, -bound, bound);
  }

  // Large tensors repeat what was drawn for their beginning: they pack to little, within deflate's 32 kB. A
  // prime divides no filter's size, so filters differ.
  static constexpr std::size_t kPeriod = 2039;

  void put_uniform(const std::string& name, const Shape& shape, float low, float high) {
    std::size_t count = 1;
    for (const std::int64_t length : shape) count *= static_cast<std::size_t>(length);
    std::vector<float> values(count);
    // Two of 23 bits from one draw, in the middle of their steps: exact, so that none is zero.
    const float step = (high - low) / static_cast<float>(1 << 23);
    const auto value = [&](std::uint64_t bits) {
      return low + step * (static_cast<float>(bits & 0x7fffff) + .5F);
    };
    const std::size_t drawn = std::min(count, kPeriod);
    for (std::size_t i = 0; i < drawn; i += 2) {
      const std::uint64_t bits = rng_.bits();
      values[i] = value(bits >> 41);
      if (i + 1 < drawn) values[i + 1] = value(bits >> 8);
    }
    for (std::size_t i = drawn; i < count; ++i) values[i] = values[i - drawn];
    put_tensor(name, kFloat, shape, values);
  }

  // --- ONNX ---

  template <class T>
  void put_tensor(const std::string& name, std::int32_t type, const Shape& shape,
                  const std::vector<T>& values) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    Attributes tensor(graph_, 5);
    for (const std::int64_t length : shape) tensor.add_int64(1, length);
    tensor.add_int32(2, type);
    tensor.add_string(8, name);
    tensor.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }

  void put_node(const char* op, const std::vector<std::string>& inputs, const std::string& output) {
    put_node(op, inputs, output, [](Attributes&) {});
  }

  template <class PutAttributes>
  void put_node(const char* op, const std::vector<std::string>& inputs, const std::string& output,
                const PutAttributes& put_attributes) {
    Attributes node(graph_, 1);
    for (const std::string& input : inputs) node.add_string(1, input);
    node.add_string(2, output);
    node.add_string(3, std::string(op) + "_" + output);
    node.add_string(4, op);
    put_attributes(node);
  }

  static void put_ints(Attributes& node, const char* name, const Shape& values) {
    Attributes attribute(node, 5);
    attribute.add_string(1, name);
    for (const std::int64_t value : values) attribute.add_int64(8, value);
    attribute.add_int32(20, 7);  // INTS
  }

  static void put_ints(Attributes& node, const char* name, std::int64_t value) {
    Attributes attribute(node, 5);
    attribute.add_string(1, name);
    attribute.add_int64(3, value);
    attribute.add_int32(20, 2);  // INT
  }

  static void put_real(Attributes& node, const char* name, float value) {
    Attributes attribute(node, 5);
    attribute.add_string(1, name);
    attribute.add_float(2, value);
    attribute.add_int32(20, 1);  // FLOAT
  }

  // --- Nodes that several write ---

  void put_norm(std::int64_t channels, const std::string& from, const std::string& name) {
    put_uniform(name + "_scale", {channels}, 1 - kSmall, 1 + kSmall);
    put_uniform(name + "_shift", {channels}, -kSmall, kSmall);
    put_uniform(name + "_mean", {channels}, -kSmall, kSmall);
    put_uniform(name + "_var", {channels}, 1 - kSmall, 1 + kSmall);
    put_node("BatchNormalization", {from, name + "_scale", name + "_shift", name + "_mean", name + "_var"},
             name);
  }

  void put_hard_sigmoid(const std::string& from, const std::string& name) {
    put_node("HardSigmoid", {from}, name, [](Attributes& node) { put_real(node, "alpha", 1.F / 6); });
  }

 private:
  void put_value(std::uint32_t field, const std::string& name, const Shape& lengths) {
    Attributes value(graph_, field);
    value.add_string(1, name);
    Attributes type(value, 2);
    Attributes tensor(type, 1);
    tensor.add_int32(1, kFloat);
    Attributes shape(tensor, 2);
    for (const std::int64_t length : lengths) {
      Attributes dimension(shape, 1);
      dimension.add_int64(1, length);
    }
  }

  Rng rng_;
  std::string graph_bytes_;
  Attributes graph_{graph_bytes_};
};

}  // namespace latencast
