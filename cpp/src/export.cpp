#include "latencast/export.h"

#include <vector>

#include "latencast/error.h"
#include "onnx_writer.h"

namespace latencast {
namespace {

constexpr int kMostPixels = 1024, kMostClasses = 1 << 16;

// What a layer computed.
struct Result {
  std::string name;
  int channels = 0, pixels = 0;
};

class NetworkWriter : OnnxWriter {
 public:
  NetworkWriter(const std::vector<Layer>& layers, const ExportOptions& options, const std::string& name)
      : OnnxWriter(name, options.seed), layers_(layers), options_(options) {}

  std::string write() {
    for (const Layer& layer : layers_) results_.push_back(put(layer));
    const Result &first = results_.front(), &last = results_.back();
    put_input(first.name, {1, 3, first.pixels, first.pixels});
    put_output(last.name, {1, last.channels});
    return finish();
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
        put_node("AveragePool", {from.name}, name, [&](Attributes& node) {
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
    put_node("Conv", {from, result + "_w"}, result, [&](Attributes& node) {
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
      put_node("Gemm", inputs, name, [&](Attributes& node) { put_ints(node, "transB", 1); });
    else
      put_node("Conv", inputs, name);
  }

  void put_sum(const Result& one, const Result& other, const std::string& name) {
    if (one.pixels != other.pixels)
      throw Error(ErrorCode::argument,
                  "export: images of " + std::to_string(one.pixels) + " and " + std::to_string(other.pixels) +
                      " pixels meet in a sum; expected an input size that every stride divides");
    put_node("Add", {one.name, other.name}, name);
  }

  void put_shuffle(const Result& from, int groups, const std::string& name) {
    const std::int64_t each = from.channels / groups;
    put_tensor(name + "_apart", kInt64, {5}, Shape{1, groups, each, from.pixels, from.pixels});
    put_tensor(name + "_whole", kInt64, {4}, Shape{1, from.channels, from.pixels, from.pixels});
    put_node("Reshape", {from.name, name + "_apart"}, name + "_groups");
    put_node("Transpose", {name + "_groups"}, name + "_dealt", [](Attributes& node) {
      put_ints(node, "perm", Shape{0, 2, 1, 3, 4});
    });
    put_node("Reshape", {name + "_dealt", name + "_whole"}, name);
  }

  static void put_window(Attributes& node, const Kernel& kernel) {
    const std::int64_t pad = (kernel.size - 1) / 2;
    put_ints(node, "kernel_shape", Shape(2, kernel.size));
    put_ints(node, "strides", Shape(2, kernel.stride));
    put_ints(node, "pads", Shape(4, pad));
  }

  const std::vector<Layer>& layers_;
  const ExportOptions options_;
  std::vector<Result> results_;
  bool has_zero_ = false;
};

void check(const char* what, int found, int most) {
  if (found < 0 || found > most)
    throw Error(ErrorCode::argument, std::string("export: ") + what + " is " + std::to_string(found) +
                                         "; expected 1 to " + std::to_string(most) +
                                         ", or 0 for the usual number");
}

}  // namespace

std::string export_onnx(const std::vector<Layer>& layers, const std::string& name,
                        const ExportOptions& options) {
  check("pixels", options.pixels, kMostPixels);
  check("classes", options.classes, kMostClasses);
  return NetworkWriter(layers, options, name).write();
}

std::string export_onnx(const Space& space, const Architecture& architecture, const ExportOptions& options) {
  return export_onnx(space.layers(architecture), space.id() + ("_" + architecture), options);
}

}  // namespace latencast
