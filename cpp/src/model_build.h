// What the readers of all formats share: a graph by names, made into a Model.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "latencast/model.h"

namespace latencast {

[[noreturn]] void refuse_model(const std::string& message);

std::string text_of(const Dims& shape);  ///< "1x3x224x224"

// Numbers in a hostile file multiply to anything; these stop at the largest.
std::int64_t times(std::int64_t a, std::int64_t b);
std::int64_t plus(std::int64_t a, std::int64_t b);

/// Refuses negative lengths and sizes that no machine holds. where: e.g. "input 'x'".
void check_shape(const std::string& where, const Dims& shape);

constexpr std::int64_t kMostValues = 4096;  ///< of a constant whose values are kept
constexpr std::size_t kMostDims = 16;
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

/// Of ONNX's TensorProto.DataType.
Element element_of_onnx(std::int64_t type);

/// A graph being read. Nodes come in any order.
class ModelBuilder {
 public:
  explicit ModelBuilder(std::string format) { model_.format = std::move(format); }

  void call(std::string name) { model_.name = std::move(name); }

  /// The tensor of that name, made where there is none; -1 for "" (an optional one left out).
  int tensor(std::string_view name);

  /// The tensor by index, valid until the next `tensor`.
  ModelTensor& at(int index) { return model_.tensors[static_cast<std::size_t>(index)]; }

  /// A weight of which the shape is all that matters.
  int weight(std::string_view name, Dims shape, Element element = Element::f32);

  /// A small constant that may decide shapes.
  int constant(std::string_view name, Dims shape, std::vector<double> values, Element element);

  /// shape: kOpen where the file leaves a dimension open; none where it says nothing at all.
  void input(int tensor, std::optional<Dims> shape) { inputs_.emplace_back(tensor, std::move(shape)); }
  void output(int tensor) { model_.outputs.push_back(tensor); }

  /// A shape that the file states of a tensor that is no input; used behind operators that nobody knows.
  void declare(int tensor, Dims shape) { declared_[tensor] = std::move(shape); }

  /// The reference is valid until the next `node`.
  Node& node(std::string op, std::string name, std::vector<int> inputs, std::vector<int> outputs);

  /// As the file states them, without weights that it lists among them.
  std::vector<ModelInput> inputs() const;

  /// Orders the nodes, infers every shape, and takes out what is not executed. Without outputs, what nobody
  /// reads is one.
  Model finish(const ImportOptions& options) &&;

 private:
  void resolve_inputs(const ImportOptions& options);
  void sort_nodes();

  Model model_;
  std::unordered_map<std::string, int> tensor_called_;
  std::vector<std::pair<int, std::optional<Dims>>> inputs_;
  std::unordered_map<int, Dims> declared_;
};

/// Shapes of all tensors and values of small constants, node by node; what is computed at import or stands
/// for its input leaves the model. The nodes are in order.
void infer(Model& model, const std::unordered_map<int, Dims>& declared);

ModelBuilder read_onnx(std::string_view bytes);
ModelBuilder read_ncnn(std::string_view text);
ModelBuilder read_graph_json(std::string_view text);

}  // namespace latencast
