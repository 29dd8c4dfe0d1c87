#include "latencast/model.h"

#include <algorithm>
#include <limits>
#include <set>

#include "latencast/error.h"
#include "model_operator.h"

namespace latencast {

int bytes_of(Element element) {
  switch (element) {
    case Element::i8:
    case Element::boolean:
      return 1;
    case Element::f16:
    case Element::i16:
      return 2;
    case Element::f32:
    case Element::i32:
      return 4;
    case Element::f64:
    case Element::i64:
      break;
  }
  return 8;
}

std::int64_t ModelTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t length : shape) product *= length;
  return product;
}

void refuse_model(const std::string& message) { throw Error(ErrorCode::model, "model: " + message); }

std::string text_of(const Dims& shape) {
  std::string text;
  for (const std::int64_t length : shape)
    text += (text.empty() ? "" : "x") + (length == kOpen ? "?" : std::to_string(length));
  return text.empty() ? "scalar" : text;
}

void check_shape(const std::string& where, const Dims& shape) {
  if (shape.size() > kMostDims)
    refuse_model(where + " has " + std::to_string(shape.size()) + " dimensions; at most " +
                 std::to_string(kMostDims) + " expected");
  std::int64_t elements = 1;
  for (const std::int64_t length : shape) {
    if (length < 0 || length > kMostElements || (elements = times(elements, length)) > kMostElements)
      refuse_model(where + " has the shape " + text_of(shape) +
                   "; lengths from 0 and at most 2^40 elements expected");
  }
}

std::int64_t times(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max() : product;
}

std::int64_t plus(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

// --- What a model costs ---

std::int64_t macs(const Model& model, const Node& node) {
  const auto tensor = [&](const std::vector<int>& of, std::size_t i) -> const ModelTensor* {
    return i < of.size() && of[i] >= 0 ? &model.tensors[static_cast<std::size_t>(of[i])] : nullptr;
  };
  const ModelTensor* in = tensor(node.inputs, 0);
  const ModelTensor* weight = tensor(node.inputs, 1);
  const ModelTensor* out = tensor(node.outputs, 0);
  if (!node.known || !in || !weight || !out || in->elements() == 0 || weight->elements() == 0) return 0;
  if (node.op == "Conv") return times(out->elements(), weight->elements() / weight->shape[0]);
  if (node.op == "ConvTranspose") return times(in->elements(), weight->elements() / weight->shape[0]);
  if (node.op == "Gemm")  // every weight meets every row of the output
    return times(out->elements() / out->shape.back(), weight->elements());
  if (node.op == "MatMul") return times(out->elements(), in->shape.back());
  if (node.op == "Einsum") {
    std::int64_t product = 1;
    for (const auto& [label, length] : einsum_lengths(model, node)) product = times(product, length);
    return product;
  }
  if (node.op == "MultiHeadAttention") {  // query, key, value: (batch, ..., length, channels)
    const ModelTensor* value = tensor(node.inputs, 2);
    const auto length = [](const ModelTensor& of) { return of.shape[of.shape.size() - 2]; };
    return plus(times(in->elements(), length(*weight)), times(out->elements(), length(value ? *value : *in)));
  }
  if (node.op == "LSTM" || node.op == "GRU" || node.op == "RNN") {
    const ModelTensor* recurrent = tensor(node.inputs, 2);
    return times(times(in->shape[0], in->shape[1]),
                 plus(weight->elements(), recurrent ? recurrent->elements() : 0));
  }
  return 0;
}

std::int64_t Model::macs() const {
  std::int64_t sum = 0;
  for (const Node& node : nodes) sum = plus(sum, latencast::macs(*this, node));
  return sum;
}

std::vector<int> weights_of(const Model& model, const Node& node) {
  std::vector<int> weights;
  const bool batch_norm = node.op == "BatchNormalization";
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] < 0 || (batch_norm && i > 2)) continue;
    const ModelTensor& tensor = model.tensors[static_cast<std::size_t>(node.inputs[i])];
    const bool whole = tensor.element == Element::i64 || tensor.element == Element::boolean;
    if (tensor.constant && !whole && tensor.elements() > 1) weights.push_back(node.inputs[i]);
  }
  if (node.op == "Resize" || node.op == "Upsample" || node.op == "Pad") weights.clear();
  return weights;
}

std::int64_t Model::params() const {
  std::set<int> weights;
  for (const Node& node : nodes)
    for (const int weight : weights_of(*this, node)) weights.insert(weight);
  std::int64_t sum = 0;
  for (const int weight : weights) sum = plus(sum, tensors[static_cast<std::size_t>(weight)].elements());
  return sum;
}

// --- Building ---

int ModelBuilder::tensor(std::string_view name) {
  if (name.empty()) return -1;
  const auto [found, made] =
      tensor_called_.try_emplace(std::string(name), static_cast<int>(model_.tensors.size()));
  if (made) {
    model_.tensors.emplace_back();
    model_.tensors.back().name = name;
  }
  return found->second;
}

int ModelBuilder::weight(std::string_view name, Dims shape, Element element) {
  check_shape("weight '" + std::string(name) + "'", shape);
  const int index = tensor(name);
  at(index).shape = std::move(shape);
  at(index).element = element;
  at(index).constant = true;
  return index;
}

int ModelBuilder::constant(std::string_view name, Dims shape, std::vector<double> values, Element element) {
  const int index = weight(name, std::move(shape), element);
  at(index).values = std::move(values);
  return index;
}

Node& ModelBuilder::node(std::string op, std::string name, std::vector<int> inputs,
                         std::vector<int> outputs) {
  Node node;
  node.op = std::move(op);
  node.name = std::move(name);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  model_.nodes.push_back(std::move(node));
  return model_.nodes.back();
}

std::vector<ModelInput> ModelBuilder::inputs() const {
  std::vector<ModelInput> stated;
  for (const auto& [index, shape] : inputs_) {
    const ModelTensor& tensor = model_.tensors[static_cast<std::size_t>(index)];
    if (!tensor.constant) stated.push_back({tensor.name, shape});  // older files list their weights as well
  }
  return stated;
}

void ModelBuilder::resolve_inputs(const ImportOptions& options) {
  if (options.batch < 1)
    refuse_model("batch " + std::to_string(options.batch) + " asked for; at least 1 expected");
  std::set<std::string> unused;
  for (const auto& [name, shape] : options.inputs) unused.insert(name);
  for (auto& [index, stated] : inputs_) {
    ModelTensor& tensor = at(index);
    if (tensor.constant) continue;  // older files list their weights among the inputs
    const auto given = options.inputs.find(tensor.name);
    if (given != options.inputs.end()) {
      stated = given->second;
      unused.erase(tensor.name);
    }
    const std::string hint = "; give its shape, e.g. --input " + tensor.name + "=1x3x224x224";
    if (!stated) refuse_model("input '" + tensor.name + "' has no shape in the file" + hint);
    if (!stated->empty() && stated->front() == kOpen) stated->front() = options.batch;
    if (options.batch != 1 && given == options.inputs.end() &&
        (stated->empty() || stated->front() != options.batch))
      refuse_model("a batch of " + std::to_string(options.batch) +
                   " is asked for, but the file fixes input '" + tensor.name + "' at " + text_of(*stated));
    for (const std::int64_t length : *stated)
      if (length < 1)
        refuse_model("input '" + tensor.name + "' has the shape " + text_of(*stated) +
                     " in the file: only the first dimension may be left open" + hint);
    check_shape("input '" + tensor.name + "'", *stated);
    tensor.shape = *stated;
    model_.inputs.push_back(index);
  }
  if (unused.empty()) return;
  std::string names;
  for (const int input : model_.inputs) names += (names.empty() ? "" : ", ") + at(input).name;
  refuse_model("a shape is given for '" + *unused.begin() + "', but the model's inputs are " + names);
}

void ModelBuilder::sort_nodes() {
  constexpr int kNobody = -1;
  std::vector<int> writer(model_.tensors.size(), kNobody);
  for (std::size_t i = 0; i < model_.nodes.size(); ++i)
    for (const int output : model_.nodes[i].outputs) {
      if (output < 0) continue;
      int& of = writer[static_cast<std::size_t>(output)];
      if (of != kNobody)
        refuse_model("node '" + model_.nodes[i].name + "' writes '" + at(output).name + "', which node '" +
                     model_.nodes[static_cast<std::size_t>(of)].name + "' writes already");
      of = static_cast<int>(i);
    }
  std::vector<char> given(model_.tensors.size(), 0);
  for (const int input : model_.inputs) given[static_cast<std::size_t>(input)] = 1;

  std::vector<int> waits(model_.nodes.size(), 0);
  std::vector<std::vector<int>> readers(model_.nodes.size());
  for (std::size_t i = 0; i < model_.nodes.size(); ++i)
    for (const int input : model_.nodes[i].inputs) {
      if (input < 0) continue;
      const int from = writer[static_cast<std::size_t>(input)];
      if (from == kNobody) {
        if (!at(input).constant && !given[static_cast<std::size_t>(input)])
          refuse_model("node '" + model_.nodes[i].name + "' (" + model_.nodes[i].op + ") reads '" +
                       at(input).name + "', which is no input, no weight and no other node's result");
        continue;
      }
      ++waits[i];
      readers[static_cast<std::size_t>(from)].push_back(static_cast<int>(i));
    }

  std::vector<int> ready;
  for (std::size_t i = 0; i < waits.size(); ++i)
    if (waits[i] == 0) ready.push_back(static_cast<int>(i));
  for (std::size_t next = 0; next < ready.size(); ++next)
    for (const int reader : readers[static_cast<std::size_t>(ready[next])])
      if (--waits[static_cast<std::size_t>(reader)] == 0) ready.push_back(reader);
  if (ready.size() != model_.nodes.size()) {
    const auto stuck = std::find_if(waits.begin(), waits.end(), [](int count) { return count > 0; });
    refuse_model("node '" + model_.nodes[static_cast<std::size_t>(stuck - waits.begin())].name +
                 "' reads its own result, directly or through others; a graph without cycles expected");
  }
  // Files list their nodes in an order that can be executed, and people look for them in it.
  bool sorted = true;
  std::vector<char> done(model_.nodes.size(), 0);
  for (std::size_t i = 0; i < model_.nodes.size() && sorted; ++i) {
    for (const int input : model_.nodes[i].inputs)
      if (input >= 0 && writer[static_cast<std::size_t>(input)] != kNobody)
        sorted = sorted && done[static_cast<std::size_t>(writer[static_cast<std::size_t>(input)])];
    done[i] = 1;
  }
  if (sorted) return;
  std::vector<Node> ordered;
  ordered.reserve(ready.size());
  for (const int i : ready) ordered.push_back(std::move(model_.nodes[static_cast<std::size_t>(i)]));
  model_.nodes = std::move(ordered);
}

Model ModelBuilder::finish(const ImportOptions& options) && {
  resolve_inputs(options);
  if (model_.nodes.empty()) refuse_model("no operators found in this " + model_.format + " file");
  sort_nodes();
  if (model_.outputs.empty()) {
    std::vector<char> read(model_.tensors.size(), 0);
    for (const Node& node : model_.nodes)
      for (const int input : node.inputs)
        if (input >= 0) read[static_cast<std::size_t>(input)] = 1;
    for (const Node& node : model_.nodes)
      for (const int output : node.outputs)
        if (output >= 0 && !read[static_cast<std::size_t>(output)]) model_.outputs.push_back(output);
  }
  for (auto& [tensor, shape] : declared_)
    if (!shape.empty() && shape.front() == kOpen) shape.front() = options.batch;
  infer(model_, declared_);
  return std::move(model_);
}

namespace {

// What people have at hand in place of an ONNX file, by the bytes it begins with.
struct Foreign {
  std::size_t at;
  std::string_view magic;
  const char* what;
};
constexpr Foreign kForeign[] = {
    {0, "PK\x03\x04", "a zip archive, as PyTorch saves a model"},
    {4, "TFL3", "a TensorFlow Lite model"},
    {0, "\x89HDF", "an HDF5 file, as Keras saves a model"},
    {0, "\x80\x02", "a Python pickle"},
    {0, "GGUF", "a GGUF file"},
};

ModelBuilder read_format(std::string_view bytes) {
  for (const Foreign& foreign : kForeign)
    if (bytes.size() > foreign.at && bytes.substr(foreign.at, foreign.magic.size()) == foreign.magic)
      refuse_model(std::string(foreign.what) +
                   " found; ONNX, ncnn .param or JSON expected: export the model to ONNX first");
  constexpr std::string_view kNcnnMagic = "7767517";
  const auto first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    refuse_model("nothing but blanks found; ONNX, ncnn .param or JSON expected");
  if (bytes.substr(first, kNcnnMagic.size()) == kNcnnMagic) return read_ncnn(bytes.substr(first));
  // An ONNX file begins with a field's key: 0x08 of the version, in practice; never with a brace.
  if (bytes[first] == '{') return read_graph_json(bytes.substr(first));
  return read_onnx(bytes);
}

}  // namespace

Model read_model(std::string_view bytes, const ImportOptions& options) {
  return read_format(bytes).finish(options);
}

std::vector<ModelInput> read_inputs(std::string_view bytes) { return read_format(bytes).inputs(); }

}  // namespace latencast
