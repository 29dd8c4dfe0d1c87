// One operator while its result's shape is worked out: its inputs and settings, and refusals that name it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "latencast/error.h"
#include "model_build.h"

namespace latencast {

/// A shape that depends on what the network computes, or on what this library does not compute at import.
class UndecidedShape : public Error {
 public:
  using Error::Error;
};

class Operator {
 public:
  Operator(Model& model, std::size_t node) : model_(model), node_(model.nodes[node]) {}

  const std::string& op() const { return node_.op; }
  const Model& model() const { return model_; }
  const Node& node() const { return node_; }

  std::size_t inputs() const { return node_.inputs.size(); }
  std::size_t outputs() const { return node_.outputs.size(); }
  bool has(std::size_t i) const { return i < node_.inputs.size() && node_.inputs[i] >= 0; }

  /// Valid until `add_weight`.
  const ModelTensor& in(std::size_t i) const {
    if (!has(i)) refuse("has no input " + std::to_string(i + 1) + ", which it needs");
    return model_.tensors[static_cast<std::size_t>(node_.inputs[i])];
  }
  const Dims& shape(std::size_t i) const { return in(i).shape; }
  ModelTensor* out(std::size_t i) {
    const bool there = i < node_.outputs.size() && node_.outputs[i] >= 0;
    return there ? &model_.tensors[static_cast<std::size_t>(node_.outputs[i])] : nullptr;
  }

  bool given(const char* name) const { return node_.attributes.count(name) > 0; }
  Dims ints(const char* name) const {
    const auto found = node_.attributes.find(name);
    return found == node_.attributes.end() ? Dims{} : found->second.ints;
  }
  std::vector<double> reals(const char* name) const {
    const auto found = node_.attributes.find(name);
    if (found == node_.attributes.end()) return {};
    if (!found->second.reals.empty()) return found->second.reals;
    return {found->second.ints.begin(), found->second.ints.end()};
  }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    const Dims found = ints(name);
    return found.empty() ? otherwise : found.front();
  }
  std::string text(const char* name) const {
    const auto found = node_.attributes.find(name);
    return found == node_.attributes.end() ? "" : found->second.text;
  }

  /// Whole numbers that newer opsets pass as input i and older ones as an attribute; none where neither is
  /// there.
  std::optional<Dims> list(std::size_t i, const char* attribute) const;

  /// The same for real numbers.
  std::optional<std::vector<double>> real_list(std::size_t i, const char* attribute) const;

  /// An axis that may count from the end.
  std::size_t axis(std::int64_t from_file, std::size_t rank) const {
    const auto length = static_cast<std::int64_t>(rank);
    if (from_file < -length || from_file >= length)
      refuse("has the axis " + std::to_string(from_file) + "; its tensor has " + std::to_string(rank) +
             " dimensions");
    return static_cast<std::size_t>(from_file < 0 ? from_file + length : from_file);
  }

  /// The shape of output i, with the first input's element unless another is given.
  void set(Dims shape, std::size_t i = 0) { set(std::move(shape), in(0).element, i); }
  void set(Dims shape, Element element, std::size_t i = 0);

  /// A weight that the file leaves to be made up: it becomes input i.
  void add_weight(std::size_t i, Dims shape);

  /// "model: node 'conv1' (Conv) has ..."
  [[noreturn]] void refuse(const std::string& found) const {
    refuse_model("node '" + node_.name + "' (" + node_.op + ") " + found);
  }

  /// The shape is left to be assumed.
  [[noreturn]] void give_up(const std::string& found) const {
    throw UndecidedShape(ErrorCode::model, "model: node '" + node_.name + "' (" + node_.op + ") " + found);
  }

 private:
  Model& model_;
  Node& node_;
};

std::int64_t whole(double value);  ///< rounded towards 0, and held within 64 bits

/// Which elements of one axis a slice takes.
struct Taken {
  std::size_t axis;
  std::int64_t first, step, count;
};
std::vector<Taken> taken(const Operator& slice);

/// Which axis of its input each axis of a transpose's output is.
Dims axis_order(const Operator& transpose);

/// Length of every label of an Einsum's equation; empty where the equation is not followed (an ellipsis).
std::map<char, std::int64_t> einsum_lengths(const Model& model, const Node& node);

/// Works out the shapes of the outputs. False where the operator is outside the vocabulary.
bool infer_shapes(Operator& op);

/// Values of the first output, where every input's values are known and they may decide shapes.
std::vector<double> fold(Operator& op);

/// Puts together what exporters took apart; shapes are known.
void restore_composites(Model& model);

}  // namespace latencast
