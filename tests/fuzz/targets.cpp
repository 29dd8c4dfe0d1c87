#include "targets.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "../../wasm/options.h"
#include "csv.h"
#include "encode_impl.h"
#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/decompose.h"
#include "latencast/design.h"
#include "latencast/error.h"
#include "latencast/estimate.h"
#include "latencast/export.h"
#include "latencast/fleet.h"
#include "latencast/model.h"
#include "latencast/pool.h"
#include "latencast/table.h"
#include "onnx_writer.h"
#include "predictor_impl.h"

namespace latencast {
namespace {

std::string file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::argument, path + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

// --- Checkpoints -------------------------------------------------------------------------------------------
// A checksum stands before everything else in the file: random changes would never get past it. So these
// inputs are the header's text, a zero byte and the payload, and lengths and checksum are put around them.

constexpr std::size_t kPreludeSize = 56;

template <class Unsigned>
void append(std::string& bytes, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) bytes.push_back(static_cast<char>((value >> 8 * i) & 0xff));
}

struct Parts {
  std::string_view header, payload;
};

Parts parts_of(std::string_view input) {
  const std::size_t end = std::min(input.find('\0'), input.size());
  return {input.substr(0, end), end < input.size() ? input.substr(end + 1) : std::string_view()};
}

int digit(char hex) { return hex <= '9' ? hex - '0' : hex - 'a' + 10; }

std::string sealed(const Parts& parts) {
  std::string bytes;
  append(bytes, std::uint32_t{2});
  append(bytes, static_cast<std::uint32_t>(parts.header.size()));
  append(bytes, static_cast<std::uint64_t>(parts.payload.size()));
  const std::size_t prelude = bytes.size();
  bytes.append(parts.header).append(parts.payload);
  const std::string hex = sha256_hex(bytes);
  std::string before = "LATCAST\n" + bytes.substr(0, prelude);
  for (std::size_t i = 0; i < hex.size(); i += 2)
    before.push_back(static_cast<char>(16 * digit(hex[i]) + digit(hex[i + 1])));
  return bytes.replace(0, prelude, before);
}

std::string sealed(std::string_view input) { return sealed(parts_of(input)); }

Parts unsealed(const std::string& bytes) {
  std::uint32_t header;
  std::memcpy(&header, bytes.data() + 12, sizeof header);
  const std::string_view rest = std::string_view(bytes).substr(kPreludeSize);
  return {rest.substr(0, header), rest.substr(header)};
}

std::string input_of(const std::string& bytes) {
  const Parts parts = unsealed(bytes);
  return std::string(parts.header) + '\0' + std::string(parts.payload);
}

// The file with only the first of its self-tests, whose results are in `member`.
std::string with_one_test(const std::string& bytes, const char* member) {
  const Parts parts = unsealed(bytes);
  auto header = read_json(parts.header);
  auto& test = header["meta"]["self_test"];
  auto& results = test[member];
  results.erase(results.begin() + std::ptrdiff_t(results.size() / test["architectures"].size()),
                results.end());
  test["architectures"].erase(test["architectures"].begin() + 1, test["architectures"].end());
  return sealed({header.dump(), parts.payload});
}

// --- Predictors: every part of the smallest size that a file can have ---

PredictorImpl smallest_network(const char* of, Gnn gnn, HardwarePlace place) {
  NetworkShape shape = shape_for(space(of));
  shape.gnn = gnn;
  shape.hardware_place = place;
  shape.operation_width = shape.hardware_width = shape.initial_width = shape.state_width = 1;
  shape.stage1_layers = shape.stage2_layers = shape.head_width = 1;
  PredictorImpl impl{&space(of), Network(shape), {}, {"a"}};
  Rng rng(1);
  impl.parameters = rounded_to_half(impl.network.initial_parameters<float>(rng));
  return impl;
}

std::string file_of(PredictorImpl impl) {
  return Predictor(std::make_shared<const PredictorImpl>(std::move(impl))).write();
}

Prior smallest_prior(const Space& of) {
  const int features = design_of(of).width();
  Prior prior;
  prior.mean = Eigen::VectorXf::Zero(features);
  prior.basis = RowMatrix::Constant(features, 1, 0.125F);
  prior.centres = RowMatrix::Constant(2, 1, 0.5F);
  prior.devices = {"a"};
  prior.real_mass = 0.5;
  return prior;
}

const std::string& predictor_bytes() {
  static const std::string bytes =
      with_one_test(file_of(smallest_network("nb201", Gnn::ensemble, HardwarePlace::operation)), "scores");
  return bytes;
}

std::vector<std::string> predictor_seeds(const std::string&) {
  const std::vector<Measurement> measured = {{"421211", 2}, {"000000", 1}, {"222222", 3}};
  PredictorImpl tuned = smallest_network("nb201", Gnn::dgf, HardwarePlace::operation);
  tuned.calibration = Calibration{{0, 1}, {0, 1}, 1, 1};
  tuned.nearest = Nearest{"a", 1, 1};
  tuned.measurements = measured;
  tuned.quantity = Quantity::energy;
  const auto embedding = std::make_shared<const Embedding>(*tuned.space, smallest_prior(*tuned.space));
  const auto closed = closed_form(*tuned.space, embedding, measured, "b", {1}, Quantity::latency);
  PredictorImpl both = tuned;
  both.embedding = embedding;
  both.closed_form = closed->closed_form;
  both.network_share = 0.5;
  std::vector<std::string> seeds = {input_of(predictor_bytes()), input_of(file_of(*closed))};
  for (const PredictorImpl& one : {tuned, both, smallest_network("fbnet", Gnn::gat, HardwarePlace::head)})
    seeds.push_back(input_of(with_one_test(file_of(one), "scores")));
  return seeds;
}

void read_predictor(std::string_view input) {
  const Predictor predictor = Predictor::read(sealed(input));
  Rng rng(1);
  const std::vector<Architecture> asked = {predictor.space().random(rng), predictor.space().random(rng)};
  if (predictor.posterior()) predictor.beliefs(asked);
  if (predictor.is_transferred())
    predictor.latency_ms(asked);
  else
    predictor.scores(predictor.devices().at(0), asked);
}

// --- Encoders: their shapes are fixed, 56,000 numbers. An input's payload is repeated until the tensors have
// what they need.

void read_encoder(std::string_view input) {
  constexpr std::size_t kMost = 400000;
  Parts parts = parts_of(input);
  std::string repeated;
  const auto header = read_json(parts.header);
  if (header.is_object() && header.contains("tensors") && header["tensors"].is_array()) {
    double needed = 0;
    for (const auto& tensor : header["tensors"]) {
      if (!tensor.is_object() || !tensor.contains("shape") || !tensor["shape"].is_array()) continue;
      double values = tensor.contains("dtype") && tensor["dtype"] == "f32" ? 4 : 2;
      for (const auto& length : tensor["shape"]) values *= length.is_number() ? length.get<double>() : 0;
      needed += values;
    }
    if (!parts.payload.empty() && needed < kMost)
      while (double(repeated.size() + parts.payload.size()) < needed) repeated += parts.payload;
    repeated += parts.payload.substr(0, needed < kMost && needed >= double(repeated.size())
                                            ? static_cast<std::size_t>(needed) - repeated.size()
                                            : parts.payload.size());
    parts.payload = repeated;
  }
  Encoder::read(sealed(parts));
}

std::vector<std::string> encoder_seeds(const std::string&) {
  // So small that most changes of the payload pass the self-test.
  const char byte = 0x0c;
  const float value = 0x1.03p-12F;
  auto impl = std::make_shared<EncoderImpl>(space("fbnet"));
  impl->arch2vec_parameters.assign(impl->arch2vec.parameter_count(), value);
  impl->cate_parameters.assign(impl->cate.parameter_count(), value);
  impl->surrogate_parameters.assign(impl->surrogate.parameter_count(), value);
  const std::string bytes = with_one_test(Encoder(std::move(impl)).write(), "caz");
  return {std::string(unsealed(bytes).header) + '\0' + byte};
}

// --- Platforms: of whole models and of kernels, with models of one convolution each ---

const Decomposition& one_kernel(std::int64_t channels) {
  static const auto all = [] {
    std::vector<Decomposition> models;
    for (std::int64_t c = 1; c <= 4; ++c) {
      FusedKernel kernel;
      kernel.type = KernelType::conv;
      kernel.op = "Conv";
      kernel.h = kernel.w = kernel.out_h = kernel.out_w = 14;
      kernel.kh = kernel.kw = 3;
      kernel.cin = kernel.cout = 16 * c;
      kernel.params = 9 * kernel.cin * kernel.cout;
      kernel.macs = kernel.params * 14 * 14;
      kernel.bytes_in = kernel.bytes_out = 4 * 14 * 14 * kernel.cin;
      kernel.bytes_weights = 4 * kernel.params;
      models.push_back({{kernel}, {}});
    }
    return models;
  }();
  return all.at(static_cast<std::size_t>(channels - 1));
}

void read_fleet(std::string_view input) {
  const Fleet fleet(sealed(input));
  fleet.platform(0).estimate(one_kernel(1));
}

std::vector<std::string> fleet_seeds(const std::string&) {
  FleetSources sources;
  for (int m = 0; m < 2; ++m) {
    sources.models.push_back({"model" + std::to_string(m), "", {1, 3, 14, 14}, 0});
    sources.decompositions.push_back(one_kernel(m + 1));
  }
  for (int p = 0; p < 2; ++p) {
    const std::string id = "platform" + std::to_string(p);
    sources.platforms.push_back({id, id, id, "ncnn", false, 1, 0});
    sources.latency_ms.push_back({1.0 + p, 2.0 + p});
  }
  return {input_of(Fleet::learn(sources).write())};
}

void check(bool held, const char* what) {
  if (!held) throw std::logic_error(what);
}

bool sound(double latency_ms, double low_ms, double high_ms) {
  return latency_ms > 0 && low_ms >= 0 && low_ms <= latency_ms && high_ms >= latency_ms &&
         std::isfinite(high_ms);
}

void read_pool_platform(std::string_view input) {
  const PoolPlatform platform(sealed(input));
  for (std::int64_t channels = 1; channels <= 4; ++channels) {
    const Decomposition& model = one_kernel(channels);
    const KernelEstimate kernel = platform.estimate(shape_of(model.kernels[0]));
    check(sound(kernel.latency_ms, kernel.low_ms, kernel.high_ms), "a kernel's estimate is none");
    const KernelSum sum = estimate_model(platform, model);
    check(sound(sum.latency_ms, sum.low_ms, sum.high_ms), "a model's estimate is none");
  }
}

std::vector<KernelTiming> few_timings() {
  std::vector<KernelTiming> timings;
  for (int i = 0; i < 12; ++i) {
    KernelShape kernel = shape_of(one_kernel(1 + i % 4).kernels[0]);
    kernel.h = kernel.w = kernel.out_h = kernel.out_w = 7 + i;
    timings.push_back({kernel, 0.1 + 0.01 * i * (1 + i % 3)});
  }
  return timings;
}

PoolPlatform small_platform(const std::vector<ModelMeasurement>& models) {
  return learn_platform({"a-b", "A B", "a", "none", {}, {}}, few_timings(), models);
}

std::vector<std::string> pool_seeds(const std::string&) {
  return {input_of(small_platform({}).write()),
          input_of(small_platform({{one_kernel(1), 0.2}, {one_kernel(3), 0.5}}).write())};
}

void read_pool_index(std::string_view input) {
  PoolIndex(input).similarities({{shape_of(one_kernel(1).kernels[0]), 1.0}});
}

std::vector<std::string> pool_index_seeds(const std::string&) {
  return {PoolIndex({"conv,1,14,14,8,8,3,3,1,1", "conv,2,7,7,64,8,1,1,2,1"}, {small_platform({})}).write()};
}

// --- Text --------------------------------------------------------------------------------------------------

void read_architecture(std::string_view input) {
  // The first byte says the space, so that one corpus serves all three.
  const auto ids = space_ids();
  const std::size_t which = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % ids.size();
  const Space& of = space(ids[which]);
  const Architecture parsed = of.parse(input.substr(input.empty() ? 0 : 1));
  if (of.parse(of.format(parsed)) != parsed) throw std::logic_error("format and parse disagree");
  of.macs(parsed);
}

std::vector<std::string> architecture_seeds(const std::string&) {
  std::vector<std::string> seeds;
  Rng rng(5);
  const auto ids = space_ids();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (int k = 0; k < 3; ++k) {
      const Architecture drawn = space(ids[i]).random(rng);
      seeds.push_back(static_cast<char>(i) + space(ids[i]).format(drawn));
      seeds.push_back(static_cast<char>(i) + std::string(drawn));
    }
  }
  seeds.push_back("\x02{\"ks\":[3,5,7],\"e\":[3,4,6],\"d\":[2,3,4],\"r\":[224]}");
  return seeds;
}

void read_own_table(std::string_view input) {
  // Table, a zero byte, measurements.
  const std::size_t end = std::min(input.find('\0'), input.size());
  const Table table = read_table(std::string(input.substr(0, end)));
  if (end < input.size()) read_table_measurements(std::string(input.substr(end + 1)), table);
}

std::vector<std::string> table_seeds(const std::string&) {
  const std::string table =
      "name,layers,width,kind,latency_ms:a,latency_ms:b\n"
      "x,1,16,plain,1.5,2\n\"y, the second\",2,32,gated,2.5,4\nz,3,16,plain,3.1,6.2\nu,4,8,gated,,7\n";
  return {table, table + '\0' + "name,latency_ms\nx,3\nz,6.5\n", std::string("arch,a\r\n1,2\r\n2,3\r\n")};
}

void read_options(std::string_view input) {
  boundary::Options options("options", std::string(input), "a, b, c, d, e");
  std::string text;
  int whole = 0;
  std::uint64_t large = 0;
  std::optional<double> real;
  options.read("a", text);
  options.read("b", whole);
  options.read("c", large);
  options.read("d", real);
  boundary::dump(boundary::Json(text));
}

std::vector<std::string> options_seeds(const std::string&) {
  return {R"({"a":"x","b":3,"c":9007199254740991,"d":1e-3})", R"({"b":-1})", R"({"e":[[[{}]]]})"};
}

void read_comma_separated(std::string_view input) {
  const CsvTable table = parse_csv(std::string(input), "input");
  for (std::size_t row = 0; row < table.rows.size(); ++row) table.number(row, table.header.size() - 1);
}

std::vector<std::string> csv_seeds(const std::string& tests) {
  return {file(tests + "/golden/raspi4-20.csv"), "a,b\r\n\"x \"\"y\"\"\",2\r\n",
          "\xef\xbb\xbf"
          "a;b\n1;2\n"};
}

// --- Models ------------------------------------------------------------------------------------------------

void read_a_model(std::string_view input) {
  read_inputs(input);
  const Model model = read_model(input);
  for (const char* family : {"none", "onnxruntime", "ncnn"}) decompose(model, family);
  model.macs();
  model.params();
}

// An exporter's way of writing a flattening and a shuffle, of constants that have to be worked out.
std::string shapes_computed() {
  using Node = OnnxWriter::Attributes;
  OnnxWriter graph("g", 1);
  graph.put_input("x", {1, 4, 2, 2});
  graph.put_tensor<std::int64_t>("zero", OnnxWriter::kInt64, {1}, {0});
  graph.put_tensor<std::int64_t>("rest", OnnxWriter::kInt64, {1}, {-1});
  graph.put_tensor<std::int64_t>("one", OnnxWriter::kInt64, {1}, {1});
  graph.put_tensor<std::int64_t>("five", OnnxWriter::kInt64, {5}, {1, 2, 2, 2, 2});
  graph.put_node("Shape", {"x"}, "s");
  graph.put_node("Gather", {"s", "zero"}, "n", [](Node& node) { OnnxWriter::put_ints(node, "axis", 0); });
  graph.put_node("Concat", {"n", "rest"}, "to", [](Node& node) { OnnxWriter::put_ints(node, "axis", 0); });
  graph.put_node("Reshape", {"x", "five"}, "r");
  graph.put_node("Transpose", {"r"}, "t", [](Node& node) {
    OnnxWriter::put_ints(node, "perm", Shape{0, 2, 1, 3, 4});
  });
  graph.put_node("Reshape", {"t", "s"}, "u");
  graph.put_node("Slice", {"u", "zero", "one", "zero"}, "v");
  graph.put_node("Unsqueeze", {"v", "zero"}, "w");
  graph.put_node("Squeeze", {"w", "zero"}, "y");
  graph.put_node("Reshape", {"y", "to"}, "z");
  graph.put_output("z", {1, 16});
  return graph.finish();
}

std::string quantised() {
  using Node = OnnxWriter::Attributes;
  OnnxWriter graph("q", 1);
  graph.put_input("x", {1, 2, 3, 3});
  graph.put_weights("w", {2, 2, 1, 1}, 2);
  graph.put_uniform("s", {}, 0.1F, 0.2F);
  graph.put_node("QuantizeLinear", {"x", "s"}, "a");
  graph.put_node("QLinearConv", {"a", "s", "s", "w", "s", "s", "s", "s"}, "b");
  graph.put_node("DequantizeLinear", {"b", "s"}, "c");
  graph.put_node("Split", {"c"}, "d", [](Node& node) {
    node.add_string(2, "e");
    OnnxWriter::put_ints(node, "axis", 1);
  });
  graph.put_node("Pad", {"d"}, "f", [](Node& node) {
    OnnxWriter::put_ints(node, "pads", Shape{0, 0, 1, 1, 0, 0, 1, 1});
  });
  graph.put_uniform("k", {4}, 1, 1);
  graph.put_node("Resize", {"e", "", "k"}, "g");
  graph.put_node("ReduceMean", {"f"}, "h", [](Node& node) {
    OnnxWriter::put_ints(node, "axes", Shape{2, 3});
  });
  graph.put_weights("v", {1, 2, 1, 1}, 1);
  graph.put_node("ConvTranspose", {"e", "v"}, "i");
  graph.put_node("Clip", {"i"}, "j", [](Node& node) { OnnxWriter::put_real(node, "max", 6); });
  graph.put_output("g", {1, 1, 3, 3});
  graph.put_output("h", {1, 1, 1, 1});
  graph.put_output("j", {1, 2, 3, 3});
  return graph.finish(11);
}

std::vector<std::string> onnx_seeds(const std::string&) {
  std::vector<std::string> seeds = {shapes_computed(), quantised()};
  for (const char* key :
       {"conv,1,4,4,1,2,3,3,2,1", "dwconv,1,3,3,2,2,3,3,1,2", "fc,1,,,2,3", "maxpool,1,4,4,1,1,2,2,2",
        "avgpool,1,4,4,1,1,2,2,2", "gap,1,2,2,2", "add,1,2,2,1", "se,1,2,2,4", "swish,1,2,2,1",
        "hswish,1,2,2,1", "matmul,1,2,1,2,2", "layernorm,1,2,1,4", "softmax,1,1,1,4", "attention,1,2,1,4,4"})
    seeds.push_back(export_kernel(read_kernel(key)));
  return seeds;
}

std::vector<std::string> network_seeds(const std::string& tests) {
  std::vector<std::string> seeds;
  for (const char* name : {"squeezenet1_1", "mobilenet_v3_small", "vit_tiny_dynamo", "shufflenet_v2_x1_0"})
    seeds.push_back(file(tests + "/golden/models/" + name + ".onnx"));
  return seeds;
}

std::vector<std::string> param_seeds(const std::string&) {
  return {
      "7767517\n5 5\nInput data 0 1 data 0=32 1=32 2=3\nConvolution c1 1 1 data c1 0=16 1=3 3=2 4=1 5=1 "
      "6=432 9=1\n"
      "Pooling p1 1 1 c1 p1 0=0 1=2 2=2\nPooling gap 1 1 p1 gap 0=1 4=1\nInnerProduct fc 1 1 gap fc 0=10 1=1 "
      "2=160\n",
      "7767517\n6 7\nInput data 0 1 data 0=16 1=16 2=8\nSplit s 1 2 data a b\n"
      "ConvolutionDepthWise d 1 1 a d 0=8 1=3 4=1 5=1 6=72 7=8\nBinaryOp add 2 1 d b e 0=0\n"
      "Reshape r 1 1 e r 0=64 1=-1\nSoftmax sm 1 1 r out 0=0 1=1\n"};
}

std::vector<std::string> json_seeds(const std::string&) {
  return {R"({"inputs":{"x":[1,8,10,12]},"nodes":[{"op":"Conv","channels":16,"kernel":[3,5],"dilation":2},)"
          R"({"op":"Relu"},{"op":"MaxPool","kernel":3,"stride":2},{"op":"GlobalAveragePool"}]})",
          R"({"inputs":{"a":[1,4,6],"b":[1,6,2]},"nodes":[{"op":"MatMul","in":["a","b"],"name":"c"},)"
          R"({"op":"Softmax","axis":-1},{"op":"Wobble"}],"outputs":["c"]})"};
}

}  // namespace

const std::vector<FuzzTarget>& fuzz_targets() {
  static const std::vector<FuzzTarget> all = {
      {"checkpoint", [](std::string_view input) { read_checkpoint(input); },
       [](const std::string&) {
         return std::vector<std::string>{predictor_bytes(),
                                         write_checkpoint({"{}", {{"a", {2}, {1, 2}}}}, Precision::float16)};
       }},
      {"header", [](std::string_view input) { read_checkpoint(sealed(input)); },
       [](const std::string&) {
         return std::vector<std::string>{input_of(write_checkpoint(
             {R"({"kind":"x"})", {{"a", {2, 1}, {1, 2}}, {"b", {}, {3}}}}, Precision::float32))};
       }},
      {"predictor", read_predictor, predictor_seeds},
      {"encoder", read_encoder, encoder_seeds},
      {"fleet", read_fleet, fleet_seeds},
      {"pool", read_pool_platform, pool_seeds},
      {"pool-index", read_pool_index, pool_index_seeds},
      {"architecture", read_architecture, architecture_seeds},
      {"table", read_own_table, table_seeds},
      {"options", read_options, options_seeds},
      {"csv", read_comma_separated, csv_seeds},
      {"onnx", read_a_model, onnx_seeds},
      {"network", read_a_model, network_seeds},
      {"param", read_a_model, param_seeds},
      {"json", read_a_model, json_seeds},
  };
  return all;
}

const FuzzTarget& fuzz_target(std::string_view name) {
  std::string known;
  for (const FuzzTarget& target : fuzz_targets()) {
    if (name == target.name) return target;
    known += (known.empty() ? "" : ", ") + std::string(target.name);
  }
  throw Error(ErrorCode::argument, "no fuzz target '" + std::string(name) + "'; there are " + known);
}

void read_input(const FuzzTarget& target, std::string_view input) {
  try {
    target.read(input);
  } catch (const Error& error) {
    // `internal` says that the engine itself is at fault.
    if (error.code() == ErrorCode::internal) throw;
  }
}

}  // namespace latencast
