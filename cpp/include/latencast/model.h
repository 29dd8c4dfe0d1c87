// A neural network as a file describes it: operators, tensors and their shapes, whatever the file's format.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latencast {

/// Row-major lengths; images are NCHW, a scalar is {}.
using Dims = std::vector<std::int64_t>;

/// What a tensor holds; decides its bytes.
enum class Element : std::uint8_t { f32, f16, f64, i8, i16, i32, i64, boolean };

int bytes_of(Element element);

struct ModelTensor {
  std::string name;
  Dims shape;
  Element element = Element::f32;
  bool constant = false;  ///< a weight, or computed from weights and shapes alone
  bool guessed = false;   ///< behind an unknown operator, and no shape declared: the shape is an assumption
  std::vector<double> values;  ///< of a small constant that may decide shapes; empty of every other tensor

  std::int64_t elements() const;
  std::int64_t bytes() const { return elements() * bytes_of(element); }
  bool known() const { return constant && static_cast<std::int64_t>(values.size()) == elements(); }
};

/// An operator's setting: whole numbers, real numbers or text, one of them non-empty.
struct Attribute {
  Dims ints;
  std::vector<double> reals;
  std::string text;
};

/// One operator, named and meant as in the ONNX standard (https://onnx.ai/onnx/operators), whatever the
/// format it came from. Beyond the standard: ChannelShuffle (group), MultiHeadAttention (query, key, value).
struct Node {
  std::string name;  ///< as in the file, e.g. "/layer1/conv1/Conv"
  std::string op;    ///< e.g. "Conv"
  std::map<std::string, Attribute> attributes;
  std::vector<int> inputs;  ///< indices of tensors; -1 where an optional one is left out
  std::vector<int> outputs;
  bool known = true;  ///< false: outside the vocabulary, or its result's shape hangs on what is computed
};

/// A model with every shape known. What a runtime does not execute is not in it: constants are computed,
/// identities and drop-outs are taken out, a quantised tensor stands for its quantise-dequantise pair,
/// operators that no output needs are gone, and a split or a channel shuffle that an exporter took apart is
/// one node again.
struct Model {
  std::string name;    ///< as the file calls it; may be empty
  std::string format;  ///< "ONNX", "ncnn" or "JSON"
  std::vector<ModelTensor> tensors;
  std::vector<Node> nodes;  ///< every node after those it reads from
  std::vector<int> inputs;  ///< of the user, without weights
  std::vector<int> outputs;

  std::int64_t macs() const;  ///< multiply-adds of all nodes
  /// Weights, each counted once; a batch norm counts its scale and shift. A table that is expanded at import
  /// counts as expanded.
  std::int64_t params() const;
};

/// Multiply-adds of convolutions, matrix products, attention and recurrent layers; 0 for every other node.
std::int64_t macs(const Model& model, const Node& node);

/// The weights among a node's inputs: what training changes, so no shapes, scalars or running statistics.
std::vector<int> weights_of(const Model& model, const Node& node);

struct ImportOptions {
  std::int64_t batch = 1;  ///< for a first dimension that the file leaves open
  /// Shapes of inputs by name, e.g. {"input", {1, 3, 224, 224}}; needed where the file leaves other
  /// dimensions open, and free to replace what it says.
  std::map<std::string, Dims> inputs;
};

/// Reads an ONNX model (opset 9 and later; weights may be missing or in other files, and are never copied),
/// an ncnn .param or a JSON graph (docs/format.md); which of them, the bytes tell. An operator outside the
/// vocabulary is kept. Throws `model`, saying where (node, line or byte), what was found and what was
/// expected.
Model read_model(std::string_view bytes, const ImportOptions& options = {});

constexpr std::int64_t kOpen = -1;  ///< a length that the file leaves open

/// An input as a file states it.
struct ModelInput {
  std::string name;
  std::optional<Dims> shape;  ///< kOpen where a length is open; none where the file says nothing of it
};

/// What has to be asked before `read_model`, which refuses open lengths but the batch. Throws as it does
/// where the file cannot be read at all.
std::vector<ModelInput> read_inputs(std::string_view bytes);

}  // namespace latencast
