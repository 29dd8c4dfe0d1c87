#include "kernels_export.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "data.h"
#include "families.h"
#include "kernel_data.h"
#include "latencast/error.h"
#include "latencast/export.h"
#include "latencast/model.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr int kNetworksDrawn = 300;  // of each family, whose kernels are counted

// How many different kernels of each type, where the families' networks have as many.
const std::map<KernelType, std::size_t>& wanted_of_families() {
  static const std::map<KernelType, std::size_t> wanted = {
      {KernelType::conv, 1250},  {KernelType::dwconv, 450}, {KernelType::fc, 60},
      {KernelType::avgpool, 60}, {KernelType::gap, 80},     {KernelType::se, 170}};
  return wanted;
}

// Different kernels of networks, drawn by how often they occur; every family counts the same.
std::vector<KernelShape> draw_of_families(Rng& rng) {
  struct Found {
    KernelShape kernel;
    double weight = 0;
  };
  std::map<KernelType, std::map<std::string, Found>> found;
  for (const Family& family : families()) {
    std::map<std::string, Found> own;
    double total = 0;
    for (int i = 0; i < kNetworksDrawn; ++i)
      for (const KernelShape& kernel : kernels_of(family.draw(rng))) {
        Found& one = own[key_of(kernel)];
        one.kernel = kernel;
        one.weight += 1;
        total += 1;
      }
    for (const auto& [key, one] : own) {
      Found& all = found[one.kernel.type][key];
      all.kernel = one.kernel;
      all.weight += one.weight / total;
    }
  }
  std::vector<KernelShape> drawn;
  for (const auto& [type, count] : wanted_of_families()) {
    // Without replacement, by weights (Efraimidis and Spirakis 2006).
    std::vector<std::pair<double, KernelShape>> order;
    for (const auto& [key, one] : found[type])
      order.emplace_back(std::log(1 - rng.uniform()) / one.weight, one.kernel);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (std::size_t i = 0; i < std::min(count, order.size()); ++i) drawn.push_back(order[i].second);
  }
  return drawn;
}

// Types that those families have few or none of, by the sizes that other networks have.
std::vector<KernelShape> draw_of_ranges(Rng& rng) {
  const auto any = [&](std::initializer_list<std::int64_t> choices) {
    return choices.begin()[rng.below(choices.size())];
  };
  const auto image = [&](KernelType type) {
    KernelShape k;
    k.type = type;
    k.h = k.w = k.out_h = k.out_w = any({7, 8, 10, 14, 16, 20, 28, 32, 40, 56, 80, 112});
    const std::int64_t most = std::min<std::int64_t>(240, (std::int64_t{1} << 21) / (8 * k.h * k.w));
    k.cin = k.cout = 8 * (1 + static_cast<std::int64_t>(std::exp(rng.uniform() * std::log(double(most)))));
    return k;
  };
  const auto pool = [&](KernelType type) {
    KernelShape k = image(type);
    k.kh = k.kw = any({2, 3, 3, 5});
    k.stride_h = k.stride_w = any({1, 2, 2});
    k.out_h = k.out_w = (k.h + k.stride_h - 1) / k.stride_h;
    return k;
  };
  const auto rows = [&](KernelType type) {
    KernelShape k;
    k.type = type;
    k.n = any({1, 16, 49, 64, 128, 196, 197, 256, 576, 784, 1024});
    k.cin = k.cout = any({64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1000, 1024});
    return k;
  };
  const auto fc = [&] {
    KernelShape k = rows(KernelType::fc);
    k.n = any({1, 1, 1, 1, 16, 49, 64, 196, 256});
    k.cin = 16 * (1 + static_cast<std::int64_t>(std::exp(rng.uniform() * std::log(128.))));
    k.cout = any({10, 100, 120, 1000, 1000, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072});
    return k;
  };
  const auto matmul = [&] {
    KernelShape k;
    k.type = KernelType::matmul;
    k.n = any({1, 3, 4, 6, 8, 12});
    k.h = k.out_h = any({16, 49, 64, 128, 196, 197, 256, 384});
    k.cin = any({16, 32, 48, 64, 96, 128, 197, 256});
    k.cout = any({16, 32, 49, 64, 128, 196, 197, 256});
    return k;
  };
  const auto attention = [&] {
    KernelShape k;
    k.type = KernelType::attention;
    k.h = k.w = k.out_h = any({16, 32, 49, 64, 96, 128, 196, 197, 256, 384});
    k.groups = any({1, 2, 3, 4, 6, 8, 12});
    k.cin = k.cout = k.groups * any({16, 24, 32, 48, 64});
    return k;
  };
  std::map<std::string, KernelShape> drawn;
  const auto add = [&](std::size_t count, const auto& draw) {
    for (const std::size_t whole = drawn.size() + count; drawn.size() < whole;) {
      const KernelShape kernel = draw();
      drawn.emplace(key_of(kernel), kernel);
    }
  };
  add(90, fc);
  add(100, [&] { return pool(KernelType::maxpool); });
  add(60, [&] { return pool(KernelType::avgpool); });
  add(40, [&] { return image(KernelType::gap); });
  add(120, [&] { return image(KernelType::swish); });
  add(120, [&] { return image(KernelType::hswish); });
  add(150, [&] { return image(KernelType::add); });
  add(120, matmul);
  add(90, [&] { return rows(KernelType::layernorm); });
  add(90, [&] { return rows(KernelType::softmax); });
  add(100, attention);
  std::vector<KernelShape> all;
  for (const auto& [key, kernel] : drawn) all.push_back(kernel);
  return all;
}

// Writes models and what a profiler has to know of them.
class Exported {
 public:
  explicit Exported(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
  }

  /// references: of a kernel inside a network, their names.
  void add(const std::string& name, const std::string& model,
           const std::vector<std::string>& references = {}) {
    char file[32];
    std::snprintf(file, sizeof file, "%05zu.onnx", networks_.size());
    write_file((std::filesystem::path(folder_) / file).string(), model);
    const Model read = read_model(model);
    json inputs = json::array();
    for (const int input : read.inputs) inputs.push_back(described(read, input));
    networks_.push_back({{"arch", name},
                         {"file", file},
                         {"inputs", inputs},
                         {"output", described(read, read.outputs.front())},
                         {"bytes", model.size()}});
    if (!references.empty()) networks_.back()["references"] = references;
  }

  void finish() const {
    const json manifest = {{"format", "latencast-kernels"}, {"version", 1}, {"networks", networks_}};
    write_file((std::filesystem::path(folder_) / "manifest.json").string(), manifest.dump() + "\n");
    std::printf("%s: %zu models\n", folder_.c_str(), networks_.size());
  }

 private:
  static json described(const Model& model, int tensor) {
    const ModelTensor& one = model.tensors[static_cast<std::size_t>(tensor)];
    return {{"name", one.name}, {"shape", one.shape}};
  }

  std::string folder_;
  json networks_ = json::array();
};

}  // namespace

void KernelsConfigurationsCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("configurations", "a list of kernels to time");
  command->add_option("--out", out, "CSV to write")->required();
  command->add_option("--with", more, "a further list and what it is called, NAME=FILE.csv");
  command->add_option("--seed", seed)->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsConfigurationsCommand::run() const {
  Rng rng(seed);
  std::vector<std::string> lines;
  std::set<std::string> seen;
  const auto add = [&](const std::vector<KernelShape>& kernels, const std::string& origin) {
    for (const KernelShape& kernel : kernels) {
      const std::string key = key_of(kernel);
      if (seen.insert(key).second) lines.push_back(std::string(key).append(",").append(origin));
    }
  };
  add(draw_of_families(rng), "real");
  add(draw_of_ranges(rng), "range");
  for (const std::string& list : more) {
    const auto equals = list.find('=');
    if (equals == std::string::npos)
      throw Error(ErrorCode::argument, "--with: '" + list + "' found; NAME=FILE.csv expected");
    add(read_shapes(list.substr(equals + 1)), list.substr(0, equals));
  }
  rng.shuffle(lines);  // the first so many are a fair sample
  std::string text = std::string(kKernelColumns) + ",origin\n";
  for (const std::string& line : lines) text += line + "\n";
  write_file(out, text);
  std::printf("%s: %zu kernels\n", out.c_str(), lines.size());
}

void KernelsExportCommand::add_to(CLI::App& kernels_command) {
  auto* command = kernels_command.add_subcommand("export", "kernels of a list as ONNX models");
  command->add_option("--kernels", kernels, "CSV of them")->required();
  command->add_option("--out", out, "folder to write to")->required();
  command->add_flag("--inside", inside, "as they are inside a network, with what that is held against");
  command->callback([this] { run(); });
}

namespace {

std::string reference_name(const ImageShape& image) {
  KernelShape same;
  same.n = image.n, same.h = same.out_h = image.h, same.w = same.out_w = image.w;
  same.cin = same.cout = image.channels;
  const std::string key = key_of(same);
  return "reference" + key.substr(key.find(','));
}

}  // namespace

void KernelsExportCommand::run() const {
  Exported exported(out);
  std::set<std::string> known;
  const auto add_reference = [&](const ImageShape& image) {
    std::string called = reference_name(image);
    if (known.insert(called).second) exported.add(called, export_reference(image));
    return called;
  };
  if (inside) add_reference(kNoImage);
  for (const KernelShape& kernel : read_shapes(kernels)) {
    if (!inside || !passes_images(kernel.type)) {
      exported.add(key_of(kernel), export_kernel(kernel));
      continue;
    }
    std::vector<std::string> references;
    for (const ImageShape& image : references_of(kernel)) references.push_back(add_reference(image));
    exported.add("in " + key_of(kernel), export_kernel_inside(kernel), references);
  }
  exported.finish();
}

void KernelsNetworksCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("networks", "whole networks of every family as ONNX models");
  command->add_option("--out", out, "folder to write to")->required();
  command->add_option("--count", count, "of each family")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--seed", seed)->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsNetworksCommand::run() const {
  Exported exported(out);
  for (const NamedNetwork& one : networks_of_families(count, seed))
    exported.add(one.name, export_onnx(one.layers, one.name));
  exported.finish();
}

}  // namespace latencast
