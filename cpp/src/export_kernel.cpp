#include "kernel_features.h"
#include "latencast/error.h"
#include "latencast/export.h"
#include "onnx_writer.h"

namespace latencast {
namespace {

constexpr std::int64_t kLayerNormOpset = 17;
constexpr std::int64_t kMostElements = std::int64_t{1} << 28;  // of one tensor, 1 GiB

std::int64_t extent(std::int64_t size, std::int64_t dilation) { return (size - 1) * dilation + 1; }

// As exporters pad, the same on both sides, where that makes the output; else what is left at the end.
std::pair<std::int64_t, std::int64_t> padding(std::int64_t length, std::int64_t size, std::int64_t stride,
                                              std::int64_t out, std::int64_t dilation) {
  const std::int64_t window = extent(size, dilation);
  const std::int64_t needed = std::max<std::int64_t>(0, (out - 1) * stride + window - length);
  const std::int64_t alike = (needed + 1) / 2;
  if ((length + 2 * alike - window) / stride + 1 == out) return {alike, alike};
  return {needed / 2, needed - needed / 2};
}

constexpr std::int64_t kNarrow = 8;       // channels of the images that a network around a kernel has
constexpr std::int64_t kFewChannels = 4;  // as an image's: a kernel of so few stands at a network's beginning

class KernelWriter : OnnxWriter {
 public:
  /// inside: between two pointwise convolutions.
  KernelWriter(const KernelShape& kernel, std::uint64_t seed, bool inside)
      : OnnxWriter(name(kernel.type), seed), k_(kernel), inside_(inside) {}

  std::string write() {
    switch (k_.type) {
      case KernelType::conv:
      case KernelType::dwconv:
        put_convolution();
        break;
      case KernelType::fc:
        put_fc();
        break;
      case KernelType::maxpool:
      case KernelType::avgpool:
        put_pool();
        break;
      case KernelType::gap:
        put_input("input", image());
        put_node("GlobalAveragePool", {"input"}, "output");
        put_output("output", {k_.n, k_.cin, 1, 1});
        break;
      case KernelType::add:
        put_input("input", image());
        put_input("input2", image());
        put_node("Add", {"input", "input2"}, "output");
        put_output("output", image());
        break;
      case KernelType::se:
        put_squeeze_excite();
        break;
      case KernelType::swish:
        put_input("input", image());
        put_node("Sigmoid", {"input"}, "gate");
        put_node("Mul", {"input", "gate"}, "output");
        put_output("output", image());
        break;
      case KernelType::hswish:
        put_input("input", image());
        put_hard_sigmoid("input", "gate");
        put_node("Mul", {"input", "gate"}, "output");
        put_output("output", image());
        break;
      case KernelType::matmul:
        put_input("input", {k_.n, k_.h, k_.cin});
        put_input("input2", {k_.n, k_.cin, k_.cout});
        put_node("MatMul", {"input", "input2"}, "output");
        put_output("output", {k_.n, k_.h, k_.cout});
        break;
      case KernelType::layernorm:
        put_layernorm();
        return finish(kLayerNormOpset);
      case KernelType::softmax:
        put_input("input", {k_.n, k_.cin});
        put_softmax("input", "output");
        put_output("output", {k_.n, k_.cin});
        break;
      case KernelType::attention:
        put_attention();
        break;
      case KernelType::other:
        throw Error(ErrorCode::argument,
                    "export: found an `other` kernel, of which only the traffic is known; a type expected");
    }
    return finish();
  }

 private:
  Shape image() const { return {k_.n, k_.cin, k_.h, k_.w}; }

  void put_input(const std::string& name, const Shape& shape) {
    if (!inside_ || shape[1] <= kFewChannels) {
      OnnxWriter::put_input(name, shape);
      return;
    }
    if (!begun_) OnnxWriter::put_input("outside", {shape[0], kNarrow, shape[2], shape[3]});
    begun_ = true;
    put_weights(name + "_wide_w", {shape[1], kNarrow, 1, 1}, kNarrow);
    put_node("Conv", {"outside", name + "_wide_w"}, name);
  }

  void put_output(const std::string& name, const Shape& shape) {
    if (!inside_) {
      OnnxWriter::put_output(name, shape);
      return;
    }
    put_weights("outer_w", {kNarrow, shape[1], 1, 1}, shape[1]);
    put_node("Conv", {name, "outer_w"}, "outer");
    OnnxWriter::put_output("outer", {shape[0], kNarrow, shape[2], shape[3]});
  }

  Shape pads() const {
    const auto [top, bottom] = padding(k_.h, k_.kh, k_.stride_h, k_.out_h, k_.dilation);
    const auto [left, right] = padding(k_.w, k_.kw, k_.stride_w, k_.out_w, k_.dilation);
    return {top, left, bottom, right};
  }

  void put_window(Attributes& node) const {
    put_ints(node, "kernel_shape", Shape{k_.kh, k_.kw});
    put_ints(node, "strides", Shape{k_.stride_h, k_.stride_w});
    put_ints(node, "pads", pads());
  }

  void put_convolution() {
    const std::int64_t each = k_.cin / k_.groups;
    put_input("input", image());
    put_weights("w", {k_.cout, each, k_.kh, k_.kw}, each * k_.kh * k_.kw);
    put_node("Conv", {"input", "w"}, "conv", [&](Attributes& node) {
      put_window(node);
      put_ints(node, "group", k_.groups);
      put_ints(node, "dilations", Shape{k_.dilation, k_.dilation});
    });
    put_norm(k_.cout, "conv", "norm");
    put_node("Relu", {"norm"}, "output");
    put_output("output", {k_.n, k_.cout, k_.out_h, k_.out_w});
  }

  void put_fc() {
    put_input("input", {k_.n, k_.cin});
    put_weights("w", {k_.cout, k_.cin}, k_.cin);
    put_uniform("b", {k_.cout}, -kSmall, kSmall);
    put_node("Gemm", {"input", "w", "b"}, "output", [](Attributes& node) { put_ints(node, "transB", 1); });
    put_output("output", {k_.n, k_.cout});
  }

  void put_pool() {
    put_input("input", image());
    const bool most = k_.type == KernelType::maxpool;
    put_node(most ? "MaxPool" : "AveragePool", {"input"}, "output",
             [&](Attributes& node) { put_window(node); });
    put_output("output", {k_.n, k_.cin, k_.out_h, k_.out_w});
  }

  void put_squeeze_excite() {
    const std::int64_t narrow = squeezed(k_.cin);
    put_input("input", image());
    put_node("GlobalAveragePool", {"input"}, "mean");
    put_weights("down_w", {narrow, k_.cin, 1, 1}, k_.cin);
    put_uniform("down_b", {narrow}, -kSmall, kSmall);
    put_node("Conv", {"mean", "down_w", "down_b"}, "down");
    put_node("Relu", {"down"}, "narrow");
    put_weights("up_w", {k_.cin, narrow, 1, 1}, narrow);
    put_uniform("up_b", {k_.cin}, -kSmall, kSmall);
    put_node("Conv", {"narrow", "up_w", "up_b"}, "up");
    put_hard_sigmoid("up", "gate");
    put_node("Mul", {"input", "gate"}, "output");
    put_output("output", image());
  }

  // A quarter, to the nearest multiple of 8, as MobileNetV3 has it.
  static std::int64_t squeezed(std::int64_t channels) {
    return std::max<std::int64_t>(8, (channels / 4 + 4) / 8 * 8);
  }

  void put_layernorm() {
    put_input("input", {k_.n, k_.cin});
    put_uniform("scale", {k_.cin}, 1 - kSmall, 1 + kSmall);
    put_uniform("shift", {k_.cin}, -kSmall, kSmall);
    put_node("LayerNormalization", {"input", "scale", "shift"}, "output");
    put_output("output", {k_.n, k_.cin});
  }

  void put_softmax(const std::string& from, const std::string& name) {
    put_node("Softmax", {from}, name, [](Attributes& node) { put_ints(node, "axis", -1); });
  }

  void put_attention() {
    const std::int64_t heads = k_.n * k_.groups, wide = k_.cin / k_.groups, values = k_.cout / k_.groups;
    put_input("input", {heads, k_.h, wide});
    put_input("input2", {heads, wide, k_.w});
    put_input("input3", {heads, k_.w, values});
    put_node("MatMul", {"input", "input2"}, "product");
    put_tensor("factor", kFloat, {}, std::vector<float>{1 / std::sqrt(static_cast<float>(wide))});
    put_node("Mul", {"product", "factor"}, "logits");
    put_softmax("logits", "weights");
    put_node("MatMul", {"weights", "input3"}, "output");
    put_output("output", {heads, k_.h, values});
  }

  const KernelShape& k_;
  bool inside_, begun_ = false;
};

void check(const KernelShape& k) {
  const auto refuse = [](const std::string& found, const char* expected) {
    throw Error(ErrorCode::argument, "export: found " + found + "; expected " + expected);
  };
  for (const std::int64_t size : {k.n, k.h, k.w, k.cin, k.cout, k.out_h, k.out_w, k.kh, k.kw, k.stride_h,
                                  k.stride_w, k.dilation, k.groups})
    if (size < 1 || size > kMostElements) refuse("a size of " + std::to_string(size), "1 to 2^28");
  const KernelWork work = work_of(k);
  for (const double elements : {work.in, work.weights, work.out})
    if (elements > double(kMostElements)) refuse(std::to_string(elements) + " elements", "at most 2^28");
  if (k.cin % k.groups != 0 || k.cout % k.groups != 0)
    refuse(std::to_string(k.groups) + " groups of " + std::to_string(k.cin) + " and " +
               std::to_string(k.cout) + " channels",
           "a number that divides both");
  const auto fits = [&](std::int64_t length, std::int64_t size, std::int64_t stride, std::int64_t out) {
    const auto [before, after] = padding(length, size, stride, out, k.dilation);
    const std::int64_t window = extent(size, k.dilation), padded = length + before + after;
    return before < window && padded >= window && (padded - window) / stride + 1 == out;
  };
  const bool window = k.type == KernelType::conv || k.type == KernelType::dwconv ||
                      k.type == KernelType::maxpool || k.type == KernelType::avgpool;
  if (window && (!fits(k.h, k.kh, k.stride_h, k.out_h) || !fits(k.w, k.kw, k.stride_w, k.out_w)))
    refuse(std::to_string(k.out_h) + "x" + std::to_string(k.out_w) + " pixels out of " + std::to_string(k.h) +
               "x" + std::to_string(k.w),
           "what the window and its stride make");
}

}  // namespace

std::string export_kernel(const KernelShape& kernel, std::uint64_t seed) {
  check(kernel);
  return KernelWriter(kernel, seed, false).write();
}

bool passes_images(KernelType type) {
  switch (type) {
    case KernelType::fc:
    case KernelType::matmul:
    case KernelType::layernorm:
    case KernelType::softmax:
    case KernelType::attention:
    case KernelType::other:
      return false;
    default:
      return true;
  }
}

std::string export_kernel_inside(const KernelShape& kernel, std::uint64_t seed) {
  check(kernel);
  if (!passes_images(kernel.type))
    throw Error(ErrorCode::argument, std::string("export: found a kernel of type ") + name(kernel.type) +
                                         "; one from image to image expected");
  return KernelWriter(kernel, seed, true).write();
}

std::string export_reference(const ImageShape& image, std::uint64_t seed) {
  KernelShape nothing;
  nothing.type = KernelType::conv;
  nothing.n = image.n, nothing.h = nothing.out_h = image.h, nothing.w = nothing.out_w = image.w;
  nothing.cin = nothing.cout = image.channels;
  check(nothing);
  OnnxWriter graph("reference", seed);
  graph.put_input("outside", {image.n, kNarrow, image.h, image.w});
  graph.put_weights("wide_w", {image.channels, kNarrow, 1, 1}, kNarrow);
  graph.put_node("Conv", {"outside", "wide_w"}, "wide");
  graph.put_weights("outer_w", {kNarrow, image.channels, 1, 1}, image.channels);
  graph.put_node("Conv", {"wide", "outer_w"}, "outer");
  graph.put_output("outer", {image.n, kNarrow, image.h, image.w});
  return graph.finish();
}

std::vector<ImageShape> references_of(const KernelShape& kernel) {
  std::vector<ImageShape> images;
  if (!passes_images(kernel.type)) return images;
  if (kernel.cin > kFewChannels)
    images.assign(kernel.type == KernelType::add ? 2 : 1, {kernel.n, kernel.cin, kernel.h, kernel.w});
  const bool point = kernel.type == KernelType::gap;
  images.push_back({kernel.n, kernel.cout, point ? 1 : kernel.out_h, point ? 1 : kernel.out_w});
  return images;
}

}  // namespace latencast
