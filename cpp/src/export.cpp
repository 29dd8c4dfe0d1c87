// ONNX: field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
#include "latencast/export.h"

#include <algorithm>
#include <cmath>
#include <protozero/pbf_writer.hpp>
#include <vector>

#include "latencast/error.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

using protozero::pbf_writer;
using Shape = std::vector<std::int64_t>;

// 13 is the newest that every converter in use reads; 7 is the file version of its time.
constexpr std::int64_t kOpset = 13, kFileVersion = 7;
constexpr std::int32_t kFloat = 1, kInt64 = 7;  // TensorProto.DataType
constexpr int kMostPixels = 1024, kMostClasses = 1 << 16;

// What a layer computed.
struct Result {
  std::string name;
  int channels = 0, pixels = 0;
};

class OnnxWriter {
 public:
  OnnxWriter(const std::vector<Layer>& layers, const ExportOptions& options, std::string name)
      : layers_(layers), options_(options), name_(std::move(name)), rng_(options.seed) {}

  std::string write() {
    for (const Layer& layer : layers_) results_.push_back(put(layer));
    const Result& last = results_.back();
    graph_.add_string(2, name_);
    put_value(11, results_.front().name, {1, 3, results_.front().pixels, results_.front().pixels});
    put_value(12, last.name, {1, last.channels});

    std::string file;
    pbf_writer model(file);
    model.add_int64(1, kFileVersion);
    model.add_string(2, "latencast");
    {
      pbf_writer opset(model, 8);
      opset.add_string(1, "");
      opset.add_int64(2, kOpset);
    }
    model.add_message(7, graph_bytes_);
    return file;
  }

 private:
  Result put(const Layer& layer) {
    const std::size_t number = results_.size();
    const bool last = number + 1 == layers_.size();
    if (layer.type == Layer::Type::input) {
      const Kernel& stem = layers_[1].kernel;
      return {"input", stem.in_channels, options_.pixels ? options_.pixels : stem.height};
    }
    const Result& from = results_[layer.inputs[0]];
    const std::string name = last ? "output" : "x" + std::to_string(number);
    switch (layer.type) {
      case Layer::Type::input:
        break;
      case Layer::Type::kernel:
        return put_kernel(layer, from, name, last);
      case Layer::Type::relu:
        put_node("Relu", {from.name}, name);
        break;
      case Layer::Type::hard_sigmoid:
        put_hard_sigmoid(from.name, name);
        break;
      case Layer::Type::hard_swish:
        put_hard_sigmoid(from.name, name + "_gate");
        put_node("Mul", {from.name, name + "_gate"}, name);
        break;
      case Layer::Type::zero:
        if (!has_zero_) put_tensor("zero", kFloat, {}, std::vector<float>{0});
        has_zero_ = true;
        put_node("Mul", {from.name, "zero"}, name);
        break;
      case Layer::Type::shuffle:
        put_shuffle(from, layer.kernel.groups, name);
        break;
      case Layer::Type::flatten:
        put_node("Flatten", {from.name}, name);
        break;
    }
    return {name, from.channels, from.pixels};
  }

  Result put_kernel(const Layer& layer, const Result& from, const std::string& name, bool last) {
    Kernel kernel = layer.kernel;
    if (kernel.type == Kernel::Type::linear && last && options_.classes)
      kernel.out_channels = options_.classes;
    const int pixels = (from.pixels + kernel.stride - 1) / kernel.stride;
    switch (kernel.type) {
      case Kernel::Type::conv:
        put_convolution(kernel, from.name, name);
        return {name, kernel.out_channels, pixels};
      case Kernel::Type::linear:
        put_linear(kernel, layer, from.name, name);
        return {name, kernel.out_channels, 1};
      case Kernel::Type::avg_pool:
        put_node("AveragePool", {from.name}, name, [&](pbf_writer& node) {
          put_window(node, kernel);
          put_ints(node, "count_include_pad", 0);
        });
        return {name, from.channels, from.pixels / kernel.stride};
      case Kernel::Type::global_pool:
        put_node("GlobalAveragePool", {from.name}, name);
        return {name, from.channels, 1};
      case Kernel::Type::add:
        put_sum(from, results_[layer.inputs[1]], name);
        break;
      case Kernel::Type::scale:
        if (kernel.norm)
          put_norm(kernel.out_channels, from.name, name);
        else
          put_node("Mul", {from.name, results_[layer.inputs[1]].name}, name);
        break;
    }
    return {name, from.channels, from.pixels};
  }

  void put_convolution(const Kernel& kernel, const std::string& from, const std::string& name) {
    const std::string result = kernel.norm ? name + "_conv" : name;
    const int fan_in = kernel.in_channels / kernel.groups * kernel.size * kernel.size;
    put_weights(result + "_w",
                {kernel.out_channels, kernel.in_channels / kernel.groups, kernel.size, kernel.size}, fan_in);
    put_node("Conv", {from, result + "_w"}, result, [&](pbf_writer& node) {
      put_window(node, kernel);
      put_ints(node, "group", kernel.groups);
    });
    if (kernel.norm) put_norm(kernel.out_channels, result, name);
  }

  // On an image, of 1x1: a convolution.
  void put_linear(const Kernel& kernel, const Layer& layer, const std::string& from,
                  const std::string& name) {
    const bool flat = layers_[layer.inputs[0]].type == Layer::Type::flatten;
    Shape shape = {kernel.out_channels, kernel.in_channels};
    if (!flat) shape.insert(shape.end(), {1, 1});
    put_weights(name + "_w", shape, kernel.in_channels);
    std::vector<std::string> inputs = {from, name + "_w"};
    if (kernel.bias) {
      put_uniform(name + "_b", {kernel.out_channels}, -kSmall, kSmall);
      inputs.push_back(name + "_b");
    }
    if (flat)
      put_node("Gemm", inputs, name, [&](pbf_writer& node) { put_ints(node, "transB", 1); });
    else
      put_node("Conv", inputs, name);
  }

  void put_norm(int channels, const std::string& from, const std::string& name) {
    put_uniform(name + "_scale", {channels}, 1 - kSmall, 1 + kSmall);
    put_uniform(name + "_shift", {channels}, -kSmall, kSmall);
    put_uniform(name + "_mean", {channels}, -kSmall, kSmall);
    put_uniform(name + "_var", {channels}, 1 - kSmall, 1 + kSmall);
    put_node("BatchNormalization", {from, name + "_scale", name + "_shift", name + "_mean", name + "_var"},
             name);
  }

  void put_sum(const Result& one, const Result& other, const std::string& name) {
    if (one.pixels != other.pixels)
      throw Error(ErrorCode::argument,
                  "export: images of " + std::to_string(one.pixels) + " and " + std::to_string(other.pixels) +
                      " pixels meet in a sum; expected an input size that every stride divides");
    put_node("Add", {one.name, other.name}, name);
  }

  void put_hard_sigmoid(const std::string& from, const std::string& name) {
    put_node("HardSigmoid", {from}, name, [&](pbf_writer& node) { put_real(node, "alpha", 1.F / 6); });
  }

  void put_shuffle(const Result& from, int groups, const std::string& name) {
    const std::int64_t each = from.channels / groups;
    put_tensor(name + "_apart", kInt64, {5}, Shape{1, groups, each, from.pixels, from.pixels});
    put_tensor(name + "_whole", kInt64, {4}, Shape{1, from.channels, from.pixels, from.pixels});
    put_node("Reshape", {from.name, name + "_apart"}, name + "_groups");
    put_node("Transpose", {name + "_groups"}, name + "_dealt", [](pbf_writer& node) {
      put_ints(node, "perm", Shape{0, 2, 1, 3, 4});
    });
    put_node("Reshape", {name + "_dealt", name + "_whole"}, name);
  }

  // --- Weights ---

  static constexpr float kSmall = .1F;

  // Of variance 2 / fan_in: a ReLU then keeps the size of activations (He et al., ICCV 2015).
  void put_weights(const std::string& name, const Shape& shape, int fan_in) {
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
    pbf_writer tensor(graph_, 5);
    for (const std::int64_t length : shape) tensor.add_int64(1, length);
    tensor.add_int32(2, type);
    tensor.add_string(8, name);
    tensor.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }

  void put_node(const char* op, const std::vector<std::string>& inputs, const std::string& output) {
    put_node(op, inputs, output, [](pbf_writer&) {});
  }

  template <class Attributes>
  void put_node(const char* op, const std::vector<std::string>& inputs, const std::string& output,
                const Attributes& put_attributes) {
    pbf_writer node(graph_, 1);
    for (const std::string& input : inputs) node.add_string(1, input);
    node.add_string(2, output);
    node.add_string(3, std::string(op) + "_" + output);
    node.add_string(4, op);
    put_attributes(node);
  }

  static void put_window(pbf_writer& node, const Kernel& kernel) {
    const std::int64_t pad = (kernel.size - 1) / 2;
    put_ints(node, "kernel_shape", Shape(2, kernel.size));
    put_ints(node, "strides", Shape(2, kernel.stride));
    put_ints(node, "pads", Shape(4, pad));
  }

  static void put_ints(pbf_writer& node, const char* name, const Shape& values) {
    pbf_writer attribute(node, 5);
    attribute.add_string(1, name);
    for (const std::int64_t value : values) attribute.add_int64(8, value);
    attribute.add_int32(20, 7);  // INTS
  }

  static void put_ints(pbf_writer& node, const char* name, std::int64_t value) {
    pbf_writer attribute(node, 5);
    attribute.add_string(1, name);
    attribute.add_int64(3, value);
    attribute.add_int32(20, 2);  // INT
  }

  static void put_real(pbf_writer& node, const char* name, float value) {
    pbf_writer attribute(node, 5);
    attribute.add_string(1, name);
    attribute.add_float(2, value);
    attribute.add_int32(20, 1);  // FLOAT
  }

  void put_value(std::uint32_t field, const std::string& name, const Shape& lengths) {
    pbf_writer value(graph_, field);
    value.add_string(1, name);
    pbf_writer type(value, 2);
    pbf_writer tensor(type, 1);
    tensor.add_int32(1, kFloat);
    pbf_writer shape(tensor, 2);
    for (const std::int64_t length : lengths) {
      pbf_writer dimension(shape, 1);
      dimension.add_int64(1, length);
    }
  }

  const std::vector<Layer>& layers_;
  const ExportOptions options_;
  const std::string name_;
  Rng rng_;
  std::vector<Result> results_;
  bool has_zero_ = false;
  std::string graph_bytes_;
  pbf_writer graph_{graph_bytes_};
};

void check(const char* what, int found, int most) {
  if (found < 0 || found > most)
    throw Error(ErrorCode::argument, std::string("export: ") + what + " is " + std::to_string(found) +
                                         "; expected 1 to " + std::to_string(most) +
                                         ", or 0 for the usual number");
}

}  // namespace

std::string export_onnx(const Space& space, const Architecture& architecture, const ExportOptions& options) {
  check("pixels", options.pixels, kMostPixels);
  check("classes", options.classes, kMostClasses);
  return OnnxWriter(space.layers(architecture), options, space.id() + ("_" + architecture)).write();
}

}  // namespace latencast
