// What exporters take apart because their operator set has no word for it, put together again: a split
// written as slices, a channel shuffle as reshape, transpose and reshape.
#include <algorithm>
#include <map>

#include "model_operator.h"

namespace latencast {
namespace {

std::vector<std::vector<int>> readers_of(const Model& model) {
  std::vector<std::vector<int>> readers(model.tensors.size());
  for (std::size_t i = 0; i < model.nodes.size(); ++i)
    for (const int input : model.nodes[i].inputs)
      if (input >= 0) readers[static_cast<std::size_t>(input)].push_back(static_cast<int>(i));
  return readers;
}

struct Cut {
  std::int64_t first, count;
  int node;
};

// Slices that share a tensor out along one axis, nothing twice and nothing left over.
void restore_splits(Model& model, std::vector<char>& gone) {
  const auto readers = readers_of(model);
  for (std::size_t tensor = 0; tensor < readers.size(); ++tensor) {
    std::map<std::size_t, std::vector<Cut>> cuts;  // by axis
    for (const int reader : readers[tensor]) {
      const auto i = static_cast<std::size_t>(reader);
      if (model.nodes[i].op != "Slice" || !model.nodes[i].known ||
          model.nodes[i].inputs.front() != static_cast<int>(tensor))
        continue;
      const auto parts = taken(Operator(model, i));
      if (parts.size() == 1 && parts[0].step == 1)
        cuts[parts[0].axis].push_back({parts[0].first, parts[0].count, reader});
    }
    for (auto& [axis, parts] : cuts) {
      std::sort(parts.begin(), parts.end(), [](const Cut& a, const Cut& b) { return a.first < b.first; });
      std::int64_t end = 0;
      bool adjoining = parts.size() > 1;
      for (const Cut& part : parts) {
        adjoining = adjoining && part.first == end;
        end += part.count;
      }
      if (!adjoining || end != model.tensors[tensor].shape[axis]) continue;
      Node split;
      split.op = "Split";
      split.inputs = {static_cast<int>(tensor)};
      split.attributes["axis"].ints = {static_cast<std::int64_t>(axis)};
      int at = parts.front().node;
      for (const Cut& part : parts) {
        const auto node = static_cast<std::size_t>(part.node);
        split.outputs.push_back(model.nodes[node].outputs.front());
        gone[node] = 1;
        at = std::min(at, part.node);
      }
      split.name = model.nodes[static_cast<std::size_t>(at)].name;
      gone[static_cast<std::size_t>(at)] = 0;
      model.nodes[static_cast<std::size_t>(at)] = std::move(split);
    }
  }
}

// (n, c, h, w) -> (n, g, c / g, h, w) -> (n, c / g, g, h, w) -> (n, c, h, w)
void restore_shuffles(Model& model, std::vector<char>& gone) {
  const auto readers = readers_of(model);
  const auto only_reader = [&](const Node& node) {
    const auto output = static_cast<std::size_t>(node.outputs.front());
    const bool is_output =
        std::find(model.outputs.begin(), model.outputs.end(), node.outputs.front()) != model.outputs.end();
    return readers[output].size() == 1 && !is_output ? readers[output].front() : -1;
  };
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    const Node& apart = model.nodes[i];
    if (apart.op != "Reshape" || !apart.known || gone[i]) continue;
    const Dims& image = model.tensors[static_cast<std::size_t>(apart.inputs.front())].shape;
    const Dims& groups = model.tensors[static_cast<std::size_t>(apart.outputs.front())].shape;
    if (image.size() != 4 || groups.size() != 5 || image[0] != groups[0] || image[2] != groups[3] ||
        image[3] != groups[4])
      continue;
    const int turn = only_reader(apart);
    if (turn < 0 || model.nodes[static_cast<std::size_t>(turn)].op != "Transpose") continue;
    if (axis_order(Operator(model, static_cast<std::size_t>(turn))) != Dims{0, 2, 1, 3, 4}) continue;
    const int back = only_reader(model.nodes[static_cast<std::size_t>(turn)]);
    if (back < 0) continue;
    Node& shuffle = model.nodes[static_cast<std::size_t>(back)];
    if (shuffle.op != "Reshape" || !shuffle.known ||
        model.tensors[static_cast<std::size_t>(shuffle.outputs.front())].shape != image)
      continue;
    shuffle.op = "ChannelShuffle";
    shuffle.inputs = {apart.inputs.front()};
    shuffle.attributes.clear();
    shuffle.attributes["group"].ints = {groups[1]};
    gone[i] = gone[static_cast<std::size_t>(turn)] = 1;
  }
}

}  // namespace

void restore_composites(Model& model) {
  std::vector<char> gone(model.nodes.size(), 0);
  restore_splits(model, gone);
  restore_shuffles(model, gone);
  std::vector<Node> kept;
  for (std::size_t i = 0; i < model.nodes.size(); ++i)
    if (!gone[i]) kept.push_back(std::move(model.nodes[i]));
  model.nodes = std::move(kept);
}

}  // namespace latencast
