// A graph written by hand or by a script: docs/format.md.
#include <algorithm>
#include <cmath>

#include "json.h"
#include "model_build.h"

namespace latencast {
namespace {

using nlohmann::json;

// Short names of the settings that people write most.
const char* standard_name(const std::string& name) {
  constexpr const char* kShort[][2] = {{"kernel", "kernel_shape"},
                                       {"stride", "strides"},
                                       {"pad", "pads"},
                                       {"dilation", "dilations"},
                                       {"groups", "group"}};
  for (const auto& [brief, standard] : kShort)
    if (name == brief) return standard;
  return name.c_str();
}

[[noreturn]] void refuse(const std::string& where, const json& found, const std::string& expected) {
  refuse_model("JSON graph: " + where + ": " + found.dump().substr(0, 60) + " found; " + expected +
               " expected");
}

std::int64_t whole_number(const std::string& where, const json& value) {
  if (!value.is_number_integer() || value > std::numeric_limits<std::int64_t>::max())
    refuse(where, value, "a whole number");
  return value.get<std::int64_t>();
}

Dims dims(const std::string& where, const json& value, bool may_be_open) {
  if (!value.is_array() || value.size() > kMostDims) refuse(where, value, "a list of lengths");
  Dims shape;
  for (const json& length : value) {
    shape.push_back(may_be_open && length.is_null() ? kOpen : whole_number(where, length));
    if (shape.back() < 1 && shape.back() != kOpen) refuse(where, length, "a length from 1");
    if (shape.back() == kOpen && !length.is_null()) refuse(where, length, "a length from 1");
  }
  return shape;
}

Attribute attribute(const std::string& where, const json& value) {
  Attribute made;
  if (value.is_string()) {
    made.text = value.get<std::string>();
    return made;
  }
  const json list = value.is_array() ? value : json::array({value});
  for (const json& one : list) {
    if (one.is_boolean())
      made.ints.push_back(one.get<bool>());
    else if (one.is_number_integer())
      made.ints.push_back(whole_number(where, one));
    else if (one.is_number())
      made.reals.push_back(one.get<double>());
    else
      refuse(where, one, "a number, a text, true or false");
  }
  if (!made.reals.empty() && !made.ints.empty()) {  // 1 among 0.5s is written without a point
    made.ints.clear();
    made.reals.clear();
    for (const json& one : list) made.reals.push_back(one.get<double>());
  }
  return made;
}

class GraphReader {
 public:
  ModelBuilder read(const json& graph) && {
    const json name = graph.value("name", json(""));
    if (!name.is_string()) refuse("name", name, "a text");
    builder_.call(name.get<std::string>());
    const json inputs = object(graph, "inputs"), weights = object(graph, "weights");
    for (const auto& [input, shape] : inputs.items()) {
      previous_ = input;
      builder_.input(named("inputs", json(input)), dims("input '" + input + "'", shape, true));
    }
    for (const auto& [weight, shape] : weights.items()) {
      named("weights", json(weight));
      builder_.weight(weight, dims("weight '" + weight + "'", shape, false));
    }
    const json& nodes = list(graph, "nodes");
    for (std::size_t i = 0; i < nodes.size(); ++i) read_node(i, nodes[i]);
    if (graph.contains("outputs"))
      for (const json& output : list(graph, "outputs")) builder_.output(named("outputs", output));
    return std::move(builder_);
  }

 private:
  static json object(const json& graph, const char* name) {
    json found = graph.value(name, json::object());
    if (!found.is_object()) refuse(name, found, "an object of names and shapes");
    return found;
  }

  static const json& list(const json& graph, const char* name) {
    const auto found = graph.find(name);
    if (found == graph.end()) refuse_model("JSON graph: has no \"" + std::string(name) + "\"");
    if (!found->is_array()) refuse(name, *found, "a list");
    return *found;
  }

  int named(const std::string& where, const json& name) {
    if (!name.is_string() || name.get_ref<const std::string&>().empty()) refuse(where, name, "a name");
    return builder_.tensor(name.get_ref<const std::string&>());
  }

  // One name or several.
  std::vector<int> names(const std::string& where, const json& value) {
    std::vector<int> all;
    if (!value.is_array()) return {named(where, value)};
    for (const json& one : value) all.push_back(named(where, one));
    return all;
  }

  void read_node(std::size_t i, const json& node) {
    const std::string where = "nodes[" + std::to_string(i) + "]";
    if (!node.is_object()) refuse(where, node, "an object");
    const json op = node.value("op", json()), name = node.value("name", json());
    if (!op.is_string()) refuse(where + ", op", op, "the name of an operator");
    if (!name.is_null() && !name.is_string()) refuse(where + ", name", name, "a text");
    const std::string called =
        name.is_string() ? name.get<std::string>() : op.get<std::string>() + "_" + std::to_string(i);
    const json from = node.value("in", json(previous_)), to = node.value("out", json(called));
    auto reads = names(where + ", in", from), writes = names(where + ", out", to);
    if (writes.empty()) refuse(where + ", out", to, "at least one name");
    previous_ = builder_.at(writes.front()).name;
    Node& made = builder_.node(op.get<std::string>(), called, std::move(reads), std::move(writes));
    for (const auto& [key, value] : node.items())
      if (key != "op" && key != "name" && key != "in" && key != "out")
        made.attributes[standard_name(key)] = attribute(std::string(where).append(", ").append(key), value);
  }

  ModelBuilder builder_{"JSON"};
  std::string previous_;  // the tensor that a node reads which does not say
};

}  // namespace

ModelBuilder read_graph_json(std::string_view text) {
  const json graph = read_json(text);
  if (!graph.is_object())
    refuse_model("begins with a brace but is no JSON object (" + std::to_string(text.size()) + " bytes)");
  return GraphReader().read(graph);
}

}  // namespace latencast
