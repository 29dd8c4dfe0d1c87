// An architecture of a search space as a JSON graph: its kernels, wired as its network is. So what the
// importer and the decomposition make of a network can be held against what the space says it costs.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "latencast/space.h"

namespace latencast::test {

class SpaceGraph {
 public:
  static std::string json(const Space& space, const Architecture& architecture) {
    SpaceGraph graph;
    if (std::string(space.id()) == "nb201")
      graph.add_cells(space, architecture);
    else
      graph.add_chain(space, space.graph(architecture));
    return nlohmann::json{
        {"name", architecture}, {"inputs", {{"image", graph.input_}}}, {"nodes", graph.nodes_}}
        .dump();
  }

 private:
  using Name = std::string;

  Name node(const char* op, std::vector<Name> in, nlohmann::json settings = nlohmann::json::object()) {
    settings["op"] = op;
    settings["in"] = in;
    settings["name"] = std::string(op) + std::to_string(nodes_.size());
    nodes_.push_back(settings);
    return settings["name"];
  }

  static nlohmann::json window(const Kernel& kernel) {
    return {{"kernel", kernel.size}, {"stride", kernel.stride}, {"auto_pad", "SAME_UPPER"}};
  }

  Name convolution(const Kernel& kernel, const Name& in) {
    nlohmann::json settings = window(kernel);
    settings["channels"] = kernel.out_channels;
    settings["groups"] = kernel.groups;
    settings["bias"] = kernel.bias;
    const Name out = node("Conv", {in}, settings);
    return kernel.norm ? node("BatchNormalization", {out}) : out;
  }

  Name linear(const Kernel& kernel, const Name& in) {
    return node("Gemm", {in}, {{"channels", kernel.out_channels}, {"bias", kernel.bias}});
  }

  void start(const Kernel& stem) { input_ = {1, stem.in_channels, stem.height, stem.width}; }

  // One node's kernels after another: pool, two linear layers and scale are squeeze-excite, an add is the
  // block's short-cut, and every convolution but a block's last has an activation.
  void add_chain(const Space& space, const Graph& graph) {
    Name at = "image";
    for (std::size_t i = 0; i < graph.op.size(); ++i) {
      const auto kernels = space.kernels(graph.op[i], graph.place[i]);
      if (i == 0) start(kernels.front());
      Name entry = at;
      Name image;
      for (std::size_t k = 0; k < kernels.size(); ++k) {
        const Kernel& kernel = kernels[k];
        const bool last_of_block = k + 1 == kernels.size() || kernels[k + 1].type == Kernel::Type::add;
        switch (kernel.type) {
          case Kernel::Type::conv:
            at = convolution(kernel, at);
            if (!last_of_block) at = node("Relu", {at});
            if (i == 0 && k == 0) entry = at;  // behind the stem comes the first block
            break;
          case Kernel::Type::global_pool:
            image = at;
            at = node("GlobalAveragePool", {at});
            break;
          case Kernel::Type::linear:
            at = linear(kernel, at);
            if (k + 1 < kernels.size())
              at = node(kernels[k + 1].type == Kernel::Type::scale ? "HardSigmoid" : "Relu", {at});
            break;
          case Kernel::Type::scale:
            at = node("Reshape", {at}, {{"shape", {1, kernel.out_channels, 1, 1}}});
            at = node("Mul", {image, at});
            break;
          case Kernel::Type::add:
            at = node("Add", {entry, at});
            break;
          case Kernel::Type::avg_pool:
            throw std::logic_error("no average pools in chains");
        }
      }
    }
  }

  // NAS-Bench-201: stem, three stages of five cells, a residual block before the second and the third.
  void add_cells(const Space& space, const Architecture& architecture) {
    constexpr int kFrom[] = {0, 0, 1, 0, 1, 2}, kTo[] = {1, 2, 2, 3, 3, 3};
    constexpr int kStages = 3, kCells = 5;
    const auto fixed = space.kernels(1, 0), head = space.kernels(0, 0);
    start(fixed.front());
    Name at = convolution(fixed.front(), "image");
    std::size_t next = 1;
    for (int stage = 0; stage < kStages; ++stage) {
      if (stage > 0) {
        Name path = convolution(fixed[next], node("Relu", {at}));
        path = convolution(fixed[next + 1], node("Relu", {path}));
        const Name pooled = node("AveragePool", {at}, window(fixed[next + 2]));
        at = node("Add", {convolution(fixed[next + 3], pooled), path});
        next += 5;
      }
      for (int cell = 0; cell < kCells; ++cell) {
        std::vector<Name> sums = {at, "", "", ""};
        for (int edge = 0; edge < 6; ++edge) {
          const int op = architecture[static_cast<std::size_t>(edge)] - '0';
          if (op == 0) throw std::logic_error("nodes without inputs have no place in a graph");
          Name result = sums[static_cast<std::size_t>(kFrom[edge])];
          if (op > 1) {
            const Kernel kernel = space.kernels(2 + op, 0)[static_cast<std::size_t>(stage * kCells + cell)];
            result = kernel.type == Kernel::Type::conv ? convolution(kernel, node("Relu", {result}))
                                                       : node("AveragePool", {result}, window(kernel));
          }
          Name& sum = sums[static_cast<std::size_t>(kTo[edge])];
          sum = sum.empty() ? result : node("Add", {sum, result});
        }
        at = sums[3];
        next += 3;
      }
    }
    at = node("Relu", {node("BatchNormalization", {at})});
    linear(head[2], node("GlobalAveragePool", {at}));
  }

  std::vector<int> input_;
  nlohmann::json nodes_ = nlohmann::json::array();
};

}  // namespace latencast::test
