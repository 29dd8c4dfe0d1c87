#include "ncnn_benchmark.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>

#include "data.h"
#include "latencast/error.h"

namespace latencast {
namespace {

// Input shapes of files that state none, as benchncnn.cpp of the same repository gives them.
const std::map<std::string, Dims> kInputs = {{"FastestDet", {1, 3, 352, 352}},
                                             {"vision_transformer", {1, 3, 384, 384}}};

// Boards with one chip, or nearly one: words of their names. All others are known by their name.
struct Chip {
  const char* word;
  const char* chip;
};
constexpr Chip kChips[] = {{"RK3588", "RK3588"},           {"RK3568", "RK3566/RK3568"},
                           {"Rk3566", "RK3566/RK3568"},    {"Radxa Zero 3W", "RK3566/RK3568"},
                           {"Raspberry Pi 5 ", "BCM2712"}, {"BCM2837", "BCM2837/BCM2710"},
                           {"BCM2710", "BCM2837/BCM2710"}, {"KunPeng 920", "Kunpeng 920"},
                           {"Kunpeng 920", "Kunpeng 920"}};

std::string chip_of(const std::string& platform) {
  for (const Chip& one : kChips)
    if (platform.find(one.word) != std::string::npos) return one.chip;
  return platform;
}

// Words of boards whose CPU is no 64-bit Arm, and what it is.
struct Processor {
  const char* word;
  const char* processor;
};
constexpr Processor kProcessors[] = {{"Loongson", "loongson"}, {"Sunway", "sunway"},   {"JH7110", "risc-v"},
                                     {"CVITEK", "risc-v"},     {"Spacemit", "risc-v"}, {"Z7-Lite", "arm32"},
                                     {"S805", "arm32"},        {"RK3288", "arm32"},    {"Atom", "x86"},
                                     {"Celeron", "x86"},       {"Intel", "x86"},       {"Ryzen", "x86"},
                                     {"EPYC", "x86"},          {"c5.4xlarge", "x86"},  {"D64as", "x86"}};

std::string processor_of(const std::string& platform, bool gpu) {
  if (gpu) return "gpu";
  for (const Processor& one : kProcessors)
    if (platform.find(one.word) != std::string::npos) return one.processor;
  return "arm64";
}

// "NVIDIA Jetson Nano (x)", 4 threads -> "nvidia-jetson-nano"
std::string identifier(const std::string& title) {
  std::string id;
  for (const char c : title.substr(0, title.find('('))) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      id += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!id.empty() && id.back() != '-')
      id += '-';
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id;
}

int whole(const CsvTable& csv, std::size_t row, std::size_t column, int otherwise) {
  const double value = csv.number(row, column);
  return std::isfinite(value) ? static_cast<int>(value) : otherwise;
}

}  // namespace

std::string model_family(const std::string& name, bool strict) {
  std::string family = name;
  const auto quantized = family.rfind("_int8");
  if (quantized != std::string::npos) family.erase(quantized);
  if (family.rfind("resnet", 0) == 0) return "resnet";
  if (!strict) return family;
  if (family.rfind("mobilenet_v2", 0) == 0 || family.rfind("mobilenetv2", 0) == 0) return "mobilenet_v2";
  if (family == "mobilenet_ssd" || family == "mobilenet_yolo") return "mobilenet";
  for (const char* backbone : {"squeezenet", "shufflenet", "efficientnet", "yolo-fastest"})
    if (family.rfind(backbone, 0) == 0) return backbone;
  return family;
}

Model read_open_param(const std::string& bytes, const Dims& shape) {
  // A line of layers: type, name, number of inputs, number of outputs, names of these.
  std::istringstream lines(bytes);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string type, name, inputs, outputs, blob;
    words >> type >> name >> inputs >> outputs >> blob;
    if (type != "Input" || !(words >> std::ws).eof()) continue;
    ImportOptions options;
    options.inputs[blob] = shape;
    return read_model(bytes, options);
  }
  return read_model(bytes);
}

FleetSources read_ncnn_benchmark(const std::string& folder) {
  const CsvTable csv = read_csv(folder + "/benchmark.csv");
  const std::size_t platform = csv.column("platform"), run = csv.column("run"),
                    threads = csv.column("num_threads"), cores = csv.column("powersave"),
                    gpu = csv.column("gpu_device"), model = csv.column("model"),
                    latency = csv.column("min_ms");
  FleetSources sources;
  std::vector<std::string> names;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) names.push_back(csv.rows[row][model]);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::map<std::string, std::size_t> index;
  for (const std::string& name : names) {
    const std::string path = folder + "/param/" + name + ".param";
    if (!std::filesystem::exists(path)) continue;
    const std::string bytes = read_file(path);
    const auto shape = kInputs.find(name);
    const Model read = shape == kInputs.end() ? read_model(bytes) : read_open_param(bytes, shape->second);
    index[name] = sources.models.size();
    sources.models.push_back(
        {name, "", read.tensors[static_cast<std::size_t>(read.inputs.front())].shape, 0});
    sources.decompositions.push_back(decompose(read, "ncnn"));
  }

  std::map<std::string, std::size_t> runs, ids;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    const auto& fields = csv.rows[row];
    const auto column = index.find(fields[model]);
    const double ms = csv.number(row, latency);
    if (column == index.end() || !std::isfinite(ms)) continue;
    const auto [entry, fresh] =
        runs.try_emplace(fields[platform] + "\n" + fields[run], sources.platforms.size());
    if (fresh) {
      KnownPlatform known;
      known.gpu = whole(csv, row, gpu, -1) >= 0;
      known.threads = whole(csv, row, threads, 1);
      known.board = chip_of(fields[platform]);
      known.family = "ncnn";
      known.processor = processor_of(fields[platform], known.gpu);
      const int kind = whole(csv, row, cores, 0);
      const std::string cores_name = kind == 1 ? ", little cores" : kind == 2 ? ", big cores" : "";
      const std::string setting = known.gpu ? "GPU"
                                            : std::to_string(known.threads) +
                                                  (known.threads == 1 ? " thread" : " threads") + cores_name;
      known.title = fields[platform] + ", " + setting;
      known.id =
          identifier(fields[platform]) + (known.gpu ? "-gpu" : "-" + std::to_string(known.threads) + "t");
      const std::size_t same = ++ids[known.id];
      if (same > 1) known.id += "-" + std::to_string(same);
      sources.platforms.push_back(known);
      sources.latency_ms.emplace_back(sources.models.size(), std::numeric_limits<double>::quiet_NaN());
    }
    sources.latency_ms[entry->second][column->second] = ms;
  }
  return sources;
}

}  // namespace latencast
