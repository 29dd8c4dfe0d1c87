// ncnn .param: layers and their numbered settings,
// https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure and .../wiki/operators. ncnn has no
// batch: every shape gets a first length of 1.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "model_build.h"

namespace latencast {
namespace {

constexpr std::int64_t kAbsent = -233;  // ncnn's own mark for "not said"
constexpr std::int64_t kToTheEnd = std::int64_t{1} << 40;
constexpr int kFirstList = -23300;  // ids from here down hold lists: -23300 - id
constexpr int kShapeHint = -23330;

struct Layer {
  std::size_t line;
  std::string type, name;
  std::vector<std::string> inputs, outputs;
  std::map<int, std::vector<double>> settings;
  std::map<int, std::string> texts;

  [[noreturn]] void refuse(const std::string& found) const {
    refuse_model("ncnn line " + std::to_string(line) + " (" + type + " '" + name + "'): " + found);
  }
  bool has(int id) const { return settings.count(id) > 0; }
  double real(int id, double otherwise) const {
    const auto found = settings.find(id);
    return found == settings.end() || found->second.empty() ? otherwise : found->second.front();
  }
  std::int64_t get(int id, std::int64_t otherwise) const {
    return static_cast<std::int64_t>(real(id, static_cast<double>(otherwise)));
  }
  Dims list(int id) const {
    Dims all;
    const auto found = settings.find(kFirstList - id);
    if (found != settings.end())
      for (const double value : found->second) all.push_back(static_cast<std::int64_t>(value));
    return all;
  }
};

// Layers that do to every element, or along an axis, what the operator of another name does.
constexpr const char* kSameShape[][2] = {
    {"Swish", "Swish"},
    {"HardSwish", "HardSwish"},
    {"HardSigmoid", "HardSigmoid"},
    {"Sigmoid", "Sigmoid"},
    {"TanH", "Tanh"},
    {"GELU", "Gelu"},
    {"Clip", "Clip"},
    {"ELU", "Elu"},
    {"SELU", "Selu"},
    {"Mish", "Mish"},
    {"Softmax", "Softmax"},
    {"LRN", "LRN"},
    {"Normalize", "LpNormalization"},
    {"Exp", "Exp"},
    {"Log", "Log"},
    {"AbsVal", "Abs"},
    {"Softplus", "Softplus"},
    {"Cast", "Cast"},
    {"Dropout", "Identity"},
    {"Erf", "Erf"},
    {"CELU", "Celu"},
};
constexpr const char* kBinary[] = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sub", "Div"};
constexpr const char* kUnary[] = {"Abs", "Neg", "Floor", "Ceil", "Mul", "Sqrt", "Reciprocal", "Exp", "Log",
                                  "Sin", "Cos", "Tan",   "Sin",  "Cos", "Atan", "Reciprocal", "Tanh"};
constexpr const char* kReductions[] = {"ReduceSum", "ReduceL1",     "ReduceSumSquare", "ReduceMean",
                                       "ReduceMax", "ReduceMin",    "ReduceProd",      "ReduceL1",
                                       "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp"};
constexpr const char* kFusedActivations[] = {"", "Relu", "LeakyRelu", "Clip", "Sigmoid", "Mish", "HardSwish"};

template <std::size_t N>
const char* chosen(const Layer& layer, const char* const (&names)[N], std::int64_t which) {
  if (which < 0 || which >= static_cast<std::int64_t>(N))
    layer.refuse("the operation " + std::to_string(which) + "; 0 to " + std::to_string(N - 1) + " expected");
  return names[which];
}

class NcnnReader {
 public:
  ModelBuilder read(std::string_view text) && {
    std::size_t number = 0;
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      // The magic number and the counts of layers and blobs, which nothing here needs.
      if (++number > 2) read_line(number, line);
    }
    return std::move(builder_);
  }

 private:
  static std::string_view next_word(std::string_view& line) {
    const auto begin = std::min(line.find_first_not_of(" \t\r"), line.size());
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    line.remove_prefix(word.size());
    return word;
  }

  static double number(const Layer& layer, std::string_view text) {
    const std::string copy(text);
    char* end = nullptr;
    const double value = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end != '\0' || !(std::abs(value) < 1e15))
      layer.refuse("'" + copy.substr(0, 40) + "' in place of a number");
    return value;
  }

  void read_line(std::size_t at, std::string_view line) {
    Layer layer;
    layer.line = at;
    layer.type = next_word(line);
    if (layer.type.empty() || layer.type[0] == '#') return;
    layer.name = next_word(line);
    const double inputs = number(layer, next_word(line)), outputs = number(layer, next_word(line));
    const auto read_names = [&](double count, std::vector<std::string>& names) {
      while (double(names.size()) < count) {
        names.emplace_back(next_word(line));
        if (names.back().empty())
          layer.refuse("ends before all of its " + std::to_string(static_cast<long long>(inputs)) +
                       " inputs and " + std::to_string(static_cast<long long>(outputs)) + " outputs");
      }
    };
    read_names(inputs, layer.inputs);
    read_names(outputs, layer.outputs);
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line))
      read_setting(layer, word);
    add(layer);
  }

  static void read_setting(Layer& layer, std::string_view word) {
    const auto equals = word.find('=');
    int id = 0;
    const auto read = std::from_chars(word.data(), word.data() + std::min(equals, word.size()), id);
    if (equals == std::string_view::npos || read.ec != std::errc() || read.ptr != word.data() + equals)
      layer.refuse("'" + std::string(word.substr(0, 40)) + "' in place of a setting, number=value");
    word.remove_prefix(equals + 1);
    if (word.size() > 1 && word.front() == '"' && word.back() == '"') {
      layer.texts[id] = word.substr(1, word.size() - 2);
      return;
    }
    std::vector<double> values;
    while (!word.empty()) {
      const auto end = std::min(word.find(','), word.size());
      values.push_back(number(layer, word.substr(0, end)));
      word.remove_prefix(std::min(end + 1, word.size()));
    }
    if (id <= kFirstList && !values.empty()) values.erase(values.begin());  // its length
    layer.settings[id] = std::move(values);
  }

  // --- Layers ---

  std::vector<int> tensors(const std::vector<std::string>& names) {
    std::vector<int> all;
    for (const auto& name : names) all.push_back(builder_.tensor(name));
    return all;
  }

  Node& node(const Layer& layer, const char* op) {
    return builder_.node(op, layer.name, tensors(layer.inputs), tensors(layer.outputs));
  }

  // What one node of a layer hands to the next one of the same layer.
  int between(const Layer& layer, const char* what) { return builder_.tensor(layer.name + "." + what); }

  static void set(Node& node, const char* name, Dims values) {
    node.attributes[name].ints = std::move(values);
  }

  // ncnn lists width first; -233 and 0 where a dimension does not exist.
  static Dims lengths(const Layer& layer) {
    Dims shape = {1};
    for (const int id : {2, 11, 1, 0})
      if (layer.get(id, 0) != 0 && layer.get(id, 0) != kAbsent) shape.push_back(layer.get(id, 0));
    return shape;
  }

  void add(const Layer& layer) {
    const std::string& type = layer.type;
    declare(layer);
    if (layer.outputs.empty()) layer.refuse("writes nothing; at least one output expected");
    if (type == "Input") {
      const Dims shape = lengths(layer);
      builder_.input(builder_.tensor(layer.outputs[0]),
                     shape.size() > 1 ? std::optional<Dims>(shape) : std::nullopt);
      return;
    }
    if (type == "MemoryData") {
      builder_.weight(layer.outputs[0], lengths(layer));
      return;
    }
    if (layer.inputs.empty()) layer.refuse("reads nothing; at least one input expected");
    if (type == "Split" || type == "Noop") return copy(layer);
    if (type == "Convolution" || type == "ConvolutionDepthWise") return convolve(layer);
    if (type == "Deconvolution" || type == "DeconvolutionDepthWise") return deconvolve(layer);
    if (type == "InnerProduct") return multiply(layer);
    if (type == "Gemm") return multiply_general(layer);
    if (type == "MultiHeadAttention") return attend(layer);
    if (type == "Pooling") return pool(layer);
    if (type == "BinaryOp") return combine(layer);
    if (type == "Slice") return slice(layer);
    if (type == "Crop") return crop(layer);
    if (type == "Reduction") return reduce(layer);
    if (type == "Reshape") return reshape(layer);
    if (type == "Interp") return resize(layer);
    if (type == "ReLU") {
      node(layer, layer.real(0, 0) == 0 ? "Relu" : "LeakyRelu");
    } else if (type == "Eltwise") {
      const char* kOperations[] = {"Mul", layer.inputs.size() == 2 ? "Add" : "Sum", "Max"};
      node(layer, chosen(layer, kOperations, layer.get(0, 0)));
    } else if (type == "UnaryOp") {
      node(layer, chosen(layer, kUnary, layer.get(0, 0)));
    } else if (type == "Concat") {
      set(node(layer, "Concat"), "axis", {axis(layer.get(0, 0))});
    } else if (type == "Permute") {
      set(node(layer, "Transpose"), "order", {layer.get(0, 0)});
    } else if (type == "Flatten") {
      node(layer, "Flatten");
    } else if (type == "BatchNorm" || type == "Scale") {
      node(layer, "BatchNormalization");
    } else if (type == "LayerNorm") {
      set(node(layer, "LayerNormalization"), "affine", {layer.get(2, 1)});
    } else if (type == "InstanceNorm" || type == "GroupNorm") {
      node(layer, type == "GroupNorm" ? "GroupNormalization" : "InstanceNormalization");
    } else if (type == "SDPA" && layer.inputs.size() >= 3) {
      Node& made = node(layer, "MultiHeadAttention");
      made.inputs.resize(3);  // a mask may follow
    } else if (type == "PReLU") {
      node(layer, "PRelu");
    } else if (type == "ShuffleChannel") {
      node(layer, "ChannelShuffle");
    } else if (type == "PixelShuffle") {
      set(node(layer, "DepthToSpace"), "blocksize", {layer.get(0, 1)});
    } else if (type == "Padding") {
      set(node(layer, "Pad"), "pads",
          {0, layer.get(7, 0), layer.get(0, 0), layer.get(2, 0), 0, layer.get(8, 0), layer.get(1, 0),
           layer.get(3, 0)});
    } else {
      for (const auto& [from, to] : kSameShape)
        if (type == from) {
          node(layer, to);
          return;
        }
      node(layer, type.c_str());  // unknown
    }
  }

  void declare(const Layer& layer) {
    const auto hint = layer.settings.find(kShapeHint);
    if (hint == layer.settings.end()) return;
    // dimensions, width, height, channels for each output
    for (std::size_t i = 0; i < layer.outputs.size() && 4 * i + 3 < hint->second.size(); ++i) {
      const double* at = &hint->second[4 * i];
      Dims shape = {1};
      for (int j = std::clamp(static_cast<int>(at[0]), 0, 3); j > 0; --j)
        shape.push_back(static_cast<std::int64_t>(at[j]));
      if (std::all_of(shape.begin(), shape.end(), [](auto length) { return length > 0; }))
        builder_.declare(builder_.tensor(layer.outputs[i]), std::move(shape));
    }
  }

  static std::int64_t axis(std::int64_t of_ncnn) { return of_ncnn < 0 ? of_ncnn : of_ncnn + 1; }

  // Every output is the input; inputs beyond the first are results that nothing else reads.
  void copy(const Layer& layer) {
    const int in = builder_.tensor(layer.inputs[0]);
    for (const auto& output : layer.outputs)
      builder_.node("Identity", layer.name, {in}, {builder_.tensor(output)});
    for (std::size_t i = 1; i < layer.inputs.size(); ++i)
      builder_.node("Identity", layer.name, {builder_.tensor(layer.inputs[i])},
                    {between(layer, std::to_string(i).c_str())});
  }

  // The node, and the layer's own activation behind it, where it has one.
  void add_activated(const Layer& layer, const char* op, std::vector<int> inputs,
                     std::map<std::string, Attribute> attributes) {
    const std::int64_t activation = layer.get(9, 0);
    const int result = builder_.tensor(layer.outputs[0]);
    const int linear = activation == 0 ? result : between(layer, "linear");
    builder_.node(op, layer.name, std::move(inputs), {linear}).attributes = std::move(attributes);
    if (activation != 0)
      builder_.node(chosen(layer, kFusedActivations, activation), layer.name, {linear}, {result});
  }

  struct Window {
    std::int64_t channels, height, width, groups, weights;
  };

  static Window window(const Layer& layer, int group_id) {
    Window w{layer.get(0, 0), layer.get(11, layer.get(1, 0)), layer.get(1, 0), layer.get(group_id, 1),
             layer.get(6, 0)};
    if (w.channels < 1 || w.height < 1 || w.width < 1 || w.groups < 1 || w.weights < 1)
      layer.refuse("channels, window, groups or number of weights below 1");
    return w;
  }

  static void set_window(const Layer& layer, Node& node) {
    const std::int64_t left = layer.get(4, 0), top = layer.get(14, left);
    set(node, "strides", {layer.get(13, layer.get(3, 1)), layer.get(3, 1)});
    set(node, "dilations", {layer.get(12, layer.get(2, 1)), layer.get(2, 1)});
    if (left == -233 || left == -234)
      node.attributes["auto_pad"].text = left == -233 ? "SAME_UPPER" : "SAME_LOWER";
    else
      set(node, "pads", {top, left, layer.get(16, top), layer.get(15, left)});
  }

  static Element weight_element(const Layer& layer) {
    return layer.get(8, 0) != 0 ? Element::i8 : Element::f32;
  }

  void convolve(const Layer& layer) {
    const Window w = window(layer, 7);
    const std::int64_t each = times(w.channels, times(w.height, w.width));
    Node made;
    made.inputs = {builder_.tensor(layer.inputs[0]),
                   builder_.weight(layer.name + ".weight", {w.channels, w.weights / each, w.height, w.width},
                                   weight_element(layer))};
    if (layer.get(5, 0)) made.inputs.push_back(builder_.weight(layer.name + ".bias", {w.channels}));
    set_window(layer, made);
    set(made, "group", {layer.type == "Convolution" ? 1 : w.groups});
    add_activated(layer, "Conv", std::move(made.inputs), std::move(made.attributes));
  }

  void deconvolve(const Layer& layer) {
    const Window w = window(layer, 7);
    const std::int64_t groups = layer.type == "Deconvolution" ? 1 : w.groups;
    const std::int64_t out = std::max<std::int64_t>(1, w.channels / groups);
    const std::int64_t each = times(out, times(w.height, w.width));
    Node made;
    made.inputs = {builder_.tensor(layer.inputs[0]),
                   builder_.weight(layer.name + ".weight", {w.weights / each, out, w.height, w.width})};
    if (layer.get(5, 0)) made.inputs.push_back(builder_.weight(layer.name + ".bias", {w.channels}));
    set_window(layer, made);
    set(made, "group", {groups});
    set(made, "output_padding", {layer.get(19, 0), layer.get(18, 0)});
    if (layer.get(20, 0) > 0 && layer.get(21, 0) > 0)
      set(made, "output_shape", {layer.get(21, 0), layer.get(20, 0)});
    add_activated(layer, "ConvTranspose", std::move(made.inputs), std::move(made.attributes));
  }

  void multiply(const Layer& layer) {
    const std::int64_t wide = layer.get(0, 0), weights = layer.get(2, 0);
    if (wide < 1 || weights < wide) layer.refuse("outputs or number of weights below 1");
    Node made;
    made.inputs = {builder_.tensor(layer.inputs[0]),
                   builder_.weight(layer.name + ".weight", {wide, weights / wide}, weight_element(layer))};
    if (layer.get(1, 0)) made.inputs.push_back(builder_.weight(layer.name + ".bias", {wide}));
    set(made, "transB", {1});
    add_activated(layer, "Gemm", std::move(made.inputs), std::move(made.attributes));
  }

  void multiply_general(const Layer& layer) {
    if (layer.get(4, 0) || !layer.get(5, 0)) {  // only a constant second matrix is common
      node(layer, "ncnn Gemm");
      return;
    }
    const bool turned = layer.get(3, 0) != 0;
    const std::int64_t wide = layer.get(8, 0), deep = layer.get(9, 0);
    if (wide < 1 || deep < 1) layer.refuse("a matrix of " + text_of({wide, deep}));
    const Dims shape = turned ? Dims{wide, deep} : Dims{deep, wide};
    std::vector<int> inputs = {builder_.tensor(layer.inputs[0]),
                               builder_.weight(layer.name + ".weight", shape)};
    if (layer.get(6, 0)) inputs.push_back(builder_.weight(layer.name + ".bias", {wide}));
    set(builder_.node("Gemm", layer.name, inputs, tensors(layer.outputs)), "transB", {turned});
  }

  // Four projections and the attention between them.
  void attend(const Layer& layer) {
    const std::int64_t width = layer.get(0, 0);
    if (width < 1) layer.refuse("an embedding of " + std::to_string(width));
    const std::int64_t deep[] = {layer.get(2, width * width) / width, layer.get(3, width),
                                 layer.get(4, width)};
    const char* kNames[] = {"query", "key", "value"};
    std::vector<int> projected;
    const std::size_t masks = layer.get(5, 0) != 0 && layer.inputs.size() > 1 ? 1 : 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& input = layer.inputs[std::min(i, layer.inputs.size() - 1 - masks)];
      projected.push_back(between(layer, kNames[i]));
      project(layer, kNames[i], builder_.tensor(input), deep[i], width, projected.back());
    }
    const int attended = between(layer, "attended");
    set(builder_.node("MultiHeadAttention", layer.name, projected, {attended}), "num_heads",
        {layer.get(1, 1)});
    project(layer, "out", attended, width, deep[0], builder_.tensor(layer.outputs[0]));
  }

  void project(const Layer& layer, const std::string& what, int in, std::int64_t deep, std::int64_t wide,
               int out) {
    const std::string name = layer.name + "." + what;
    const int weight = builder_.weight(name + ".weight", {wide, deep});
    const int bias = builder_.weight(name + ".bias", {wide});
    set(builder_.node("Gemm", name, {in, weight, bias}, {out}), "transB", {1});
  }

  void pool(const Layer& layer) {
    const bool average = layer.get(0, 0) != 0;
    const int in = builder_.tensor(layer.inputs[0]), out = builder_.tensor(layer.outputs[0]);
    const bool to_one = layer.get(7, 0) && layer.get(8, 0) == 1 && layer.get(18, layer.get(8, 0)) == 1;
    if (layer.get(4, 0) || to_one) {
      const int image = between(layer, "image");
      builder_.node(average ? "GlobalAveragePool" : "GlobalMaxPool", layer.name, {in}, {image});
      builder_.node("Flatten", layer.name, {image}, {out});
      return;
    }
    if (layer.get(7, 0)) {
      node(layer, "AdaptivePooling");
      return;
    }
    Node& made = builder_.node(average ? "AveragePool" : "MaxPool", layer.name, {in}, {out});
    const std::int64_t left = layer.get(3, 0), top = layer.get(13, left), mode = layer.get(5, 0);
    set(made, "kernel_shape", {layer.get(11, layer.get(1, 0)), layer.get(1, 0)});
    set(made, "strides", {layer.get(12, layer.get(2, 1)), layer.get(2, 1)});
    set(made, "pads", {top, left, layer.get(15, top), layer.get(14, left)});
    if (mode == 0) set(made, "ceil_mode", {2});
    if (mode == 2) made.attributes["auto_pad"].text = "SAME_UPPER";
    if (mode == 3) made.attributes["auto_pad"].text = "SAME_LOWER";
  }

  void combine(const Layer& layer) {
    const char* op = chosen(layer, kBinary, layer.get(0, 0));
    std::vector<int> inputs = tensors(layer.inputs);
    if (layer.get(1, 0))
      inputs.push_back(builder_.constant(layer.name + ".scalar", {}, {layer.real(2, 0)}, Element::f32));
    builder_.node(op, layer.name, inputs, tensors(layer.outputs));
  }

  void slice(const Layer& layer) {
    Node& made = node(layer, "Split");
    set(made, "axis", {axis(layer.get(1, 0))});
    Dims parts = layer.list(0);
    std::replace(parts.begin(), parts.end(), kAbsent, std::int64_t{-1});
    if (!parts.empty()) set(made, "split", parts);
  }

  void crop(const Layer& layer) {
    if (layer.inputs.size() > 1) {  // to the size of another tensor
      node(layer, "ncnn Crop");
      return;
    }
    Dims starts = layer.list(9), ends = layer.list(10), axes = layer.list(11);
    if (starts.empty()) {
      const int kOffsets[] = {2, 1, 0}, kSizes[] = {5, 4, 3}, kCutOff[] = {8, 7, 6};
      for (std::size_t i = 0; i < 3; ++i) {
        const std::int64_t offset = layer.get(kOffsets[i], 0), size = layer.get(kSizes[i], 0),
                           cut = layer.get(kCutOff[i], 0);
        starts.push_back(offset);
        ends.push_back(size > 0 ? offset + size : cut > 0 ? -cut : kToTheEnd);
      }
    }
    if (axes.empty())
      for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    std::replace(ends.begin(), ends.end(), kAbsent, kToTheEnd);
    std::transform(axes.begin(), axes.end(), axes.begin(), axis);
    Node& made = node(layer, "Slice");
    set(made, "starts", starts);
    set(made, "ends", ends);
    set(made, "axes", axes);
  }

  void reduce(const Layer& layer) {
    Dims axes = layer.list(3);
    if (axes.empty() || layer.get(1, 1)) axes = {0, 1, 2};
    std::transform(axes.begin(), axes.end(), axes.begin(), axis);
    Node& made = node(layer, chosen(layer, kReductions, layer.get(0, 0)));
    set(made, "axes", axes);
    set(made, "keepdims", {layer.get(4, 0)});
  }

  void reshape(const Layer& layer) {
    const auto words = layer.texts.find(6);
    if (words != layer.texts.end()) {
      // Lengths and axes of inputs; arithmetic, which is rare, is not followed.
      if (words->second.find_first_not_of("0123456789whdc,-") != std::string::npos) {
        node(layer, "ncnn Reshape");
        return;
      }
      node(layer, "Reshape").attributes["lengths"].text = words->second;
      return;
    }
    Dims shape = {1};
    for (const int id : {2, 11, 1, 0}) {
      const std::int64_t length = layer.get(id, kAbsent);
      if (length == 0) layer.refuse("copies a length of its input; numbers from 1 or -1 expected");
      if (length != kAbsent) shape.push_back(length);
    }
    set(node(layer, "Reshape"), "shape", shape);
  }

  void resize(const Layer& layer) {
    if (layer.inputs.size() > 1) {
      node(layer, "ncnn Interp");
      return;
    }
    Node& made = node(layer, "Resize");
    if (layer.get(3, 0) > 0 && layer.get(4, 0) > 0)
      set(made, "sizes", {layer.get(3, 0), layer.get(4, 0)});
    else
      made.attributes["scales"].reals = {1, 1, layer.real(1, 1), layer.real(2, 1)};
  }

  ModelBuilder builder_{"ncnn"};
};

}  // namespace

ModelBuilder read_ncnn(std::string_view text) { return NcnnReader().read(text); }

}  // namespace latencast
