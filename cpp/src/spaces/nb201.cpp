// NAS-Bench-201 (Dong and Yang, ICLR 2020): cells of 4 nodes and 6 edges, 5 operations an edge, 15,625 cells.
// Graph as NASFLAT builds it (arXiv 2403.02446): edges become nodes, `none` and `skip_connect` are simplified
// away.
#include <algorithm>
#include <array>
#include <charconv>
#include <random>

#include "spaces/common.h"
#include "spaces/kernels.h"
#include "spaces/layer_list.h"
#include "spaces/spaces.h"

namespace latencast {
namespace {

constexpr int kEdges = 6;
constexpr int kOperations = 5;
constexpr std::size_t kCells = 15625;

// Digits of the short form, in the order of the benchmark's own files.
enum Operation { kNone, kSkip, kConv1, kConv3, kPool };
constexpr std::array<const char*, kOperations> kOperationNames = {"none", "skip_connect", "nor_conv_1x1",
                                                                  "nor_conv_3x3", "avg_pool_3x3"};

// Edge e runs from cell node kFrom[e] to kTo[e]: the order of the arch string.
constexpr std::array<int, kEdges> kFrom = {0, 0, 1, 0, 1, 2};
constexpr std::array<int, kEdges> kTo = {1, 2, 2, 3, 3, 3};

// Graph nodes: 0 the input, 1 + e edge e, 7 the output.
constexpr int kNodes = kEdges + 2;
constexpr int kOutput = kNodes - 1;

// The CIFAR-10 network around the cells.
constexpr std::array<int, 3> kWidth = {16, 32, 64};
constexpr std::array<int, 3> kPixels = {32, 16, 8};
constexpr int kCellsPerStage = 5;
constexpr int kClasses = 10;

[[noreturn]] void refuse(std::string_view text, const std::string& expected) {
  latencast::refuse("nb201", text, expected);
}

constexpr const char* kForms =
    "six digits 0-4 (421211), an arch string (|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|) or an official "
    "index from 0 to 15624";

Architecture parse_arch_string(std::string_view text) {
  Architecture digits;
  std::string_view rest = text;
  const auto eat = [&](std::string_view token) {
    if (rest.substr(0, token.size()) != token) {
      const auto at = std::to_string(text.size() - rest.size() + 1);
      refuse(text, "\"" + std::string(token) + "\" at character " + at + " of the arch string");
    }
    rest.remove_prefix(token.size());
  };
  for (int edge = 0; edge < kEdges; ++edge) {
    const bool first_of_node = edge == 0 || kTo[edge] != kTo[edge - 1];
    if (first_of_node) eat(edge == 0 ? "|" : "+|");
    const auto operation = rest.substr(0, rest.find('~'));
    const auto found = std::find(kOperationNames.begin(), kOperationNames.end(), operation);
    if (found == kOperationNames.end()) {
      refuse(text, "one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3 in place of " +
                       shown(operation.substr(0, operation.find('|'))) + " on edge " +
                       std::to_string(edge + 1) + " of 6");
    }
    digits.push_back(static_cast<char>('0' + (found - kOperationNames.begin())));
    rest.remove_prefix(operation.size());
    eat("~" + std::to_string(kFrom[edge]) + "|");
  }
  if (!rest.empty()) refuse(text, "nothing after the third node; found " + shown(rest));
  return digits;
}

// The benchmark numbers its cells by Python's random.seed(88); random.shuffle(cells in digit order). What
// follows is that generator: MT19937 seeded by an array of one word, whose state a seed sequence can set.
struct PythonSeed {
  using result_type = std::uint32_t;
  std::uint32_t key;

  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    const auto n = static_cast<std::uint32_t>(end - begin);
    begin[0] = 19650218u;
    for (std::uint32_t i = 1; i < n; ++i) begin[i] = next(begin, i, 1812433253u) + i;
    std::uint32_t i = 1;
    const auto wrap = [&] {
      if (++i >= n) {
        begin[0] = begin[n - 1];
        i = 1;
      }
    };
    for (std::uint32_t k = n; k; --k, wrap()) begin[i] = (begin[i] ^ next(begin, i, 1664525u)) + key;
    for (std::uint32_t k = n - 1; k; --k, wrap()) begin[i] = (begin[i] ^ next(begin, i, 1566083941u)) - i;
    begin[0] = 0x80000000u;
  }

 private:
  template <class Iterator>
  static std::uint32_t next(Iterator state, std::uint32_t i, std::uint32_t factor) {
    const std::uint32_t previous = state[i - 1];
    return (previous ^ (previous >> 30)) * factor;
  }
};

struct OfficialOrder {
  std::vector<Architecture> cell;       // official index -> digits
  std::vector<std::uint16_t> position;  // digits as a base-5 number -> official index

  OfficialOrder() : cell(kCells), position(kCells) {
    for (std::size_t code = 0; code < kCells; ++code) {
      std::size_t rest = code;
      cell[code].assign(kEdges, '0');
      for (int edge = kEdges - 1; edge >= 0; --edge, rest /= kOperations)
        cell[code][static_cast<std::size_t>(edge)] = static_cast<char>('0' + rest % kOperations);
    }
    PythonSeed seed{88};
    std::mt19937 generator(seed);
    for (std::uint32_t i = kCells - 1; i > 0; --i) {
      int bits = 0;
      while ((i + 1) >> bits) ++bits;
      std::uint32_t j = i + 1;
      while (j > i) j = static_cast<std::uint32_t>(generator()) >> (32 - bits);
      std::swap(cell[i], cell[j]);
    }
    for (std::size_t i = 0; i < kCells; ++i) position[code_of(cell[i])] = static_cast<std::uint16_t>(i);
  }

  static std::size_t code_of(const Architecture& digits) {
    std::size_t code = 0;
    for (const char digit : digits) code = code * kOperations + static_cast<std::size_t>(digit - '0');
    return code;
  }
};

const OfficialOrder& official_order() {
  static const OfficialOrder order;
  return order;
}

class Nb201 final : public Space {
 public:
  const char* id() const override { return "nb201"; }
  const char* title() const override { return "NAS-Bench-201"; }

  const std::vector<std::string>& op_names() const override {
    static const std::vector<std::string> names = [] {
      std::vector<std::string> all = {"output", "input"};
      all.insert(all.end(), kOperationNames.begin(), kOperationNames.end());
      return all;
    }();
    return names;
  }

  Architecture parse(std::string_view text) const override {
    text = trimmed(text);
    if (text.empty()) refuse(text, kForms);
    if (text.find('|') != std::string_view::npos) return parse_arch_string(text);
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
      refuse(text, kForms);
    if (text.size() == kEdges) {
      if (text.find_first_not_of("01234") != std::string_view::npos)
        refuse(text, "each of the six digits from 0 to 4");
      return Architecture(text);
    }
    std::size_t index = kCells;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), index);
    if (text.size() > kEdges || read.ec != std::errc() || index >= kCells) refuse(text, kForms);
    return official_order().cell[index];
  }

  std::string format(const Architecture& architecture) const override {
    check(architecture);
    std::string text;
    for (int edge = 0; edge < kEdges; ++edge) {
      if (edge == 0 || kTo[edge] != kTo[edge - 1]) text += edge == 0 ? "|" : "+|";
      text += kOperationNames[operation(architecture, edge)];
      text += "~" + std::to_string(kFrom[edge]) + "|";
    }
    return text;
  }

  std::size_t size() const override { return kCells; }
  const std::vector<Architecture>& enumerate() const override { return official_order().cell; }

  std::size_t index(const Architecture& architecture) const override {
    check(architecture);
    return official_order().position[OfficialOrder::code_of(architecture)];
  }

  Architecture random(Rng& rng) const override { return enumerate()[rng.below(kCells)]; }

  std::vector<Architecture> neighbours(const Architecture& architecture) const override {
    check(architecture);
    return with_other_digits(architecture, kOperations);
  }

  int most_nodes() const override { return kNodes; }

  Graph graph(const Architecture& architecture) const override {
    check(architecture);
    bool edge[kNodes][kNodes] = {};
    std::array<bool, kEdges> keeps_edges{};
    for (int e = 0; e < kEdges; ++e) keeps_edges[e] = operation(architecture, e) != kNone;
    for (int e = 0; e < kEdges; ++e) {
      if (!keeps_edges[e]) continue;
      if (kFrom[e] == 0) edge[0][1 + e] = true;
      if (kTo[e] == 3) edge[1 + e][kOutput] = true;
      for (int f = e + 1; f < kEdges; ++f)
        if (kTo[e] == kFrom[f] && keeps_edges[f]) edge[1 + e][1 + f] = true;
    }

    Graph graph;
    graph.op.resize(kNodes);
    graph.place.resize(kNodes);
    graph.op[0] = 1;
    graph.op[kOutput] = 0;
    for (int e = 0; e < kEdges; ++e)
      graph.op[1 + e] = static_cast<std::uint8_t>(2 + operation(architecture, e));

    graph.live = on_path(edge);
    for (int i = 0; i < kNodes; ++i)
      for (int j = 0; j < kNodes; ++j) edge[i][j] = edge[i][j] && graph.live[i] && graph.live[j];

    // Edges run from lower to higher nodes, so one ascending pass bypasses chains of skips too.
    for (int e = 0; e < kEdges; ++e) {
      if (operation(architecture, e) != kSkip) continue;
      const int skip = 1 + e;
      for (int i = 0; i < kNodes; ++i)
        for (int j = 0; j < kNodes; ++j) edge[i][j] = edge[i][j] || (edge[i][skip] && edge[skip][j]);
      for (int i = 0; i < kNodes; ++i) edge[i][skip] = edge[skip][i] = false;
    }
    graph.predecessors.resize(kNodes);
    for (int j = 0; j < kNodes; ++j)
      for (int i = 0; i < kNodes; ++i)
        if (edge[i][j]) graph.predecessors[j].push_back(static_cast<std::uint8_t>(i));
    return graph;
  }

  std::vector<Kernel> kernels(int op, int) const override {
    if (op == 0) return head_kernels();
    if (op == 1) return fixed_kernels();
    std::vector<Kernel> all;
    if (op - 2 == kNone || op - 2 == kSkip) return all;
    for (std::size_t stage = 0; stage < kWidth.size(); ++stage)
      all.insert(all.end(), kCellsPerStage, edge_kernel(op - 2, stage));
    return all;
  }

  /// The benchmark's own program (https://github.com/D-X-Y/AutoDL-Projects, InferCell): ReLU before every
  /// convolution, and an absent edge is its input times zero.
  std::vector<Layer> layers(const Architecture& architecture) const override {
    check(architecture);
    LayerList list;
    std::size_t at = list.run(stem_kernel(), {0});
    for (std::size_t stage = 0; stage < kWidth.size(); ++stage) {
      if (stage > 0) {
        const auto [first, second, pool, shortcut, sum] = reduction_kernels(stage);
        std::size_t deep = list.run(first, {list.relu(at)});
        deep = list.run(second, {list.relu(deep)});
        const std::size_t shallow = list.run(shortcut, {list.run(pool, {at})});
        at = list.run(sum, {shallow, deep});
      }
      for (int cell = 0; cell < kCellsPerStage; ++cell) at = put_cell(list, architecture, stage, at);
    }
    const std::vector<Kernel> head = head_kernels();
    at = list.run(head[1], {list.relu(list.run(head[0], {at}))});
    list.run(head[2], {list.apply(Layer::Type::flatten, at)});
    return std::move(list).finish();
  }

 private:
  static void check(const Architecture& architecture) {
    if (architecture.size() != kEdges || architecture.find_first_not_of("01234") != std::string::npos)
      refuse(architecture, "the canonical form: six digits 0-4");
  }

  static std::size_t operation(const Architecture& architecture, int edge) {
    return static_cast<std::size_t>(architecture[static_cast<std::size_t>(edge)] - '0');
  }

  // Of an operation that computes.
  static Kernel edge_kernel(int operation, std::size_t stage) {
    const int pixels = kPixels[stage], width = kWidth[stage];
    if (operation == kPool) return layer::average_pool(pixels, width, 3, 1);
    return layer::convolution(pixels, width, width, operation == kConv1 ? 1 : 3);
  }

  static Kernel stem_kernel() { return layer::convolution(kPixels[0], 3, kWidth[0], 3); }

  // The residual block before a stage: 3x3 stride 2, 3x3, pool and 1x1 without batch norm on the shortcut,
  // and their sum.
  static std::array<Kernel, 5> reduction_kernels(std::size_t stage) {
    const int pixels = kPixels[stage], width = kWidth[stage];
    const int before = kPixels[stage - 1], narrow = kWidth[stage - 1];
    Kernel shortcut = layer::convolution(pixels, narrow, width, 1);
    shortcut.norm = false;
    return {layer::convolution(before, narrow, width, 3, 2), layer::convolution(pixels, width, width, 3),
            layer::average_pool(before, narrow, 2, 2), shortcut, layer::add(pixels, width)};
  }

  // Stem, the sums inside the cells, and the residual blocks between the stages.
  static std::vector<Kernel> fixed_kernels() {
    std::vector<Kernel> all = {stem_kernel()};
    constexpr int kSumsPerCell = kEdges - 3;  // of the edges into the cell's nodes 1, 2 and 3
    for (std::size_t stage = 0; stage < kWidth.size(); ++stage) {
      if (stage > 0) {
        const auto reduction = reduction_kernels(stage);
        all.insert(all.end(), reduction.begin(), reduction.end());
      }
      all.insert(all.end(), kCellsPerStage * kSumsPerCell, layer::add(kPixels[stage], kWidth[stage]));
    }
    return all;
  }

  static std::size_t put_cell(LayerList& list, const Architecture& architecture, std::size_t stage,
                              std::size_t input) {
    std::array<std::size_t, 4> node{input};
    std::array<bool, 4> begun{true};
    for (int edge = 0; edge < kEdges; ++edge) {
      const auto from = static_cast<std::size_t>(kFrom[edge]), to = static_cast<std::size_t>(kTo[edge]);
      const auto chosen = static_cast<int>(operation(architecture, edge));
      std::size_t result = node[from];
      if (chosen == kNone) result = list.apply(Layer::Type::zero, result);
      if (chosen == kConv1 || chosen == kConv3) result = list.relu(result);
      if (chosen >= kConv1) result = list.run(edge_kernel(chosen, stage), {result});
      node[to] = begun[to] ? list.run(layer::add(kPixels[stage], kWidth[stage]), {node[to], result}) : result;
      begun[to] = true;
    }
    return node.back();
  }

  static std::vector<Kernel> head_kernels() {
    return {layer::batch_norm(kPixels.back(), kWidth.back()),
            layer::global_pool(kPixels.back(), kWidth.back()), layer::linear(kWidth.back(), kClasses)};
  }

  static std::vector<std::uint8_t> on_path(const bool (&edge)[kNodes][kNodes]) {
    std::array<bool, kNodes> from_input{}, to_output{};
    from_input[0] = to_output[kOutput] = true;
    for (int i = 0; i < kNodes; ++i)
      for (int j = i + 1; j < kNodes; ++j) from_input[j] = from_input[j] || (from_input[i] && edge[i][j]);
    for (int i = kNodes - 1; i >= 0; --i)
      for (int j = i + 1; j < kNodes; ++j) to_output[i] = to_output[i] || (to_output[j] && edge[i][j]);
    std::vector<std::uint8_t> live(kNodes);
    for (int i = 0; i < kNodes; ++i) live[i] = from_input[i] && to_output[i];
    return live;
  }
};

}  // namespace

const Space& nb201_space() {
  static const Nb201 space;
  return space;
}

}  // namespace latencast
