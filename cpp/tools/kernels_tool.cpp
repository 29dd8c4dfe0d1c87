#include "kernels_tool.h"

#include <charconv>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data.h"
#include "kernel_data.h"
#include "latencast/decompose.h"
#include "latencast/error.h"
#include "model_build.h"

namespace latencast {
namespace {

using nlohmann::json;

// NAME=1x3x224x224
std::pair<std::string, Dims> input_shape(const std::string& text) {
  const auto refuse = [&] {
    throw Error(ErrorCode::argument, "--input: '" + text + "' found; NAME=1x3x224x224 expected");
  };
  const auto equals = text.rfind('=');
  if (equals == std::string::npos) refuse();
  Dims shape;
  const char* at = text.data() + equals + 1;
  const char* end = text.data() + text.size();
  while (true) {
    std::int64_t length = 0;
    const auto read = std::from_chars(at, end, length);
    if (read.ec != std::errc() || length < 1) refuse();
    shape.push_back(length);
    at = read.ptr;
    if (at == end) break;
    if (*at++ != 'x') refuse();
  }
  return {text.substr(0, equals), shape};
}

std::string operators(const Model& model, const FusedKernel& kernel) {
  std::string text;
  for (const int i : kernel.nodes)
    text += (text.empty() ? "" : "+") + model.nodes[static_cast<std::size_t>(i)].op;
  constexpr std::size_t kShown = 60;
  return text.size() > kShown ? text.substr(0, kShown) + "..." : text;
}

json as_json_value(const Model& model, const FusedKernel& kernel) {
  json nodes = json::array();
  for (const int i : kernel.nodes) nodes.push_back(model.nodes[static_cast<std::size_t>(i)].name);
  return {{"kernel", name(kernel.type)},
          {"operator", kernel.op},
          {"key", kernel.key()},
          {"n", kernel.n},
          {"h", kernel.h},
          {"w", kernel.w},
          {"cin", kernel.cin},
          {"cout", kernel.cout},
          {"kh", kernel.kh},
          {"kw", kernel.kw},
          {"stride", {kernel.stride_h, kernel.stride_w}},
          {"dilation", kernel.dilation},
          {"groups", kernel.groups},
          {"out", {kernel.out_h, kernel.out_w}},
          {"macs", kernel.macs},
          {"params", kernel.params},
          {"bytes_in", kernel.bytes_in},
          {"bytes_weights", kernel.bytes_weights},
          {"bytes_out", kernel.bytes_out},
          {"nodes", nodes}};
}

void print_json(const Model& model, const std::string& runtime, const Decomposition& found) {
  json kernels = json::array(), unknown = json::array(), inputs = json::object();
  for (const FusedKernel& kernel : found.kernels) kernels.push_back(as_json_value(model, kernel));
  for (const UnknownOperator& one : found.unknown)
    unknown.push_back({{"operator", one.op},
                       {"count", one.count},
                       {"traffic_share", one.traffic_share},
                       {"macs_beside_share", one.macs_beside_share}});
  for (const int input : model.inputs) {
    const ModelTensor& tensor = model.tensors[static_cast<std::size_t>(input)];
    inputs[tensor.name] = tensor.shape;
  }
  std::cout << json{{"format", model.format},     {"name", model.name},   {"runtime", runtime},
                    {"inputs", inputs},           {"macs", model.macs()}, {"params", model.params()},
                    {"traffic", found.traffic()}, {"kernels", kernels},   {"unknown", unknown}}
                   .dump(2)
            << "\n";
}

void print_text(const Model& model, const std::string& runtime, const Decomposition& found) {
  std::printf("%s%s%s, runtime family %s\n", model.name.c_str(), model.name.empty() ? "" : ", ",
              model.format.c_str(), runtime.c_str());
  for (const int input : model.inputs) {
    const ModelTensor& tensor = model.tensors[static_cast<std::size_t>(input)];
    std::printf("input %s: %s\n", tensor.name.c_str(), text_of(tensor.shape).c_str());
  }
  std::printf("\n%4s  %-44s %10s %10s %10s  %s\n", "", kKernelColumns, "k MACs", "params", "kB moved",
              "operators");
  std::size_t number = 0;
  for (const FusedKernel& kernel : found.kernels)
    std::printf("%4zu  %-44s %10.1f %10lld %10.1f  %s\n", ++number, kernel.key().c_str(),
                1e-3 * double(kernel.macs), static_cast<long long>(kernel.params),
                1e-3 * double(kernel.traffic()), operators(model, kernel).c_str());
  std::printf("\n%zu kernels of %zu operators: %.3f M multiply-adds, %.3f M parameters, %.3f MB moved\n",
              found.kernels.size(), model.nodes.size(), 1e-6 * double(model.macs()),
              1e-6 * double(model.params()), 1e-6 * double(found.traffic()));
  for (const UnknownOperator& one : found.unknown)
    std::printf(
        "unknown: %s, %d times: %.1f %% of the bytes moved; kernels beside it have %.1f %% of the "
        "multiply-adds\n",
        one.op.c_str(), one.count, 100 * one.traffic_share, 100 * one.macs_beside_share);
}

}  // namespace

void KernelsCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("kernels", "a model as a runtime executes it, kernel by kernel");
  std::vector<std::string> families;
  for (const RuntimeFamily& family : runtime_families()) families.push_back(family.id);
  command->add_option("--model", model, "ONNX, ncnn .param or JSON graph");
  command->add_option("--runtime", runtime, "whose fusions apply")
      ->check(CLI::IsMember(families))
      ->capture_default_str();
  command->add_option("--batch", batch, "for a first dimension that the file leaves open")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--input", inputs, "shape of an input, NAME=1x3x224x224");
  command->add_flag("--json", as_json, "print JSON");
  evaluate.add_to(*command);
  platforms.add_to(*command);
  learn_fleet.add_to(*command);
  learn.add_to(*command);
  index.add_to(*command);
  probes.add_to(*command);
  coverage.add_to(*command);
  figures.add_to(*command);
  measured.add_to(*command);
  configurations.add_to(*command);
  choose.add_to(*command);
  export_kernels.add_to(*command);
  networks.add_to(*command);
  sample.add_to(*command);
  litepred.add_to(*command);
  learn_perceptrons.add_to(*command);
  command->callback([this, command] {
    if (!command->get_subcommands().empty()) return;
    if (model.empty()) throw CLI::RequiredError("--model");
    run();
  });
}

void KernelsCommand::run() const {
  ImportOptions options;
  options.batch = batch;
  for (const auto& input : inputs) options.inputs.insert(input_shape(input));
  const Model read = read_model(read_file(model), options);
  const Decomposition found = decompose(read, runtime);
  if (as_json)
    print_json(read, runtime, found);
  else
    print_text(read, runtime, found);
}

}  // namespace latencast
