// Once-for-all MobileNetV3 (Cai et al., ICLR 2020): 5 stages of 2 to 4 inverted residual blocks, each with
// its kernel size and expansion, on an image of chosen size. Widths are 1.2 times the basic ones, as in the
// published supernet ofa_mbv3_d234_e346_k357_w1.2: multiply-adds so counted rank the 5,000 latencies measured
// by HELP (Lee et al., NeurIPS 2021) better than with the basic widths, on titan_rtx_32 with a Spearman
// correlation of .997 against .995.
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "json.h"
#include "spaces/common.h"
#include "spaces/features.h"
#include "spaces/kernels.h"
#include "spaces/layer_list.h"
#include "spaces/spaces.h"

namespace latencast {
namespace {

constexpr int kSlotsPerStage = 4;
constexpr int kSmallestDepth = 2;
constexpr std::array<char, 3> kSizes = {'3', '5', '7'};
constexpr std::array<char, 3> kExpansions = {'3', '4', '6'};
constexpr int kFirstOp = 2;  // after output and input; then size * 3 + expansion, indices into the above

constexpr int kSmallestImage = 128, kLargestImage = 224, kImageStep = 4;
constexpr int kImages = (kLargestImage - kSmallestImage) / kImageStep + 1;

struct Stage {
  int channels, stride;  // stride of its first block
  bool excited;          // squeeze-excite
  Layer::Type activation;
};
// Basic widths 24, 40, 80, 112, 160; stem and first block 16; last layers 960 and 1280; all times 1.2, to the
// nearest multiple of 8, but up where that would lose more than 10 %.
constexpr std::array<Stage, 5> kStages = {{{32, 2, false, Layer::Type::relu},
                                           {48, 2, true, Layer::Type::relu},
                                           {96, 2, false, Layer::Type::hard_swish},
                                           {136, 1, true, Layer::Type::hard_swish},
                                           {192, 2, true, Layer::Type::hard_swish}}};
constexpr int kStageCount = static_cast<int>(kStages.size());
constexpr int kSlots = kStageCount * kSlotsPerStage;
constexpr int kStem = 24, kFinal = 1152, kMixed = 1536, kClasses = 1000;

constexpr char kUnused = '3';  // what a slot beyond its stage's depth holds in the canonical form

// The canonical form: kernels(20)-expansions(20)-depths(5)-resolution.
constexpr std::size_t kExpansionsAt = kSlots + 1, kDepthsAt = 2 * kSlots + 2,
                      kImageAt = kDepthsAt + kStageCount + 1;

// A node's place: 0 the input, 1..20 the slots, 21 the output; plus 22 times the index of the image's size.
constexpr int kOutput = kSlots + 1;
constexpr int kPlaces = kSlots + 2;

int halved(int pixels) { return (pixels + 1) / 2; }

NodeSite site_of(int place) {
  const int node = place % kPlaces;
  const int image = kSmallestImage + kImageStep * (place / kPlaces);
  NodeSite site{3, kStem, image, halved(image)};
  for (int slot = 0; slot < std::min(node, kSlots); ++slot) {
    const auto stage = static_cast<std::size_t>(slot / kSlotsPerStage);
    const int in_stage = slot % kSlotsPerStage;
    const bool strided = in_stage == 0 && kStages[stage].stride == 2;
    site.in_channels = site.out_channels;
    site.in_pixels = site.out_pixels;
    site.out_channels = kStages[stage].channels;
    site.out_pixels = strided ? halved(site.in_pixels) : site.in_pixels;
    site.stage = static_cast<int>(stage);
    site.in_stage = in_stage;
  }
  if (node == kOutput) site = {site.out_channels, kClasses, site.out_pixels, 1};
  site.depth = static_cast<float>(node) / kOutput;
  return site;
}

std::vector<Kernel> block_kernels(int size, int expansion, const NodeSite& site) {
  const int wide = site.in_channels * expansion;
  const int stride = site.in_pixels == site.out_pixels ? 1 : 2;
  std::vector<Kernel> kernels = {layer::convolution(site.in_pixels, site.in_channels, wide, 1),
                                 layer::depthwise(site.in_pixels, wide, size, stride)};
  if (kStages[static_cast<std::size_t>(site.stage)].excited) {
    const int narrow = (wide / 4 + 4) / 8 * 8;  // a quarter, to the nearest multiple of 8
    kernels.insert(kernels.end(), {layer::global_pool(site.out_pixels, wide), layer::linear(wide, narrow),
                                   layer::linear(narrow, wide), layer::scale(site.out_pixels, wide)});
  }
  kernels.push_back(layer::convolution(site.out_pixels, wide, site.out_channels, 1));
  if (stride == 1 && site.in_channels == site.out_channels)
    kernels.push_back(layer::add(site.out_pixels, site.out_channels));
  return kernels;
}

// The layers of block_kernels.
std::size_t put_block(LayerList& list, const std::vector<Kernel>& kernels, const NodeSite& site,
                      std::size_t before) {
  const Stage& stage = kStages[static_cast<std::size_t>(site.stage)];
  auto kernel = kernels.begin();
  std::size_t at = list.apply(stage.activation, list.run(*kernel++, {before}));
  at = list.run(*kernel++, {at});
  at = list.apply(stage.activation, at);
  if (stage.excited) {
    std::size_t gate = list.run(*kernel++, {at});
    gate = list.relu(list.run(*kernel++, {gate}));
    gate = list.apply(Layer::Type::hard_sigmoid, list.run(*kernel++, {gate}));
    at = list.run(*kernel++, {at, gate});
  }
  at = list.run(*kernel++, {at});
  return kernel == kernels.end() ? at : list.run(*kernel, {at, before});
}

std::size_t used_depth(const Architecture& canonical, int stage) {
  return static_cast<std::size_t>(canonical[kDepthsAt + static_cast<std::size_t>(stage)] - '0');
}

bool is_used(const Architecture& canonical, std::size_t slot) {
  return slot % kSlotsPerStage < used_depth(canonical, static_cast<int>(slot / kSlotsPerStage));
}

// Choices as they were read, before anything is known of them.
struct Draft {
  std::vector<std::string> sizes, expansions, depths;
  std::string image;
};

template <std::size_t N>
bool is_one_of(const std::string& text, const std::array<char, N>& choices) {
  return text.size() == 1 && std::find(choices.begin(), choices.end(), text[0]) != choices.end();
}

Architecture canonical(const Draft& draft) {
  const auto count = [](const std::vector<std::string>& found, std::size_t expected, const char* what) {
    if (found.size() != expected)
      refuse(std::string("ofa: ") + what, std::to_string(found.size()),
             std::to_string(expected) + " of them");
  };
  count(draft.depths, kStageCount, "depths");
  count(draft.sizes, kSlots, "kernel sizes");
  count(draft.expansions, kSlots, "expansions");

  constexpr std::array<char, 3> kDepths = {'2', '3', '4'};
  std::string sizes, expansions, depths;
  for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
    const std::string in_stage = "ofa: stage " + std::to_string(stage + 1);
    if (!is_one_of(draft.depths[stage], kDepths))
      refuse(in_stage + ", depth", draft.depths[stage], "2, 3 or 4");
    depths += draft.depths[stage];
    for (std::size_t block = 0; block < kSlotsPerStage; ++block) {
      const std::size_t slot = stage * kSlotsPerStage + block;
      const bool used = block < static_cast<std::size_t>(depths[stage] - '0');
      const auto read = [&](const std::string& text, const std::array<char, 3>& choices, const char* what,
                            const char* expected) {
        if (!is_one_of(text, choices) && (used || text != "0"))
          refuse(in_stage + ", block " + std::to_string(block + 1) + ", " + what, text,
                 expected + std::string(used ? "" : ", or 0 as the block is not used"));
        return used ? text[0] : kUnused;
      };
      sizes += read(draft.sizes[slot], kSizes, "kernel size", "3, 5 or 7");
      expansions += read(draft.expansions[slot], kExpansions, "expansion", "3, 4 or 6");
    }
  }
  bool known = false;
  for (int image = kSmallestImage; image <= kLargestImage; image += kImageStep)
    known |= draft.image == std::to_string(image);
  if (!known) refuse("ofa: resolution", draft.image, "a multiple of 4 from 128 to 224");
  return sizes + "-" + expansions + "-" + depths + "-" + draft.image;
}

Draft read_compact(std::string_view text, const std::string& forms) {
  std::array<std::string_view, 4> part;
  std::string_view rest = text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto end = i + 1 < part.size() ? rest.find('-') : rest.size();
    if (end == std::string_view::npos) refuse("ofa", text, forms);
    part[i] = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto letters = [](std::string_view digits) {
    std::vector<std::string> all;
    for (const char digit : digits) all.emplace_back(1, digit);
    return all;
  };
  return {letters(part[0]), letters(part[1]), letters(part[2]), std::string(part[3])};
}

// A number as its digits, 3.0 as 3; anything else as JSON, to be refused by what reads it.
std::string written(const nlohmann::json& value) {
  if (value.is_number()) {
    const double number = value.get<double>();
    if (number == std::floor(number) && std::abs(number) < 1e6)
      return std::to_string(static_cast<int>(number));
  }
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// One value a slot; stages may be lists of their own, of as many values as they have blocks or slots.
std::vector<std::string> read_slots(const nlohmann::json& list) {
  std::vector<std::string> all;
  for (const auto& value : list) {
    if (!value.is_array()) {
      all.push_back(written(value));
      continue;
    }
    for (const auto& one : value) all.push_back(written(one));
    if (value.size() <= kSlotsPerStage) all.resize(all.size() + kSlotsPerStage - value.size(), "0");
  }
  return all;
}

Draft read_object(std::string_view text, const std::string& forms) {
  // As Python prints it, too.
  std::string proper(text);
  std::replace(proper.begin(), proper.end(), '\'', '"');
  if (const auto none = proper.find("None"); none != std::string::npos) proper.replace(none, 4, "null");
  const nlohmann::json object = read_json(proper);
  if (!object.is_object()) refuse("ofa", text, forms);
  const auto list = [&](const char* key) -> const nlohmann::json& {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array())
      refuse(std::string("ofa: \"") + key + "\"", found == object.end() ? "" : written(*found), "a list");
    return *found;
  };
  Draft draft;
  draft.sizes = read_slots(list("ks"));
  draft.expansions = read_slots(list("e"));
  for (const auto& depth : list("d")) draft.depths.push_back(written(depth));
  if (const auto image = object.find("r"); image != object.end())
    draft.image = written(image->is_array() && image->size() == 1 ? image->front() : *image);
  return draft;
}

class Ofa final : public Space {
 public:
  const char* id() const override { return "ofa"; }
  const char* title() const override { return "OFA-MobileNetV3"; }

  const std::vector<std::string>& op_names() const override {
    static const std::vector<std::string> names = [] {
      std::vector<std::string> all = {"output", "input"};
      for (const char size : kSizes)
        for (const char expansion : kExpansions) all.push_back({'k', size, '_', 'e', expansion});
      return all;
    }();
    return names;
  }

  /// kernels(20)-expansions(20)-depths(5)-resolution, or JSON with ks, e, d and r as the published code
  /// writes it. What unused slots hold is forgotten.
  Architecture parse(std::string_view text) const override {
    static const std::string forms =
        "kernels-expansions-depths-resolution (20, 20 and 5 digits and a number) or JSON "
        "{\"ks\": [20 of 3, 5, 7], \"e\": [20 of 3, 4, 6], \"d\": [5 of 2, 3, 4], \"r\": 128 to 224}";
    const std::string_view rest = trimmed(text);
    return canonical(!rest.empty() && rest.front() == '{' ? read_object(rest, forms)
                                                          : read_compact(rest, forms));
  }

  std::string format(const Architecture& architecture) const override {
    check(architecture);
    const auto list = [&](std::size_t at, int count) {
      std::string text;
      for (int i = 0; i < count; ++i)
        text += (i ? "," : "") + std::string(1, architecture[at + static_cast<std::size_t>(i)]);
      return text;
    };
    return "{\"ks\":[" + list(0, kSlots) + "],\"e\":[" + list(kExpansionsAt, kSlots) + "],\"d\":[" +
           list(kDepthsAt, kStageCount) + "],\"r\":" + architecture.substr(kImageAt) + "}";
  }

  /// Kernels, expansions, depths and resolution each uniform.
  Architecture random(Rng& rng) const override {
    Draft draft;
    for (int slot = 0; slot < kSlots; ++slot) {
      draft.sizes.emplace_back(1, kSizes[rng.below(kSizes.size())]);
      draft.expansions.emplace_back(1, kExpansions[rng.below(kExpansions.size())]);
    }
    for (int stage = 0; stage < kStageCount; ++stage)
      draft.depths.push_back(std::to_string(kSmallestDepth + rng.below(kSlotsPerStage - kSmallestDepth + 1)));
    draft.image = std::to_string(kSmallestImage + kImageStep * rng.below(kImages));
    return canonical(draft);
  }

  /// Another kernel or expansion of one block, one block less or one more (of any kind) at the end of a
  /// stage, the next smaller or larger image.
  std::vector<Architecture> neighbours(const Architecture& architecture) const override {
    check(architecture);
    std::vector<Architecture> all;
    const auto put = [&](std::size_t at, char digit, Architecture from) {
      from[at] = digit;
      return from;
    };
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (!is_used(architecture, slot)) continue;
      for (const char size : kSizes)
        if (size != architecture[slot]) all.push_back(put(slot, size, architecture));
      for (const char expansion : kExpansions)
        if (expansion != architecture[kExpansionsAt + slot])
          all.push_back(put(kExpansionsAt + slot, expansion, architecture));
    }
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
      const char depth = architecture[kDepthsAt + stage];
      if (depth > '0' + kSmallestDepth) {
        const std::size_t last = stage * kSlotsPerStage + static_cast<std::size_t>(depth - '1');
        Architecture shorter = put(kDepthsAt + stage, static_cast<char>(depth - 1), architecture);
        all.push_back(put(last, kUnused, put(kExpansionsAt + last, kUnused, std::move(shorter))));
      }
      if (depth < '0' + kSlotsPerStage) {
        const std::size_t next = stage * kSlotsPerStage + static_cast<std::size_t>(depth - '0');
        const Architecture longer = put(kDepthsAt + stage, static_cast<char>(depth + 1), architecture);
        for (const char size : kSizes)
          for (const char expansion : kExpansions)
            all.push_back(put(next, size, put(kExpansionsAt + next, expansion, longer)));
      }
    }
    for (const int image : {image_of(architecture) - kImageStep, image_of(architecture) + kImageStep})
      if (image >= kSmallestImage && image <= kLargestImage)
        all.push_back(architecture.substr(0, kImageAt) + std::to_string(image));
    return all;
  }

  int most_nodes() const override { return kOutput + 1; }

  Graph graph(const Architecture& architecture) const override {
    check(architecture);
    const int base = kPlaces * ((image_of(architecture) - kSmallestImage) / kImageStep);
    std::vector<std::uint8_t> ops;
    std::vector<int> places = {base};
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (!is_used(architecture, slot)) continue;
      const auto index = [](const auto& choices, char digit) {
        return std::find(choices.begin(), choices.end(), digit) - choices.begin();
      };
      ops.push_back(static_cast<std::uint8_t>(kFirstOp + 3 * index(kSizes, architecture[slot]) +
                                              index(kExpansions, architecture[kExpansionsAt + slot])));
      places.push_back(base + 1 + static_cast<int>(slot));
    }
    places.push_back(base + kOutput);
    Graph graph = chain(ops);
    std::transform(places.begin(), places.end(), graph.place.begin(),
                   [](int place) { return static_cast<std::uint16_t>(place); });
    return graph;
  }

  std::vector<Kernel> kernels(int op, int place) const override {
    const NodeSite site = site_of(place);
    if (op == 1) {
      return {layer::convolution(site.in_pixels, 3, kStem, 3, 2), layer::depthwise(site.out_pixels, kStem, 3),
              layer::convolution(site.out_pixels, kStem, kStem, 1), layer::add(site.out_pixels, kStem)};
    }
    if (op == 0) {
      Kernel mix = layer::linear(kFinal, kMixed);
      mix.bias = false;
      return {layer::convolution(site.in_pixels, site.in_channels, kFinal, 1),
              layer::global_pool(site.in_pixels, kFinal), mix, layer::linear(kMixed, kClasses)};
    }
    const auto choice = static_cast<std::size_t>(op - kFirstOp);
    return block_kernels(kSizes[choice / 3] - '0', kExpansions[choice % 3] - '0', site);
  }

  std::vector<Layer> layers(const Architecture& architecture) const override {
    const Graph chain = graph(architecture);
    LayerList list;
    const auto stem = kernels(1, chain.place.front());
    const std::size_t image = list.apply(Layer::Type::hard_swish, list.run(stem[0], {0}));
    const std::size_t wide = list.relu(list.run(stem[1], {image}));
    std::size_t at = list.run(stem[3], {list.run(stem[2], {wide}), image});
    for (std::size_t node = 1; node + 1 < chain.op.size(); ++node)
      at = put_block(list, kernels(chain.op[node], chain.place[node]), site_of(chain.place[node]), at);
    const auto last = kernels(0, chain.place.back());
    at = list.run(last[1], {list.apply(Layer::Type::hard_swish, list.run(last[0], {at}))});
    at = list.apply(Layer::Type::hard_swish, list.run(last[2], {at}));
    list.run(last[3], {list.apply(Layer::Type::flatten, at)});
    return std::move(list).finish();
  }

  int feature_width() const override { return node_feature_width(kStageCount); }

  std::vector<float> features(int op, int place) const override {
    return node_features(kernels(op, place), site_of(place), kStageCount);
  }

 private:
  void check(const Architecture& architecture) const {
    if (architecture.size() != kImageAt + 3 || parse(architecture) != architecture)
      refuse("ofa", architecture,
             "the canonical form: kernels-expansions-depths-resolution, 3 in slots not used");
  }

  static int image_of(const Architecture& canonical) { return std::stoi(canonical.substr(kImageAt)); }
};

}  // namespace

const Space& ofa_space() {
  static const Ofa space;
  return space;
}

}  // namespace latencast
