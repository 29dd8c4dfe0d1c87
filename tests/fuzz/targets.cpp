#include "targets.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "../../wasm/options.h"
#include "../cpp/encoder_fixture.h"
#include "../cpp/fixture.h"
#include "csv.h"
#include "latencast/checkpoint.h"
#include "latencast/decompose.h"
#include "latencast/error.h"
#include "latencast/estimate.h"
#include "latencast/fleet.h"
#include "latencast/model.h"
#include "latencast/pool.h"
#include "latencast/table.h"

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

std::string sealed(std::string_view input) {
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view header = input.substr(0, end);
  const std::string_view payload = end < input.size() ? input.substr(end + 1) : std::string_view();
  std::string covered;
  append(covered, std::uint32_t{2});
  append(covered, static_cast<std::uint32_t>(header.size()));
  append(covered, static_cast<std::uint64_t>(payload.size()));
  const std::size_t prelude = covered.size();
  covered.append(header).append(payload);
  const std::string hex = sha256_hex(covered);
  std::string bytes = "LATCAST\n" + covered.substr(0, prelude);
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes + covered.substr(prelude);
}

std::string unsealed(const std::string& bytes) {
  std::uint32_t header;
  std::memcpy(&header, bytes.data() + 12, sizeof header);
  return bytes.substr(kPreludeSize, header) + '\0' + bytes.substr(kPreludeSize + header);
}

const std::string& predictor_bytes() {
  static const std::string bytes = [] {
    PretrainOptions options;
    options.operation_width = 4;
    options.hardware_width = 2;
    options.state_width = 4;
    options.stage1_layers = options.stage2_layers = 1;
    options.steps = 4;
    options.batch = 8;
    options.devices_per_batch = 2;
    options.invented = 0;
    return pretrain(synthetic_table(2, 30), options, [](int, double) {}).write();
  }();
  return bytes;
}

void read_predictor(std::string_view input) {
  const Predictor predictor = Predictor::read(sealed(input));
  Rng rng(1);
  predictor.scores(predictor.devices().at(0), {predictor.space().random(rng), predictor.space().random(rng)});
}

void read_encoder(std::string_view input) { Encoder::read(sealed(input)); }

std::vector<std::string> encoder_seeds(const std::string&) {
  return {unsealed(tiny_encoder().encoder.write())};
}

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
  for (int m = 0; m < 4; ++m) {
    sources.models.push_back({"model" + std::to_string(m), "", {1, 3, 14, 14}, 0});
    sources.decompositions.push_back(one_kernel(m + 1));
  }
  for (int p = 0; p < 3; ++p) {
    const std::string id = "platform" + std::to_string(p);
    sources.platforms.push_back({id, id, id, "ncnn", false, 1, 0});
    sources.latency_ms.push_back({1.0 + p, 2.0 + p, 4.0 + p, 7.0 + p});
  }
  return {unsealed(Fleet::learn(sources).write())};
}

void read_pool_platform(std::string_view input) {
  const PoolPlatform platform(sealed(input));
  platform.estimate(shape_of(one_kernel(1).kernels[0]));
}

PoolPlatform small_platform() {
  std::vector<KernelTiming> timings;
  Rng rng(3);
  for (int i = 0; i < 60; ++i) {
    KernelShape kernel = shape_of(one_kernel(1 + i % 4).kernels[0]);
    kernel.h = kernel.w = kernel.out_h = kernel.out_w = 7 + i;
    timings.push_back({kernel, 0.1 + 0.01 * i * (1 + rng.uniform())});
  }
  return learn_platform({"a-b", "A B", "a", "none", {}, {}}, timings);
}

std::vector<std::string> pool_seeds(const std::string&) { return {unsealed(small_platform().write())}; }

void read_pool_index(std::string_view input) {
  PoolIndex(input).similarities({{shape_of(one_kernel(1).kernels[0]), 1.0}});
}

std::vector<std::string> pool_index_seeds(const std::string&) {
  return {PoolIndex({"conv,1,14,14,8,8,3,3,1,1", "conv,2,7,7,64,8,1,1,2,1"}, {small_platform()}).write()};
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

std::vector<std::string> onnx_seeds(const std::string& tests) {
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
         return std::vector<std::string>{predictor_bytes().substr(0, 300),
                                         write_checkpoint({"{}", {{"a", {2}, {1, 2}}}}, Precision::float16)};
       }},
      {"header", [](std::string_view input) { read_checkpoint(sealed(input)); },
       [](const std::string&) {
         return std::vector<std::string>{unsealed(write_checkpoint(
             {R"({"kind":"x"})", {{"a", {2, 1}, {1, 2}}, {"b", {}, {3}}}}, Precision::float32))};
       }},
      {"predictor", read_predictor,
       [](const std::string&) { return std::vector<std::string>{unsealed(predictor_bytes())}; }},
      {"encoder", read_encoder, encoder_seeds},
      {"fleet", read_fleet, fleet_seeds},
      {"pool", read_pool_platform, pool_seeds},
      {"pool-index", read_pool_index, pool_index_seeds},
      {"architecture", read_architecture, architecture_seeds},
      {"table", read_own_table, table_seeds},
      {"options", read_options, options_seeds},
      {"csv", read_comma_separated, csv_seeds},
      {"onnx", read_a_model, onnx_seeds},
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
