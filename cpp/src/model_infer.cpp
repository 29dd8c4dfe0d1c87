// Every node in turn: its result's shape, its value where it is a small constant, or the tensor it stands
// for.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "latencast/error.h"
#include "model_operator.h"

namespace latencast {

std::optional<Dims> Operator::list(std::size_t i, const char* attribute) const {
  const auto found = real_list(i, attribute);
  if (!found) return std::nullopt;
  Dims all;
  for (const double value : *found) all.push_back(whole(value));
  return all;
}

std::optional<std::vector<double>> Operator::real_list(std::size_t i, const char* attribute) const {
  if (has(i)) {
    if (!in(i).known())
      give_up("reads '" + in(i).name +
              "', whose value is needed and depends on the model's inputs or is not in " + "the file");
    return in(i).values;
  }
  if (given(attribute)) return reals(attribute);
  return std::nullopt;
}

void Operator::set(Dims shape, Element element, std::size_t i) {
  ModelTensor* tensor = out(i);
  if (!tensor) return;
  check_shape("node '" + node_.name + "' (" + node_.op + ")", shape);
  tensor->shape = std::move(shape);
  tensor->element = element;
}

void Operator::add_weight(std::size_t i, Dims shape) {
  check_shape("the weight of node '" + node_.name + "' (" + node_.op + ")", shape);
  ModelTensor tensor;
  tensor.name = node_.name + ".weight" + std::to_string(i);
  tensor.shape = std::move(shape);
  tensor.constant = true;
  if (node_.inputs.size() <= i) node_.inputs.resize(i + 1, -1);
  node_.inputs[i] = static_cast<int>(model_.tensors.size());
  model_.tensors.push_back(std::move(tensor));
}

std::int64_t whole(double value) {
  constexpr double kLimit = 9e18;
  if (std::isnan(value)) return 0;
  return static_cast<std::int64_t>(std::max(-kLimit, std::min(kLimit, value)));
}

namespace {

// Operators whose first output is their first input, as far as time is concerned. A quantised tensor is the
// tensor it stands for, at one byte an element.
bool stands_for_input(const std::string& op) {
  return op == "Identity" || op == "Dropout" || op == "QuantizeLinear" || op == "DequantizeLinear";
}

// Exporters write slices of everything, paddings by nothing and joints of one tensor.
bool changes_nothing(Operator& op) {
  const std::string& name = op.op();
  const bool may = name == "Slice" || name == "Pad" || name == "Expand" || name == "Tile" ||
                   name == "Concat" || name == "Resize" || name == "Cast";
  if (!may || !op.out(0) || op.out(0)->shape != op.shape(0) || op.out(0)->element != op.in(0).element)
    return false;
  if (name == "Concat") return op.inputs() == 1;
  if (name != "Slice") return true;
  const auto parts = taken(op);
  return std::all_of(parts.begin(), parts.end(), [](const Taken& part) { return part.step == 1; });
}

// Nobody knows what it does, or how much of it: its results have the shapes that the file declares, or else
// that of its largest input.
void assume_shapes(Model& model, Node& node, const std::unordered_map<int, Dims>& declared) {
  node.known = false;
  const ModelTensor* largest = nullptr;
  for (const int input : node.inputs) {
    if (input < 0) continue;
    const ModelTensor& tensor = model.tensors[static_cast<std::size_t>(input)];
    if (!tensor.constant && (!largest || tensor.elements() > largest->elements())) largest = &tensor;
  }
  const Dims assumed = largest ? largest->shape : Dims{};
  for (const int output : node.outputs) {
    if (output < 0) continue;
    ModelTensor& tensor = model.tensors[static_cast<std::size_t>(output)];
    const auto stated = declared.find(output);
    tensor.guessed = stated == declared.end() ||
                     std::any_of(stated->second.begin(), stated->second.end(), [](auto l) { return l < 0; });
    tensor.shape = tensor.guessed ? assumed : stated->second;
    check_shape("node '" + node.name + "' (" + node.op + ")", tensor.shape);
  }
}

// Whatever no output needs: runtimes do not execute it.
void drop_unneeded(Model& model) {
  std::vector<char> needed(model.tensors.size(), 0);
  for (const int output : model.outputs) needed[static_cast<std::size_t>(output)] = 1;
  std::vector<Node> kept;
  for (auto node = model.nodes.rbegin(); node != model.nodes.rend(); ++node) {
    const bool needs = std::any_of(node->outputs.begin(), node->outputs.end(), [&](int output) {
      return output >= 0 && needed[static_cast<std::size_t>(output)];
    });
    if (!needs) continue;
    for (const int input : node->inputs)
      if (input >= 0) needed[static_cast<std::size_t>(input)] = 1;
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  model.nodes = std::move(kept);
}

}  // namespace

void infer(Model& model, const std::unordered_map<int, Dims>& declared) {
  std::vector<int> stands_for(model.tensors.size());
  std::iota(stands_for.begin(), stands_for.end(), 0);
  std::vector<char> executed(model.nodes.size(), 1);
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    Node& node = model.nodes[i];
    bool constant = !node.inputs.empty(), known = true, guessed = false;
    for (int& input : node.inputs) {
      if (input < 0) continue;
      input = stands_for[static_cast<std::size_t>(input)];
      const ModelTensor& tensor = model.tensors[static_cast<std::size_t>(input)];
      constant = constant && tensor.constant;
      known = known && tensor.known();
      guessed = guessed || tensor.guessed;
    }
    Operator op(model, i);
    if (stands_for_input(node.op) && op.has(0)) {
      executed[i] = 0;
      for (const int output : node.outputs)
        if (output >= 0) stands_for[static_cast<std::size_t>(output)] = node.inputs[0];
      if (node.op == "QuantizeLinear") {
        ModelTensor& tensor = model.tensors[static_cast<std::size_t>(node.inputs[0])];
        if (!tensor.constant) tensor.element = Element::i8;
      }
      continue;
    }
    try {
      if (!infer_shapes(op)) assume_shapes(model, node, declared);
    } catch (const UndecidedShape&) {
      assume_shapes(model, node, declared);
    } catch (const Error&) {
      if (!guessed) throw;
      assume_shapes(model, node, declared);  // it does not fit what was only assumed
    }
    if (node.known && changes_nothing(op)) {
      executed[i] = 0;
      stands_for[static_cast<std::size_t>(node.outputs[0])] = node.inputs[0];
      continue;
    }
    // A shape is known whether or not the tensor's values are.
    const bool of_shape = node.op == "Shape" || node.op == "Size";
    for (std::size_t j = 0; j < node.outputs.size(); ++j)
      if (ModelTensor* out = op.out(j)) {
        out->guessed = out->guessed || guessed;
        out->constant = node.known && (constant || of_shape);
      }
    ModelTensor* out = op.out(0);
    if (!out || !out->constant) continue;
    executed[i] = 0;
    if ((known || of_shape) && out->elements() <= kMostValues) out->values = fold(op);
  }

  std::vector<Node> kept;
  for (std::size_t i = 0; i < model.nodes.size(); ++i)
    if (executed[i]) kept.push_back(std::move(model.nodes[i]));
  model.nodes = std::move(kept);
  for (int& output : model.outputs) output = stands_for[static_cast<std::size_t>(output)];
  drop_unneeded(model);
  restore_composites(model);
}

}  // namespace latencast
