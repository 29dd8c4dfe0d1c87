// ONNX: field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Weights are passed over
// where they lie; only names, shapes and small constants leave the file's bytes.
#include <algorithm>
#include <array>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <set>

#include "latencast/error.h"
#include "model_build.h"

namespace latencast {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// A field by number and by how it is written: a hostile file may write a number where text belongs.
constexpr std::uint32_t text_field(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::length_delimited);
}
constexpr std::uint32_t number_field(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::varint);
}
constexpr std::uint32_t float_field(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed32);
}

// The next field, if there is one. protozero takes lengths as 32 bits, signed where addresses have 32: one
// beyond the end of the message must not get so far.
bool next(pbf_reader& message) {
  if (!message.next()) return false;
  if (message.wire_type() == pbf_wire_type::length_delimited) {
    const auto rest = message.data();
    const char* at = rest.data();
    const char* const end = at + rest.size();
    if (protozero::decode_varint(&at, end) > static_cast<std::uint64_t>(end - at))
      throw protozero::end_of_buffer_exception();
  }
  return true;
}

constexpr std::int64_t kMostReals = 16;  // of a tensor whose values are kept: scales, bounds, exponents

struct OnnxTensor {
  std::string name;
  Dims dims;
  std::int64_t type = 1;
  std::vector<double> values;
};

struct OnnxValue {
  std::string name;
  std::optional<Dims> dims;  // kOpen where open
  std::int64_t type = 1;
};

struct OnnxAttribute {
  std::string name;
  Attribute value;
  std::optional<OnnxTensor> tensor;
};

// How operators of runtimes' own sets are called in the standard, and which of their inputs are left without
// scales and zero points.
struct Translation {
  const char* from;
  const char* to;
  std::array<int, 3> inputs;  // -1: no more
};
constexpr Translation kTranslations[] = {
    {"QLinearConv", "Conv", {0, 3, 8}},
    {"QLinearMatMul", "MatMul", {0, 3, -1}},
    {"QGemm", "Gemm", {0, 3, 6}},
    {"QLinearAdd", "Add", {0, 3, -1}},
    {"QLinearMul", "Mul", {0, 3, -1}},
    {"QLinearSigmoid", "Sigmoid", {0, -1, -1}},
    {"QLinearLeakyRelu", "LeakyRelu", {0, -1, -1}},
    {"QLinearSoftmax", "Softmax", {0, -1, -1}},
    {"QLinearAveragePool", "AveragePool", {0, -1, -1}},
    {"QLinearGlobalAveragePool", "GlobalAveragePool", {0, -1, -1}},
    {"ConvInteger", "Conv", {0, 1, -1}},
    {"MatMulInteger", "MatMul", {0, 1, -1}},
    {"DynamicQuantizeLinear", "Identity", {0, -1, -1}},
    {"Attention", "MultiHeadAttention", {0, 1, 2}},
    {"FusedConv", "Conv", {0, 1, 2}},
    {"FusedGemm", "Gemm", {0, 1, 2}},
    {"FusedMatMul", "MatMul", {0, 1, -1}},
};

class OnnxReader {
 public:
  explicit OnnxReader(std::string_view bytes) : bytes_(bytes), at_(bytes.data()) {}

  ModelBuilder read() && {
    try {
      read_model(pbf_reader(bytes_.data(), bytes_.size()));
    } catch (const protozero::exception& error) {
      refuse_model("not readable as ONNX (nor is it an ncnn .param or JSON): " + std::string(error.what()) +
                   " in the message that begins at byte " + std::to_string(at_ - bytes_.data()) + " of " +
                   std::to_string(bytes_.size()));
    }
    if (!has_graph_)
      refuse_model("no graph found in " + std::to_string(bytes_.size()) +
                   " bytes; an ONNX model, an ncnn .param or a JSON graph expected");
    add_inputs();
    return std::move(builder_);
  }

 private:
  pbf_reader enter(protozero::data_view view) {
    at_ = view.data();
    return pbf_reader(view);
  }
  static std::string text(pbf_reader& reader) {
    const auto view = reader.get_view();
    return {view.data(), view.size()};
  }

  void read_model(pbf_reader model) {
    while (next(model)) {
      if (model.tag_and_type() == text_field(7)) {
        read_graph(enter(model.get_view()));
        has_graph_ = true;
      } else {
        model.skip();
      }
    }
  }

  void read_graph(pbf_reader graph) {
    while (next(graph)) {
      switch (graph.tag_and_type()) {
        case text_field(1):
          read_node(enter(graph.get_view()));
          break;
        case text_field(2):
          builder_.call(text(graph));
          break;
        case text_field(5):
          add_constant(read_tensor(enter(graph.get_view())), {});
          break;
        case text_field(11):
          inputs_.push_back(read_value(enter(graph.get_view())));
          break;
        case text_field(12): {
          const OnnxValue value = read_value(enter(graph.get_view()));
          const int tensor = builder_.tensor(value.name);
          if (tensor >= 0) builder_.output(tensor);
          declare(value);
          break;
        }
        case text_field(13):
          declare(read_value(enter(graph.get_view())));
          break;
        default:
          graph.skip();
      }
    }
  }

  void declare(const OnnxValue& value) {
    if (value.dims && !value.name.empty()) builder_.declare(builder_.tensor(value.name), *value.dims);
  }

  // --- Tensors ---

  template <class Number>
  static Number load(const char* at) {
    Number number;
    std::memcpy(&number, at, sizeof number);
    return number;
  }

  static double load(const char* at, std::int64_t type) {
    switch (element_of_onnx(type)) {
      case Element::f64:
        return load<double>(at);
      case Element::i64:
        return static_cast<double>(load<std::int64_t>(at));
      case Element::i32:
        return load<std::int32_t>(at);
      case Element::i8:
      case Element::boolean:
        return static_cast<unsigned char>(*at);
      default:
        return static_cast<double>(load<float>(at));
    }
  }

  // Packed or one by one, as many as may ever be kept.
  template <class Range, class Number>
  static void append(const Range& range, std::vector<Number>& values) {
    for (const auto value : range) {
      if (static_cast<std::int64_t>(values.size()) > kMostValues) return;
      values.push_back(static_cast<Number>(value));
    }
  }

  OnnxTensor read_tensor(pbf_reader reader) {
    OnnxTensor tensor;
    protozero::data_view raw;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case text_field(1):
          append(reader.get_packed_int64(), tensor.dims);
          break;
        case number_field(1):
          append(std::array<std::int64_t, 1>{reader.get_int64()}, tensor.dims);
          break;
        case number_field(2):
          tensor.type = reader.get_int32();
          break;
        case text_field(4):
          append(reader.get_packed_float(), tensor.values);
          break;
        case text_field(5):
          append(reader.get_packed_int32(), tensor.values);
          break;
        case text_field(7):
          append(reader.get_packed_int64(), tensor.values);
          break;
        case number_field(7):
          append(std::array<std::int64_t, 1>{reader.get_int64()}, tensor.values);
          break;
        case text_field(8):
          tensor.name = text(reader);
          break;
        case text_field(9):
          raw = reader.get_view();
          break;
        case text_field(10):
          append(reader.get_packed_double(), tensor.values);
          break;
        default:
          reader.skip();
      }
    }
    check_shape("weight '" + tensor.name + "'", tensor.dims);
    std::int64_t elements = 1;
    for (const std::int64_t length : tensor.dims) elements *= length;
    const Element element = element_of_onnx(tensor.type);
    const bool whole = element != Element::f32 && element != Element::f64 && element != Element::f16;
    // Half precision is not read: no constant that decides a shape is in it.
    const bool keeps = elements <= (whole ? kMostValues : kMostReals) && element != Element::f16;
    const auto size = static_cast<std::size_t>(bytes_of(element));
    if (keeps && tensor.values.empty() && raw.size() == static_cast<std::size_t>(elements) * size)
      for (std::size_t at = 0; at < raw.size(); at += size)
        tensor.values.push_back(load(raw.data() + at, tensor.type));
    if (!keeps || static_cast<std::int64_t>(tensor.values.size()) != elements) tensor.values.clear();
    return tensor;
  }

  void add_constant(const OnnxTensor& tensor, const std::string& name) {
    const std::string& called = name.empty() ? tensor.name : name;
    if (!called.empty()) builder_.constant(called, tensor.dims, tensor.values, element_of_onnx(tensor.type));
  }

  OnnxValue read_value(pbf_reader reader) {
    OnnxValue value;
    while (next(reader)) {
      if (reader.tag_and_type() == text_field(1))
        value.name = text(reader);
      else if (reader.tag_and_type() == text_field(2))
        read_type(enter(reader.get_view()), value);
      else
        reader.skip();
    }
    return value;
  }

  void read_type(pbf_reader type, OnnxValue& value) {
    while (next(type)) {
      if (type.tag_and_type() != text_field(1)) {
        type.skip();
        continue;
      }
      pbf_reader tensor = enter(type.get_view());
      while (next(tensor)) {
        if (tensor.tag_and_type() == number_field(1))
          value.type = tensor.get_int32();
        else if (tensor.tag_and_type() == text_field(2))
          value.dims = read_dims(enter(tensor.get_view()));
        else
          tensor.skip();
      }
    }
  }

  Dims read_dims(pbf_reader shape) {
    Dims dims;
    while (next(shape)) {
      if (shape.tag_and_type() != text_field(1)) {
        shape.skip();
        continue;
      }
      if (dims.size() > kMostDims) refuse_model("more than " + std::to_string(kMostDims) + " dimensions");
      dims.push_back(kOpen);
      pbf_reader dim = enter(shape.get_view());
      while (next(dim)) {
        if (dim.tag_and_type() == number_field(1)) {
          const std::int64_t length = dim.get_int64();
          if (length > 0) dims.back() = length;  // some exporters write 0 or -1 for an open one
        } else {
          dim.skip();
        }
      }
    }
    return dims;
  }

  // --- Nodes ---

  void read_node(pbf_reader reader) {
    std::string op, name, domain;
    std::vector<std::string> inputs, outputs;
    std::vector<OnnxAttribute> attributes;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case text_field(1):
          inputs.push_back(text(reader));
          break;
        case text_field(2):
          outputs.push_back(text(reader));
          break;
        case text_field(3):
          name = text(reader);
          break;
        case text_field(4):
          op = text(reader);
          break;
        case text_field(5):
          attributes.push_back(read_attribute(enter(reader.get_view())));
          break;
        case text_field(7):
          domain = text(reader);
          break;
        default:
          reader.skip();
      }
    }
    // Microsoft's operator of that name does the projections as well.
    if (op == "Attention" && !domain.empty()) op = domain + "." + op;
    if (name.empty() && !outputs.empty()) name = outputs.front();
    if (op == "Constant") {
      add_constant_node(name, outputs, attributes);
      return;
    }
    for (const Translation& translation : kTranslations)
      if (op == translation.from) {
        translate(translation, op, inputs);
        // Scales that are computed at run time are settings of the kernels that use them.
        for (std::size_t i = 1; i < outputs.size(); ++i)
          if (!outputs[i].empty()) builder_.weight(outputs[i], {});
        outputs.resize(std::min<std::size_t>(outputs.size(), 1));
      }
    std::vector<int> reads, writes;
    for (const std::string& input : inputs) reads.push_back(builder_.tensor(input));
    for (const std::string& output : outputs) writes.push_back(builder_.tensor(output));
    note_use(op, reads);
    Node& node = builder_.node(std::move(op), std::move(name), std::move(reads), std::move(writes));
    for (OnnxAttribute& attribute : attributes) {
      if (attribute.tensor) {
        attribute.value.ints = {static_cast<std::int64_t>(element_of_onnx(attribute.tensor->type))};
        attribute.value.reals = attribute.tensor->values;
      }
      node.attributes.emplace(std::move(attribute.name), std::move(attribute.value));
    }
  }

  static void translate(const Translation& translation, std::string& op, std::vector<std::string>& inputs) {
    op = translation.to;
    std::vector<std::string> kept;
    for (const int input : translation.inputs)
      if (input >= 0 && static_cast<std::size_t>(input) < inputs.size())
        kept.push_back(inputs[static_cast<std::size_t>(input)]);
    inputs = std::move(kept);
  }

  OnnxAttribute read_attribute(pbf_reader reader) {
    OnnxAttribute attribute;
    Attribute& value = attribute.value;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case text_field(1):
          attribute.name = text(reader);
          break;
        case float_field(2):
          value.reals = {static_cast<double>(reader.get_float())};
          break;
        case number_field(3):
          value.ints = {reader.get_int64()};
          break;
        case text_field(4):
          value.text = text(reader);
          break;
        case text_field(5):
          attribute.tensor = read_tensor(enter(reader.get_view()));
          break;
        case text_field(7):
          append(reader.get_packed_float(), value.reals);
          break;
        case float_field(7):
          append(std::array<float, 1>{reader.get_float()}, value.reals);
          break;
        case text_field(8):
          append(reader.get_packed_int64(), value.ints);
          break;
        case number_field(8):
          append(std::array<std::int64_t, 1>{reader.get_int64()}, value.ints);
          break;
        default:
          reader.skip();
      }
    }
    return attribute;
  }

  void add_constant_node(const std::string& name, const std::vector<std::string>& outputs,
                         const std::vector<OnnxAttribute>& attributes) {
    if (outputs.empty() || outputs.front().empty() || attributes.empty())
      refuse_model("node '" + name + "' (Constant) has no value or no output");
    const OnnxAttribute& attribute = attributes.front();
    if (attribute.tensor) {
      add_constant(*attribute.tensor, outputs.front());
      return;
    }
    OnnxTensor tensor;
    const bool list = attribute.name == "value_ints" || attribute.name == "value_floats";
    const bool whole = attribute.name == "value_ints" || attribute.name == "value_int";
    if (whole)
      tensor.values.assign(attribute.value.ints.begin(), attribute.value.ints.end());
    else
      tensor.values = attribute.value.reals;
    tensor.type = whole ? 7 : 1;
    if (list) tensor.dims = {static_cast<std::int64_t>(tensor.values.size())};
    add_constant(tensor, outputs.front());
  }

  // --- Inputs ---

  // A file without its weights may list them among the inputs. What is read only where weights are, is one.
  void note_use(const std::string& op, const std::vector<int>& reads) {
    for (std::size_t i = 0; i < reads.size(); ++i) {
      static const std::set<std::string> weighted = {"Conv",   "ConvTranspose",      "Gemm",
                                                     "PRelu",  "LayerNormalization", "InstanceNormalization",
                                                     "MatMul", "BatchNormalization", "GroupNormalization"};
      const bool as_weight = i > 0 && weighted.count(op) > 0;
      (as_weight ? read_as_weight_ : read_as_input_).insert(reads[i]);
      if (as_weight && op == "MatMul") read_as_matrix_.insert(reads[i]);
    }
  }

  void add_inputs() {
    for (const OnnxValue& value : inputs_) {
      const int tensor = builder_.tensor(value.name);
      if (tensor < 0) continue;
      const bool closed =
          value.dims && std::find(value.dims->begin(), value.dims->end(), kOpen) == value.dims->end();
      const bool matrix = read_as_matrix_.count(tensor) == 0 || (value.dims && value.dims->size() == 2);
      if (closed && matrix && read_as_weight_.count(tensor) && !read_as_input_.count(tensor))
        builder_.weight(value.name, *value.dims, element_of_onnx(value.type));
      builder_.at(tensor).element = element_of_onnx(value.type);
      builder_.input(tensor, value.dims);
    }
  }

  std::string_view bytes_;
  const char* at_;  // where the message being read begins
  bool has_graph_ = false;
  ModelBuilder builder_{"ONNX"};
  std::vector<OnnxValue> inputs_;
  std::set<int> read_as_weight_, read_as_input_, read_as_matrix_;
};

}  // namespace

ModelBuilder read_onnx(std::string_view bytes) { return OnnxReader(bytes).read(); }

}  // namespace latencast
