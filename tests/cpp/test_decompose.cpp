// Kernels of known networks against listings (tests/golden/models.mjs), against what is known of the
// networks, and against what runtimes really execute.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "catch.h"
#include "fusion_rules.h"
#include "latencast/decompose.h"
#include "latencast/error.h"
#include "pattern.h"
#include "space_graph.h"

using namespace latencast;

namespace {

const std::string kFolder = std::string(LATENCAST_TEST_DATA) + "/golden/models/";

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Model& fixture(const std::string& name) {
  static std::map<std::string, Model> read;
  const auto found = read.find(name);
  if (found != read.end()) return found->second;
  return read[name] = read_model(read_text(kFolder + name + ".onnx"));
}

const std::vector<std::string> kFixtures = {"resnet18",           "resnet50",           "mobilenet_v2",
                                            "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0",
                                            "mnasnet1_0",         "shufflenet_v2_x1_0", "squeezenet1_1",
                                            "vit_tiny",           "vit_tiny_dynamo"};

std::map<std::string, int> types(const Decomposition& found) {
  std::map<std::string, int> count;
  for (const FusedKernel& kernel : found.kernels) ++count[name(kernel.type)];
  return count;
}

// Kernels by the operators in them, "Conv+Add+Relu"; without batch norms, which every runtime folds.
std::map<std::string, int> chains(const Model& model, const Decomposition& found) {
  std::map<std::string, int> count;
  for (const FusedKernel& kernel : found.kernels) {
    std::string chain;
    for (const int i : kernel.nodes) {
      const std::string& op = model.nodes[static_cast<std::size_t>(i)].op;
      if (op != "BatchNormalization") chain += (chain.empty() ? "" : "+") + op;
    }
    ++count[chain];
  }
  return count;
}

Model graph(const std::string& nodes) {
  return read_model(R"({"inputs": {"x": [1, 8, 12, 12]}, "weights": {"w": [8, 1, 1]}, "nodes": [)" + nodes +
                    "]}");
}

std::vector<std::string> keys(const Model& model, const char* family) {
  std::vector<std::string> all;
  for (const FusedKernel& kernel : decompose(model, family).kernels) all.push_back(kernel.key());
  return all;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("decompose: golden listings") {
  for (const auto& name : kFixtures) {
    INFO(name);
    std::string text;
    for (const FusedKernel& kernel : decompose(fixture(name), "onnxruntime").kernels)
      text += kernel.key() + " " + std::to_string(kernel.macs) + " " + std::to_string(kernel.params) + "\n";
    CHECK(text == read_text(kFolder + name + ".txt"));
  }
}

TEST_CASE("decompose: golden numbers of kernels for every family of runtimes") {
  std::istringstream lines(read_text(kFolder + "families.txt"));
  std::size_t compared = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    std::istringstream words(line);
    std::string model, family, type;
    words >> model >> family;
    INFO(model << " " << family);
    std::map<std::string, int> expected;
    for (int count = 0; words >> type >> count;) expected[type] = count;
    CHECK(types(decompose(fixture(model), family)) == expected);
  }
  CHECK(compared == kFixtures.size() * runtime_families().size());
}

TEST_CASE("decompose: networks have the layers that their papers list") {
  const auto of = [](const char* model) { return types(decompose(fixture(model), "tflite")); };
  using Types = std::map<std::string, int>;
  CHECK(of("resnet18") == Types{{"conv", 20}, {"maxpool", 1}, {"add", 8}, {"gap", 1}, {"fc", 1}});
  CHECK(of("resnet50") == Types{{"conv", 53}, {"maxpool", 1}, {"add", 16}, {"gap", 1}, {"fc", 1}});
  // 17 inverted residuals, the first without expansion; 10 of them add.
  CHECK(of("mobilenet_v2") == Types{{"conv", 35}, {"dwconv", 17}, {"add", 10}, {"gap", 1}, {"fc", 1}});
  // 15 blocks, 8 with squeeze-excite, h-swish from the seventh on, at the stem and in the head.
  CHECK(of("mobilenet_v3_large") ==
        Types{{"conv", 31}, {"dwconv", 15}, {"se", 8}, {"hswish", 21}, {"add", 10}, {"gap", 1}, {"fc", 2}});
  CHECK(of("efficientnet_b0") ==
        Types{{"conv", 33}, {"dwconv", 16}, {"se", 16}, {"swish", 33}, {"add", 9}, {"gap", 1}, {"fc", 1}});
  // Stem and head convolution, 8 fire modules of three.
  CHECK(of("squeezenet1_1") == Types{{"conv", 26}, {"maxpool", 3}, {"gap", 1}, {"other", 8}});
  for (const char* vit : {"vit_tiny", "vit_tiny_dynamo"}) {
    auto found = types(decompose(fixture(vit), "openvino"));
    CHECK(found["attention"] == 12);
    CHECK(found["fc"] == 4 * 12 + 1);
    CHECK(found["layernorm"] == 2 * 12 + 1);
    CHECK(found["add"] == 2 * 12);
  }
}

// The operators of the model that ONNX Runtime 1.31 itself writes (optimized_model_filepath, all
// optimisations, on a CPU with its blocked layout) for the same exports: NchwcConv with activation and sum,
// Gemm, Gelu, FusedMatMul, SkipLayerNormalization. Squeeze-excite counts here as the one kernel that it is
// not there.
TEST_CASE("decompose: ONNX Runtime's own fusions") {
  const auto of = [](const char* model) {
    return chains(fixture(model), decompose(fixture(model), "onnxruntime"));
  };
  auto resnet = of("resnet18");
  CHECK(resnet["Conv+Relu"] == 9);
  CHECK(resnet["Conv+Add+Relu"] == 8);
  CHECK(resnet["Conv"] == 3);
  auto mobilenet = of("mobilenet_v3_small");
  CHECK(mobilenet["Conv+HardSwish"] == 18);
  CHECK(mobilenet["Conv+Relu"] == 14 - 9);  // nine are within squeeze-excite
  CHECK(mobilenet["Conv+Add"] == 6);
  CHECK(mobilenet["Conv"] == 5);
  auto efficientnet = of("efficientnet_b0");
  CHECK(efficientnet["Sigmoid+Mul"] == 49 - 16);
  CHECK(efficientnet["Conv+Add"] == 9);
  auto vit = types(decompose(fixture("vit_tiny"), "onnxruntime"));
  CHECK(vit["fc"] == 49);
  CHECK(vit["softmax"] == 12);
  CHECK(vit["matmul"] == 24);
  CHECK(vit["layernorm"] == 25);
  CHECK(vit["add"] == 23);  // one is within the last normalisation
}

// The operators of the graph that OpenVINO 2026.4 executes (get_runtime_model, CPU, fp32), squeeze-excite
// again apart.
TEST_CASE("decompose: OpenVINO's own fusions") {
  const auto of = [](const char* model) {
    return chains(fixture(model), decompose(fixture(model), "openvino"));
  };
  auto resnet = of("resnet18");
  CHECK(resnet["Conv+Relu"] == 9);
  CHECK(resnet["Conv+Add+Relu"] == 8);
  CHECK(resnet["Conv"] == 3);
  auto mobilenet = of("mobilenet_v3_small");
  CHECK(mobilenet["Conv+HardSwish"] == 18);
  CHECK(mobilenet["Gemm+HardSwish"] == 1);
  CHECK(mobilenet["Conv+Add"] == 6);
  auto efficientnet = of("efficientnet_b0");
  CHECK(efficientnet["Conv+Sigmoid+Mul"] == 49 - 16);
  CHECK(efficientnet["Conv+Add"] == 9);
  CHECK(efficientnet["Conv"] == 7);
  auto shufflenet = of("shufflenet_v2_x1_0");
  CHECK(shufflenet["Conv+Relu"] == 37);
  CHECK(shufflenet["Conv"] == 19);
  CHECK(shufflenet["ChannelShuffle"] == 16);
  CHECK(shufflenet["Concat"] == 16);
  CHECK(shufflenet["Split"] == 13);
  auto vit = of("vit_tiny");
  CHECK(vit["MatMul+Add+Div+Erf+Add+Mul+Mul"] == 12);
  CHECK(vit["MatMul+Add"] == 36);
  CHECK(types(decompose(fixture("vit_tiny"), "openvino")).at("attention") == 12);
}

// The layers of the .param that pnnx 20261020 writes for the same networks.
TEST_CASE("decompose: ncnn's own layers") {
  using Types = std::map<std::string, int>;
  CHECK(types(decompose(fixture("resnet18"), "ncnn")) ==
        Types{{"conv", 20}, {"other", 8}, {"add", 8}, {"maxpool", 1}, {"gap", 1}, {"fc", 1}});
  CHECK(types(decompose(fixture("mobilenet_v3_small"), "ncnn")) ==
        Types{{"conv", 23}, {"dwconv", 11}, {"hswish", 19}, {"se", 9}, {"add", 6}, {"fc", 2}, {"gap", 1}});
  CHECK(types(decompose(fixture("efficientnet_b0"), "ncnn")) ==
        Types{{"conv", 33}, {"dwconv", 16}, {"swish", 33}, {"se", 16}, {"add", 9}, {"gap", 1}, {"fc", 1}});
  CHECK(types(decompose(fixture("shufflenet_v2_x1_0"), "ncnn")) ==
        Types{{"conv", 37}, {"dwconv", 19}, {"other", 16 + 16 + 13}, {"maxpool", 1}, {"gap", 1}, {"fc", 1}});
}

TEST_CASE("decompose: work is neither lost nor counted twice") {
  Rng rng(8);
  std::vector<Model> models;
  for (const auto& name : kFixtures) models.push_back(fixture(name));
  for (const char* id : {"fbnet", "ofa"})
    models.push_back(read_model(test::SpaceGraph::json(space(id), space(id).random(rng))));
  for (const Model& model : models)
    for (const RuntimeFamily& family : runtime_families()) {
      INFO(model.name << " " << family.id);
      const Decomposition found = decompose(model, family.id);
      CHECK(found.macs() == model.macs());
      std::set<int> seen;
      int before = -1;
      std::int64_t params = 0;
      for (const FusedKernel& kernel : found.kernels) {
        CHECK(std::is_sorted(kernel.nodes.begin(), kernel.nodes.end()));
        CHECK(kernel.nodes.back() > before);
        before = kernel.nodes.back();
        for (const int node : kernel.nodes) CHECK(seen.insert(node).second);
        CHECK(kernel.bytes_in > 0);
        CHECK(kernel.bytes_out > 0);
        params += kernel.params;
      }
      CHECK(params >= model.params());
      for (std::size_t i = 0; i < model.nodes.size(); ++i)
        if (!seen.count(static_cast<int>(i))) CHECK(moves_no_data(model.nodes[i]));
    }
}

TEST_CASE("decompose: fusing moves fewer bytes") {
  for (const auto& name : kFixtures)
    for (const RuntimeFamily& family : runtime_families()) {
      INFO(name << " " << family.id);
      const auto fused = decompose(fixture(name), family.id), plain = decompose(fixture(name));
      CHECK((family.id == "none" || fused.traffic() < plain.traffic()));
      CHECK((family.id == "none" || fused.kernels.size() < plain.kernels.size()));
    }
}

TEST_CASE("decompose: spaces' networks become the kernels that the space lists") {
  Rng rng(21);
  const Space& ofa = space("ofa");
  for (int i = 0; i < 6; ++i) {
    const Architecture architecture = ofa.random(rng);
    INFO(architecture);
    const Graph chain = ofa.graph(architecture);
    std::map<std::string, int> expected;
    for (std::size_t node = 0; node < chain.op.size(); ++node)
      for (const Kernel& kernel : ofa.kernels(chain.op[node], chain.place[node])) {
        using Type = Kernel::Type;
        if (kernel.type == Type::conv) ++expected[kernel.depthwise() ? "dwconv" : "conv"];
        if (kernel.type == Type::add) ++expected["add"];
        if (kernel.type == Type::global_pool) ++expected["gap"];
        if (kernel.type == Type::linear) ++expected["fc"];
        if (kernel.type == Type::scale) {  // the block's pool and linear layers are in it
          ++expected["se"];
          --expected["gap"];
          expected["fc"] -= 2;
        }
      }
    const Model model = read_model(test::SpaceGraph::json(ofa, architecture));
    CHECK(types(decompose(model, "tflite")) == expected);
  }
  // Two convolutions and a pool in each of 15 cells; stem, and three convolutions in each residual block.
  const Model cell = read_model(test::SpaceGraph::json(space("nb201"), "311421"));
  const auto found = types(decompose(cell, "none"));
  CHECK(found.at("conv") == 15 * 2 + 1 + 2 * 3);
  CHECK(found.at("avgpool") == 15 + 2);
  CHECK(found.at("add") == 15 * 3 + 2);
}

TEST_CASE("decompose: kernels say their configuration") {
  CHECK(keys(graph(R"({"op": "Conv", "channels": 16, "kernel": 3, "stride": 2, "pad": 1}, {"op": "Relu"})"),
             "ncnn") == Keys{"conv,1,12,12,8,16,3,3,2,1"});
  CHECK(keys(graph(R"({"op": "Conv", "channels": 8, "kernel": [1, 3], "stride": [1, 2], "groups": 8})"),
             "none") == Keys{"dwconv,1,12,12,8,8,1,3,1x2,8,o12x5"});
  CHECK(keys(graph(R"({"op": "Conv", "channels": 8, "kernel": 3, "dilation": 2, "pad": 2, "groups": 2})"),
             "none") == Keys{"conv,1,12,12,8,8,3,3,1,2,d2"});
  CHECK(keys(graph(R"({"op": "AveragePool", "kernel": 12})"), "none") == Keys{"gap,1,12,12,8,8,,,,"});
  CHECK(keys(graph(R"({"op": "ReduceMean", "axes": [2, 3]})"), "none") == Keys{"gap,1,12,12,8,8,,,,"});
  CHECK(keys(graph(R"({"op": "Flatten"}, {"op": "Gemm", "channels": 10}, {"op": "Softmax"})"), "none") ==
        Keys{"fc,1,1,1,1152,10,,,,", "softmax,1,1,1,10,10,,,,"});
  CHECK(keys(graph(R"({"op": "MatMul", "channels": 5, "in": "x"})"), "none") == Keys{"fc,96,1,1,12,5,,,,"});
  CHECK(
      keys(
          graph(
              R"({"op": "Transpose", "perm": [0, 1, 3, 2], "name": "t"}, {"op": "MatMul", "in": ["x", "t"]})"),
          "none") == Keys{"other/Transpose,1,12,12,8,8,,,,", "matmul,8,12,1,12,12,,,,"});
  CHECK(keys(graph(R"({"op": "Add", "in": ["x", "w"]})"), "none") == Keys{"other/Add,1,12,12,8,8,,,,"});
  CHECK(keys(graph(R"({"op": "Add", "in": ["x", "x"]})"), "none") == Keys{"add,1,12,12,8,8,,,,"});
}

TEST_CASE("decompose: two exporters, the same kernels") {
  // One writes the split of queries, keys and values as a split, the other as three slices; one normalisation
  // is a node, the other nine.
  for (const RuntimeFamily& family : runtime_families())
    if (family.id != "none")
      CHECK(types(decompose(fixture("vit_tiny"), family.id)) ==
            types(decompose(fixture("vit_tiny_dynamo"), family.id)));
  CHECK(keys(graph(R"({"op": "Slice", "starts": [3], "ends": [99], "axes": [1], "in": "x", "out": "b"},
                      {"op": "Slice", "starts": [0], "ends": [-5], "axes": [-3], "in": "x", "out": "a"},
                      {"op": "Relu", "in": "a"}, {"op": "Relu", "in": "b"})"),
             "none") ==
        Keys{"other/Split,1,12,12,8,3,,,,", "other/Relu,1,12,12,3,3,,,,", "other/Relu,1,12,12,5,5,,,,"});
  // Overlapping slices stay, and a slice of everything is nothing.
  CHECK(keys(graph(R"({"op": "Slice", "starts": [2], "ends": [8], "axes": [1], "in": "x", "out": "b"},
                      {"op": "Slice", "starts": [0], "ends": [3], "axes": [1], "in": "x", "out": "a"},
                      {"op": "Slice", "starts": [0], "ends": [8], "axes": [1], "in": "x", "out": "all"},
                      {"op": "Relu", "in": "all"})"),
             "none") ==
        Keys{"other/Slice,1,12,12,8,6,,,,", "other/Slice,1,12,12,8,3,,,,", "other/Relu,1,12,12,8,8,,,,"});
  CHECK(
      keys(graph(
               R"({"op": "Reshape", "shape": [1, 2, 4, 12, 12]}, {"op": "Transpose", "perm": [0, 2, 1, 3, 4]},
                      {"op": "Reshape", "shape": [1, 8, 12, 12]})"),
           "ncnn") == Keys{"other/ChannelShuffle,1,12,12,8,8,,,,"});
}

TEST_CASE("decompose: a tensor that others read is not fused away") {
  const char* nodes = R"({"op": "Conv", "channels": 8, "name": "c"}, {"op": "Relu", "name": "r"},
                         {"op": "Add", "in": ["c", "r"]})";
  CHECK(keys(graph(nodes), "tflite") ==
        Keys{"conv,1,12,12,8,8,1,1,1,1", "other/Relu,1,12,12,8,8,,,,", "add,1,12,12,8,8,,,,"});
}

TEST_CASE("decompose: ways to write the same layer") {
  const auto one = [](const std::string& nodes, const char* family) {
    const auto found = decompose(
        read_model(
            R"({"inputs": {"x": [1, 5, 16]}, "weights": {"three": [1], "w": [16], "v": [16]}, "nodes": [)" +
            nodes + "]}"),
        family);
    REQUIRE(found.kernels.size() == 1);
    return std::string(name(found.kernels[0].type)) + " " + found.kernels[0].op;
  };
  CHECK(one(R"({"op": "Sigmoid", "name": "s"}, {"op": "Mul", "in": ["s", "x"]})", "tflite") ==
        "swish Sigmoid");
  CHECK(one(R"({"op": "HardSigmoid", "name": "s"}, {"op": "Mul", "in": ["x", "s"]})", "tflite") ==
        "hswish HardSigmoid");
  const std::string centred =
      R"({"op": "ReduceMean", "axes": [-1], "in": "x", "name": "m"}, {"op": "Sub", "in": ["x", "m"], "name": "d"},)";
  const std::string rest =
      R"({"op": "ReduceMean", "axes": [-1], "in": "q"}, {"op": "Add", "in": ["ReduceMean_3", "three"]},
      {"op": "Sqrt", "name": "r"}, {"op": "Div", "in": ["d", "r"]}, {"op": "Mul", "in": ["Div_6", "w"]},
      {"op": "Add", "in": ["Mul_7", "v"]})";
  CHECK(one(centred + R"({"op": "Mul", "in": ["d", "d"], "name": "q"},)" + rest, "ncnn") ==
        "layernorm ReduceMean");
}

TEST_CASE("decompose: a long chain takes time in proportion") {
  // Looking through all of it from every node would be quadratic.
  std::string nodes = R"({"op": "Relu"})";
  for (int i = 0; i < 20'000; ++i) nodes += R"(,{"op": "Reshape", "shape": [1, 8, 12, 12]})";
  CHECK(decompose(graph(nodes + R"(,{"op": "Sigmoid"})"), "openvino").kernels.size() == 2);
}

TEST_CASE("decompose: an unknown family is refused") {
  try {
    decompose(fixture("resnet18"), "abacus");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::argument);
    CHECK_THAT(error.what(), ContainsSubstring("no runtime family 'abacus'; none, onnxruntime"));
  }
}

TEST_CASE("decompose: every rule names its source, and patterns say what is wrong with them") {
  for (const FusionRules& family : fusion_rules())
    for (const FusionRule& rule : family.rules) {
      INFO(family.id << " " << rule.pattern);
      CHECK(!rule.source.empty());
      CHECK_NOTHROW(parse_pattern(rule.pattern));
    }
  for (const char* wrong : {"", "Relu(", "Relu(Conv", "Relu?", "Relu(Conv) x", "|Relu", "Relu(,)"}) {
    INFO(wrong);
    CHECK_THROWS_AS(parse_pattern(wrong), Error);
  }
}
