// Architectures as ONNX: read back, they are the networks that the spaces describe.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <tuple>

#include "catch.h"
#include "latencast/decompose.h"
#include "latencast/error.h"
#include "latencast/export.h"
#include "latencast/model.h"

using namespace latencast;

namespace {

using Sizes = std::tuple<int, int, int, int, int, int, int, int, bool, bool>;

Sizes sizes(const Kernel& kernel) {
  return {static_cast<int>(kernel.type),
          kernel.height,
          kernel.width,
          kernel.in_channels,
          kernel.out_channels,
          kernel.size,
          kernel.stride,
          kernel.groups,
          kernel.bias,
          kernel.norm};
}

void check_round_trip(const Space& one, const Architecture& architecture) {
  INFO(one.id() << " " << architecture);
  const Model model = read_model(export_onnx(one, architecture));
  CHECK(model.macs() == one.macs(architecture));
  CHECK(model.params() == one.params(architecture));
  REQUIRE(model.outputs.size() == 1);
  const ModelTensor& output = model.tensors[static_cast<std::size_t>(model.outputs.front())];
  CHECK(output.shape == Dims{1, one.layers(architecture).back().kernel.out_channels});
  CHECK(std::all_of(model.nodes.begin(), model.nodes.end(), [](const Node& node) { return node.known; }));
}

// Values of every tensor of single precision.
std::map<std::string, std::vector<float>> weights_in(const std::string& file) {
  std::map<std::string, std::vector<float>> weights;
  protozero::pbf_reader model(file);
  REQUIRE(model.next(7));
  protozero::pbf_reader graph = model.get_message();
  while (graph.next(5)) {
    protozero::pbf_reader tensor = graph.get_message();
    std::string name, raw;
    int type = 0;
    while (tensor.next()) {
      if (tensor.tag() == 2)
        type = tensor.get_int32();
      else if (tensor.tag() == 8)
        name = tensor.get_string();
      else if (tensor.tag() == 9)
        raw = tensor.get_string();
      else
        tensor.skip();
    }
    if (type != 1) continue;
    std::vector<float>& values = weights[name];
    values.resize(raw.size() / sizeof(float));
    std::memcpy(values.data(), raw.data(), raw.size());
  }
  return weights;
}

}  // namespace

TEST_CASE("export: read back, a network has the work and the weights of its architecture", "[export]") {
  Rng rng(1);
  for (int i = 0; i < 30; ++i) check_round_trip(space("nb201"), space("nb201").random(rng));
  for (const char* cell : {"000000", "111111", "222222", "333333", "444444", "010000"})
    check_round_trip(space("nb201"), cell);
  for (int i = 0; i < 6; ++i) check_round_trip(space("fbnet"), space("fbnet").random(rng));
  for (int i = 0; i < 3; ++i) check_round_trip(space("ofa"), space("ofa").random(rng));
}

TEST_CASE("export: the layers of an architecture are the kernels of its graph", "[export]") {
  Rng rng(2);
  for (const std::string& id : space_ids()) {
    const Space& one = space(id);
    for (int i = 0; i < 20; ++i) {
      const Architecture architecture = one.random(rng);
      std::vector<Sizes> built, counted;
      for (const Layer& layer : one.layers(architecture))
        if (layer.type == Layer::Type::kernel) built.push_back(sizes(layer.kernel));
      const Graph graph = one.graph(architecture);
      for (std::size_t node = 0; node < graph.op.size(); ++node)
        for (const Kernel& kernel : one.kernels(graph.op[node], graph.place[node]))
          counted.push_back(sizes(kernel));
      std::sort(built.begin(), built.end());
      std::sort(counted.begin(), counted.end());
      CHECK(built == counted);
    }
  }
}

TEST_CASE("export: operators that runtimes fuse are found as such", "[export]") {
  const Space& ofa = space("ofa");
  Rng rng(3);
  const Model model = read_model(export_onnx(ofa, ofa.random(rng)));
  int excited = 0, hswish = 0, shuffles = 0;
  for (const FusedKernel& kernel : decompose(model, "ncnn").kernels) {
    excited += kernel.type == KernelType::se;
    hswish += kernel.type == KernelType::hswish;
  }
  CHECK(excited >= 6);  // in three of the five stages, two or more blocks each
  CHECK(hswish >= 2 + 2 * 6);
  const std::string groups(22, '1');  // k3_e1_g2
  for (const Node& node : read_model(export_onnx(space("fbnet"), groups)).nodes)
    shuffles += node.op == "ChannelShuffle";
  CHECK(shuffles == 22);
}

TEST_CASE("export: weights are neither zero nor denormal, as large as their layer needs, and of the seed",
          "[export]") {
  const Space& one = space("nb201");
  const auto weights = weights_in(export_onnx(one, "333333"));
  CHECK(weights.size() > 90);
  for (const auto& [name, values] : weights) {
    INFO(name);
    double squares = 0;
    for (const float value : values) squares += double{value} * value;
    CHECK(std::all_of(values.begin(), values.end(), [](float value) { return std::isnormal(value); }));
    const bool of_convolution = name.size() > 7 && name.compare(name.size() - 7, 7, "_conv_w") == 0;
    if (!of_convolution || values.size() < 2000) continue;
    // 3x3 of 16, 32 or 64 channels in and as many out, or half as many in.
    const double variance = squares / static_cast<double>(values.size());
    const double fan_in = 2 / variance;
    bool fits = false;
    for (const double channels : {16., 32., 64.}) fits = fits || std::abs(fan_in / (9 * channels) - 1) < .1;
    CHECK(fits);
  }
  ExportOptions other;
  other.seed = 1;
  CHECK(export_onnx(one, "333333") == export_onnx(one, "333333"));
  CHECK(export_onnx(one, "333333") != export_onnx(one, "333333", other));
}

TEST_CASE("export: other images and classes, and sizes that make no network", "[export]") {
  const Space& one = space("nb201");
  ExportOptions small;  // ImageNet16-120
  small.pixels = 16;
  small.classes = 120;
  const Model model = read_model(export_onnx(one, "421211", small));
  CHECK(model.tensors[static_cast<std::size_t>(model.inputs.front())].shape == Dims{1, 3, 16, 16});
  CHECK(model.tensors[static_cast<std::size_t>(model.outputs.front())].shape == Dims{1, 120});
  const std::int64_t more = 110 * 64;  // of the classifier
  CHECK(4 * (model.macs() - 120 * 64) == one.macs("421211") - 10 * 64);
  CHECK(model.params() == one.params("421211") + more + 110);

  const auto refused = [&](int pixels, int classes, const std::string& expected) {
    ExportOptions options;
    options.pixels = pixels;
    options.classes = classes;
    try {
      export_onnx(one, "421211", options);
      return false;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::argument);
      return std::string(error.what()).find(expected) != std::string::npos;
    }
  };
  CHECK(refused(-1, 0, "pixels is -1; expected 1 to 1024"));
  CHECK(refused(4096, 0, "pixels is 4096"));
  CHECK(refused(0, -2, "classes is -2"));
  CHECK(refused(19, 0, "expected an input size that every stride divides"));
  CHECK_THROWS_AS(export_onnx(one, "42121", {}), Error);
}

namespace {

KernelShape shape(KernelType type, std::int64_t pixels, std::int64_t cin, std::int64_t cout) {
  KernelShape k;
  k.type = type;
  k.h = k.w = k.out_h = k.out_w = pixels;
  k.cin = cin, k.cout = cout;
  return k;
}

KernelShape windowed(KernelShape k, std::int64_t size, std::int64_t stride, std::int64_t out) {
  k.kh = k.kw = size;
  k.stride_h = k.stride_w = stride;
  k.out_h = k.out_w = out;
  return k;
}

// One kernel of every type, and the ways to pad.
std::vector<KernelShape> shapes() {
  using T = KernelType;
  std::vector<KernelShape> all = {windowed(shape(T::conv, 14, 16, 24), 3, 1, 14),
                                  windowed(shape(T::conv, 224, 3, 16), 3, 2, 112),
                                  windowed(shape(T::conv, 13, 8, 8), 5, 2, 7),
                                  windowed(shape(T::conv, 12, 8, 8), 3, 1, 10),
                                  windowed(shape(T::conv, 28, 8, 16), 1, 2, 14),
                                  windowed(shape(T::dwconv, 15, 24, 24), 7, 2, 8),
                                  windowed(shape(T::conv, 8, 32, 32), 3, 1, 8),
                                  windowed(shape(T::conv, 16, 8, 8), 3, 1, 16),
                                  windowed(shape(T::maxpool, 20, 8, 8), 3, 2, 10),
                                  windowed(shape(T::maxpool, 20, 8, 8), 2, 2, 10),
                                  windowed(shape(T::avgpool, 9, 8, 8), 3, 1, 9),
                                  shape(T::gap, 7, 40, 40),
                                  shape(T::add, 7, 40, 40),
                                  shape(T::se, 7, 40, 40),
                                  shape(T::swish, 7, 40, 40),
                                  shape(T::hswish, 7, 40, 40)};
  all[5].groups = 24;
  all[6].groups = 4;
  all[7].dilation = 2;
  all[11].out_h = all[11].out_w = 1;
  const auto rows = [&](T type, std::int64_t n, std::int64_t cin, std::int64_t cout) {
    KernelShape k = shape(type, 1, cin, cout);
    k.n = n;
    all.push_back(k);
  };
  rows(T::fc, 1, 64, 10);
  rows(T::fc, 49, 64, 128);
  rows(T::layernorm, 49, 64, 64);
  rows(T::softmax, 49, 64, 64);
  KernelShape product = shape(T::matmul, 1, 32, 24);
  product.n = 3, product.h = product.out_h = 17;
  all.push_back(product);
  return all;
}

}  // namespace

TEST_CASE("export: read back and fused, a kernel is that one kernel", "[export]") {
  for (const KernelShape& one : shapes()) {
    INFO(name(one.type) << " " << one.h << "x" << one.w << ", " << one.cin << " to " << one.cout);
    const auto kernels = decompose(read_model(export_kernel(one)), "onnxruntime").kernels;
    REQUIRE(kernels.size() == 1);
    const KernelShape found = shape_of(kernels.front());
    CHECK(found.type == one.type);
    CHECK(std::tie(found.n, found.h, found.w, found.cin, found.cout, found.out_h, found.out_w) ==
          std::tie(one.n, one.h, one.w, one.cin, one.cout, one.out_h, one.out_w));
    CHECK(std::tie(found.kh, found.kw, found.stride_h, found.stride_w, found.dilation, found.groups) ==
          std::tie(one.kh, one.kw, one.stride_h, one.stride_w, one.dilation, one.groups));
  }
}

TEST_CASE("export: inside a network, a kernel is what its references leave", "[export]") {
  std::size_t inside = 0;
  for (const KernelShape& one : shapes()) {
    INFO(name(one.type) << " " << one.h << "x" << one.w << ", " << one.cin << " to " << one.cout);
    if (!passes_images(one.type)) {
      CHECK(references_of(one).empty());
      CHECK_THROWS_WITH(export_kernel_inside(one), ContainsSubstring(name(one.type)));
      continue;
    }
    ++inside;
    const Model model = read_model(export_kernel_inside(one)), alone = read_model(export_kernel(one));
    // Work adds up as latencies are to.
    std::int64_t around = 0;
    for (const ImageShape& image : references_of(one)) around += read_model(export_reference(image)).macs();
    CHECK(2 * model.macs() == 2 * alone.macs() + around);
    const auto& end = model.tensors[static_cast<std::size_t>(model.outputs.front())].shape;
    const auto& own = alone.tensors[static_cast<std::size_t>(alone.outputs.front())].shape;
    CHECK(end == Dims{own[0], 8, own[2], own[3]});
    // What a network begins with stays at its beginning.
    const auto& begin = model.tensors[static_cast<std::size_t>(model.inputs.front())].shape;
    CHECK(begin == Dims{one.n, one.cin == 3 ? 3 : 8, one.h, one.w});
    CHECK(model.inputs.size() == 1);
    const auto kernels = decompose(model, "none").kernels;
    CHECK((one.kh == 1 || std::any_of(kernels.begin(), kernels.end(), [&](const FusedKernel& kernel) {
             return kernel.type == one.type && kernel.kh == one.kh && kernel.cin == one.cin;
           })));
  }
  CHECK(inside == 16);
  CHECK(read_model(export_reference(kNoImage)).macs() == 2 * 8 * 8);
}

TEST_CASE("export: an attention is its two products and the softmax between them", "[export]") {
  KernelShape k = shape(KernelType::attention, 1, 48, 48);
  k.h = k.out_h = 17, k.w = 19, k.groups = 3;
  const Model model = read_model(export_kernel(k));
  CHECK(model.macs() == 17 * 19 * (48 + 48));
  REQUIRE(model.inputs.size() == 3);
  CHECK(model.tensors[static_cast<std::size_t>(model.outputs.front())].shape == Dims{3, 17, 16});
}

TEST_CASE("export: a kernel that cannot be is refused, with what was found", "[export]") {
  const auto refused = [](const KernelShape& k) {
    try {
      export_kernel(k);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::argument);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused(KernelShape{}).find("other") != std::string::npos);
  CHECK(refused(windowed(shape(KernelType::conv, 8, 8, 8), 3, 1, 20)).find("20x20") != std::string::npos);
  CHECK(refused(windowed(shape(KernelType::maxpool, 8, 8, 8), 2, 2, 3)).find("3x3") != std::string::npos);
  KernelShape grouped = shape(KernelType::conv, 8, 9, 8);
  grouped.groups = 2;
  CHECK(refused(grouped).find("2 groups") != std::string::npos);
  CHECK(refused(shape(KernelType::add, 1 << 20, 8, 8)).find("at most") != std::string::npos);
  CHECK(refused(shape(KernelType::add, 0, 8, 8)).find("a size of 0") != std::string::npos);
}
