// FBNet (Wu et al., CVPR 2019): 22 blocks one after the other, 9 choices each, as measured on CIFAR-100
// images by HW-NAS-Bench (Li et al., ICLR 2021). NASFLAT gives this space a graph without edges; here it is
// the chain that it is.
#include <algorithm>
#include <array>

#include "spaces/common.h"
#include "spaces/features.h"
#include "spaces/kernels.h"
#include "spaces/layer_list.h"
#include "spaces/spaces.h"

namespace latencast {
namespace {

constexpr int kBlocks = 22;

struct Choice {
  const char* name;
  int size, expansion, groups;  // of the inverted residual block; size 0 for skip
};
constexpr std::array<Choice, 9> kChoices = {{{"k3_e1", 3, 1, 1},
                                             {"k3_e1_g2", 3, 1, 2},
                                             {"k3_e3", 3, 3, 1},
                                             {"k3_e6", 3, 6, 1},
                                             {"k5_e1", 5, 1, 1},
                                             {"k5_e1_g2", 5, 1, 2},
                                             {"k5_e3", 5, 3, 1},
                                             {"k5_e6", 5, 6, 1},
                                             {"skip", 0, 0, 1}}};
constexpr int kFirstOp = 2;  // after output and input

struct Stage {
  int blocks, channels, stride;  // stride of its first block
};
constexpr std::array<Stage, 7> kStages = {
    {{1, 16, 1}, {4, 24, 1}, {4, 32, 2}, {4, 64, 2}, {4, 112, 1}, {4, 184, 2}, {1, 352, 1}}};
constexpr int kPixels = 32;
constexpr int kStem = 16, kHeader = 1504, kClasses = 100;

// Node i of the chain: 0 the input, 1..22 the blocks, 23 the output; it is also the node's place.
constexpr int kOutput = kBlocks + 1;

const std::array<NodeSite, kBlocks + 2>& sites() {
  static const auto all = [] {
    std::array<NodeSite, kBlocks + 2> sites{};
    sites[0] = {3, kStem, kPixels, kPixels};
    std::size_t node = 1;
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
      for (int block = 0; block < kStages[stage].blocks; ++block, ++node) {
        const NodeSite& before = sites[node - 1];
        sites[node] = {before.out_channels,
                       kStages[stage].channels,
                       before.out_pixels,
                       before.out_pixels / (block == 0 ? kStages[stage].stride : 1),
                       static_cast<int>(stage),
                       block,
                       static_cast<float>(node) / kOutput};
      }
    }
    sites[kOutput] = {sites[kBlocks].out_channels, kClasses, sites[kBlocks].out_pixels, 1};
    sites[kOutput].depth = 1;
    return sites;
  }();
  return all;
}

std::vector<Kernel> block_kernels(const Choice& choice, const NodeSite& site) {
  const int in = site.in_channels, out = site.out_channels, pixels = site.in_pixels;
  const int stride = pixels / site.out_pixels;
  const bool same_shape = in == out && stride == 1;
  if (choice.size == 0) {
    if (same_shape) return {};
    return {layer::convolution(pixels, in, out, 1, stride)};
  }
  const int wide = in * choice.expansion;
  std::vector<Kernel> kernels = {layer::convolution(pixels, in, wide, 1, 1, choice.groups),
                                 layer::depthwise(pixels, wide, choice.size, stride),
                                 layer::convolution(site.out_pixels, wide, out, 1, 1, choice.groups)};
  if (same_shape) kernels.push_back(layer::add(pixels, out));
  return kernels;
}

std::string choice_names() {
  std::string names;
  for (const Choice& choice : kChoices) names += (names.empty() ? "" : ", ") + std::string(choice.name);
  return names;
}

class Fbnet final : public Space {
 public:
  const char* id() const override { return "fbnet"; }
  const char* title() const override { return "FBNet"; }

  const std::vector<std::string>& op_names() const override {
    static const std::vector<std::string> names = [] {
      std::vector<std::string> all = {"output", "input"};
      for (const Choice& choice : kChoices) all.emplace_back(choice.name);
      return all;
    }();
    return names;
  }

  /// 22 digits, 22 names, or both mixed; separated by blanks, commas or underscores (digits also by nothing);
  /// quoted or not; in brackets or not.
  Architecture parse(std::string_view text) const override {
    std::string_view rest = trimmed(text);
    if (rest.empty()) refuse("fbnet", text, kForms);
    const bool list = rest.front() == '[';
    if (list != (rest.back() == ']')) refuse("fbnet", text, "a closing bracket for every opening one");
    if (list) rest = rest.substr(1, rest.size() - 2);

    Architecture digits;
    const auto words = split(rest);
    for (std::size_t i = 0; i < words.size();) {
      const std::string where = "fbnet: block " + std::to_string(digits.size() + 1);
      if (digits.size() == kBlocks) refuse(where, words[i], "nothing after block 22");
      if (is_number(words[i])) {
        for (const char digit : words[i]) {
          if (digits.size() == kBlocks) refuse("fbnet", text, "22 digits, one a block");
          if (digit > '8')
            refuse("fbnet: block " + std::to_string(digits.size() + 1), {&digit, 1}, "a digit from 0 to 8");
          digits += digit;
        }
        ++i;
        continue;
      }
      // A name is up to three words, k3 e1 g2; the longest that fits is meant.
      std::string name;
      int chosen = -1;
      std::size_t used = 0;
      for (std::size_t n = 0; n < 3 && i + n < words.size(); ++n) {
        name += (n ? "_" : "") + std::string(words[i + n]);
        if (const int found = choice_called(name); found >= 0) {
          chosen = found;
          used = n + 1;
        }
      }
      if (chosen < 0) {
        const bool kernel_only = words[i].size() == 2 && words[i][0] == 'k' && i + 1 < words.size();
        refuse(where,
               kernel_only ? std::string(words[i]) + "_" + std::string(words[i + 1]) : std::string(words[i]),
               "a digit from 0 to 8 or one of " + choice_names());
      }
      digits += static_cast<char>('0' + chosen);
      i += used;
    }
    if (digits.size() != kBlocks)
      refuse("fbnet", text, "22 blocks in place of " + std::to_string(digits.size()) + "; " + kForms);
    return digits;
  }

  std::string format(const Architecture& architecture) const override {
    check(architecture);
    std::string text;
    for (const char digit : architecture) text += (text.empty() ? "" : "_") + std::string(choice(digit).name);
    return text;
  }

  Architecture random(Rng& rng) const override {
    Architecture digits;
    for (int block = 0; block < kBlocks; ++block)
      digits += static_cast<char>('0' + rng.below(kChoices.size()));
    return digits;
  }

  std::vector<Architecture> neighbours(const Architecture& architecture) const override {
    check(architecture);
    return with_other_digits(architecture, static_cast<int>(kChoices.size()));
  }

  int most_nodes() const override { return kOutput + 1; }

  Graph graph(const Architecture& architecture) const override {
    check(architecture);
    std::vector<std::uint8_t> ops;
    for (const char digit : architecture) ops.push_back(static_cast<std::uint8_t>(kFirstOp + (digit - '0')));
    Graph graph = chain(ops);
    for (std::size_t node = 0; node < graph.place.size(); ++node)
      graph.place[node] = static_cast<std::uint16_t>(node);
    return graph;
  }

  std::vector<Kernel> kernels(int op, int place) const override {
    const NodeSite& site = sites()[static_cast<std::size_t>(place)];
    if (op == 1) return {layer::convolution(site.in_pixels, site.in_channels, site.out_channels, 3)};
    if (op == 0)
      return {layer::convolution(site.in_pixels, site.in_channels, kHeader, 1),
              layer::global_pool(site.in_pixels, kHeader), layer::linear(kHeader, kClasses)};
    return block_kernels(kChoices[static_cast<std::size_t>(op - kFirstOp)], site);
  }

  /// Figure 3 of the FBNet paper: ReLU behind the first two convolutions of a block, channels shuffled
  /// between the groups.
  std::vector<Layer> layers(const Architecture& architecture) const override {
    const Graph chain = graph(architecture);
    LayerList list;
    std::size_t at = 0;
    for (std::size_t node = 0; node + 1 < chain.op.size(); ++node) {
      const std::vector<Kernel> all = kernels(chain.op[node], chain.place[node]);
      const std::size_t before = at;
      if (all.size() <= 1) {  // stem, or a skip that changes the shape or does nothing
        for (const Kernel& kernel : all) at = list.relu(list.run(kernel, {at}));
        continue;
      }
      at = list.relu(list.run(all[0], {at}));
      if (all[0].groups > 1) at = list.shuffle(at, all[0].groups);
      at = list.relu(list.run(all[1], {at}));
      at = list.run(all[2], {at});
      if (all.size() == 4) at = list.run(all[3], {at, before});
    }
    const std::vector<Kernel> last = kernels(0, kOutput);
    at = list.relu(list.run(last[0], {at}));
    at = list.apply(Layer::Type::flatten, list.run(last[1], {at}));
    list.run(last[2], {at});
    return std::move(list).finish();
  }

  int feature_width() const override { return node_feature_width(static_cast<int>(kStages.size())); }

  std::vector<float> features(int op, int place) const override {
    return node_features(kernels(op, place), sites()[static_cast<std::size_t>(place)],
                         static_cast<int>(kStages.size()));
  }

 private:
  static constexpr const char* kForms =
      "22 digits 0-8 (7818488874147327324245) or 22 block names (k3_e1, k3_e1_g2, ..., skip) separated by "
      "blanks, "
      "commas or underscores";

  static void check(const Architecture& architecture) {
    if (architecture.size() != kBlocks || architecture.find_first_not_of("012345678") != std::string::npos)
      refuse("fbnet", architecture, "the canonical form: 22 digits 0-8");
  }

  static const Choice& choice(char digit) { return kChoices[static_cast<std::size_t>(digit - '0')]; }

  static int choice_called(std::string_view name) {
    const auto found =
        std::find_if(kChoices.begin(), kChoices.end(), [&](const Choice& one) { return one.name == name; });
    return found == kChoices.end() ? -1 : static_cast<int>(found - kChoices.begin());
  }

  static bool is_number(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  static std::vector<std::string_view> split(std::string_view text) {
    constexpr std::string_view kBetween = " \t\r\n,_'\"";
    std::vector<std::string_view> words;
    while (true) {
      const auto first = text.find_first_not_of(kBetween);
      if (first == std::string_view::npos) return words;
      text.remove_prefix(first);
      words.push_back(text.substr(0, text.find_first_of(kBetween)));
      text.remove_prefix(words.back().size());
    }
  }
};

}  // namespace

const Space& fbnet_space() {
  static const Fbnet space;
  return space;
}

}  // namespace latencast
