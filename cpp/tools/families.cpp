#include "families.h"

#include "latencast/decompose.h"
#include "latencast/export.h"
#include "latencast/model.h"
#include "latencast/space.h"
#include "spaces/kernels.h"
#include "spaces/layer_list.h"

namespace latencast {
namespace {

using Type = Layer::Type;

template <class T>
T any_of(Rng& rng, std::initializer_list<T> choices) {
  return choices.begin()[rng.below(choices.size())];
}

int halved(int pixels, int stride) { return (pixels + stride - 1) / stride; }
int rounded(double channels) { return std::max(8, static_cast<int>(channels + 4) / 8 * 8); }

// What has been built so far.
struct Build {
  LayerList list;
  std::size_t at = 0;
  int pixels = 0, channels = 0;

  void convolve(int out, int size, int stride, Type activation) {
    at = list.run(layer::convolution(pixels, channels, out, size, stride), {at});
    if (activation != Type::input) at = list.apply(activation, at);
    pixels = halved(pixels, stride), channels = out;
  }

  void finish(int wide, int classes) {
    if (wide > 0) convolve(wide, 1, 1, Type::relu);
    at = list.run(layer::global_pool(pixels, channels), {at});
    at = list.apply(Type::flatten, at);
    list.run(layer::linear(channels, classes), {at});
  }
};

constexpr Type kNone = Type::input;  // no activation

// An inverted residual block (Sandler et al., CVPR 2018).
void put_inverted(Build& net, int out, int size, int expansion, int stride, bool excited, Type activation) {
  const std::size_t before = net.at;
  const int in = net.channels, wide = in * expansion;
  if (expansion > 1) net.convolve(wide, 1, 1, activation);
  net.at = net.list.run(layer::depthwise(net.pixels, wide, size, stride), {net.at});
  net.at = net.list.apply(activation, net.at);
  net.pixels = halved(net.pixels, stride);
  if (excited) {
    const int narrow = rounded(in / 4.);
    std::size_t gate = net.list.run(layer::global_pool(net.pixels, wide), {net.at});
    gate = net.list.relu(net.list.run(layer::linear(wide, narrow), {gate}));
    gate = net.list.apply(Type::hard_sigmoid, net.list.run(layer::linear(narrow, wide), {gate}));
    net.at = net.list.run(layer::scale(net.pixels, wide), {net.at, gate});
  }
  net.convolve(out, 1, 1, kNone);
  if (stride == 1 && in == out) net.at = net.list.run(layer::add(net.pixels, out), {net.at, before});
}

struct Stage {
  int channels, stride;
};

std::vector<Layer> draw_proxyless(Rng& rng) {
  constexpr Stage kStages[] = {{24, 2}, {40, 2}, {80, 2}, {96, 1}, {192, 2}, {320, 1}};
  const double width = any_of(rng, {1., 1., 1.3});
  Build net{{}, 0, any_of(rng, {160, 192, 224}), 3};
  net.convolve(rounded(32 * width), 3, 2, Type::relu);
  put_inverted(net, rounded(16 * width), 3, 1, 1, false, Type::relu);
  for (const Stage& stage : kStages) {
    const int depth = stage.channels == 320 ? 1 : any_of(rng, {2, 3, 4});
    for (int block = 0; block < depth; ++block)
      put_inverted(net, rounded(stage.channels * width), any_of(rng, {3, 5, 7}), any_of(rng, {3, 6}),
                   block == 0 ? stage.stride : 1, false, Type::relu);
  }
  net.finish(1280, 1000);
  return std::move(net.list).finish();
}

std::vector<Layer> draw_mnasnet(Rng& rng) {
  constexpr Stage kStages[] = {{24, 2}, {40, 2}, {80, 2}, {112, 1}, {160, 2}, {320, 1}};
  const double width = any_of(rng, {.5, .75, 1., 1.});
  Build net{{}, 0, any_of(rng, {128, 192, 224}), 3};
  const Type late = any_of(rng, {Type::relu, Type::hard_swish});
  net.convolve(rounded(32 * width), 3, 2, late);
  put_inverted(net, rounded(16 * width), 3, 1, 1, false, Type::relu);
  for (const Stage& stage : kStages) {  // all blocks of a stage are alike
    const int depth = any_of(rng, {1, 2, 3, 4}), size = any_of(rng, {3, 5}), expansion = any_of(rng, {3, 6});
    const bool excited = any_of(rng, {false, true});
    for (int block = 0; block < depth; ++block)
      put_inverted(net, rounded(stage.channels * width), size, expansion, block == 0 ? stage.stride : 1,
                   excited, stage.channels < 80 ? Type::relu : late);
  }
  net.finish(1280, 1000);
  return std::move(net.list).finish();
}

// A residual block (He et al., CVPR 2016), plain or with a bottleneck.
void put_residual(Build& net, int out, int middle, int stride, bool bottleneck) {
  const std::size_t before = net.at;
  const int in = net.channels, pixels = net.pixels;
  if (bottleneck) {
    net.convolve(middle, 1, 1, Type::relu);
    net.convolve(middle, 3, stride, Type::relu);
    net.convolve(out, 1, 1, kNone);
  } else {
    net.convolve(middle, 3, stride, Type::relu);
    net.convolve(out, 3, 1, kNone);
  }
  std::size_t shortcut = before;
  if (stride > 1 || in != out)
    shortcut = net.list.run(layer::convolution(pixels, in, out, 1, stride), {before});
  net.at = net.list.relu(net.list.run(layer::add(net.pixels, out), {net.at, shortcut}));
}

std::vector<Layer> draw_resnet(Rng& rng) {
  const bool bottleneck = any_of(rng, {false, true});
  const double width = any_of(rng, {.5, .65, .8, 1.});
  Build net{{}, 0, any_of(rng, {128, 160, 192, 224}), 3};
  net.convolve(rounded(32 * width), 3, 2, Type::relu);
  net.convolve(rounded(64 * width), 3, 1, Type::relu);
  net.at = net.list.run(layer::average_pool(net.pixels, net.channels, 3, 2), {net.at});
  net.pixels = halved(net.pixels, 2);
  for (const Stage& stage : {Stage{64, 1}, Stage{128, 2}, Stage{256, 2}, Stage{512, 2}}) {
    const int depth = any_of(rng, {1, 2, 3, 4}) + (bottleneck && stage.channels == 256 ? 1 : 0);
    for (int block = 0; block < depth; ++block) {
      const int middle = rounded(stage.channels * width * (bottleneck ? any_of(rng, {.8, 1., 1.4}) : 1));
      put_residual(net, rounded(stage.channels * width * (bottleneck ? 4 : 1)), middle,
                   block == 0 ? stage.stride : 1, bottleneck);
    }
  }
  net.finish(0, 1000);
  return std::move(net.list).finish();
}

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = [] {
    std::vector<Family> found;
    for (const char* id : {"nb201", "fbnet", "ofa"})
      found.push_back(
          {id, space(id).title(), [id](Rng& rng) { return space(id).layers(space(id).random(rng)); }});
    found.push_back({"proxyless", "ProxylessNAS", draw_proxyless});
    found.push_back({"mnasnet", "MnasNet", draw_mnasnet});
    found.push_back({"resnet", "ResNet", draw_resnet});
    return found;
  }();
  return all;
}

std::vector<NamedNetwork> networks_of_families(int count, std::uint64_t seed) {
  std::vector<NamedNetwork> all;
  Rng rng(seed);
  for (const Family& family : families())
    for (int i = 0; i < count; ++i) all.push_back({family.id + "-" + std::to_string(i), family.draw(rng)});
  return all;
}

std::vector<KernelShape> kernels_of(const std::vector<Layer>& network) {
  std::vector<KernelShape> shapes;
  for (const FusedKernel& kernel :
       decompose(read_model(export_onnx(network, "network")), "onnxruntime").kernels)
    shapes.push_back(shape_of(kernel));
  return shapes;
}

}  // namespace latencast
