// Kernels that stand for those that networks consist of: medoids, chosen one by one, of the kernels of drawn
// networks of the spaces and of known networks. Many platforms were timed in large batches, so some of them
// come again in such.
#include "kernels_probes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "data.h"
#include "kernel_data.h"
#include "kernel_features.h"
#include "latencast/decompose.h"
#include "latencast/export.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

constexpr const char* kRuntime = "onnxruntime";
constexpr double kMostMacs = 1.5e8, kMostNumbers = 4e6;  // a tenth of a second in a browser
constexpr std::int64_t kPixels = 384;  // of an image that a file leaves open; ncnn's benchmark has it so
constexpr std::size_t kFewestOfType = 4;
constexpr double kKnown = 3;  // weight of all known networks, of a space's 1
constexpr double kNear = 1;   // nearer kernels are as good as the same

struct Candidate {
  KernelShape shape;
  double weight = 0;  // share of a network's kernels
  std::array<double, kSmoothFeatures> at;
  double distance = 1e3;  // to the nearest that was chosen
};

using Candidates = std::map<std::string, Candidate>;

void add(Candidates& all, const Model& model, double weight) {
  const Decomposition found = decompose(model, kRuntime);
  for (const FusedKernel& kernel : found.kernels) {
    if (kernel.type == KernelType::other) continue;
    std::string key = kernel.key();
    if (std::count(key.begin(), key.end(), ',') > 9) continue;  // a rare setting
    const KernelShape shape = read_kernel(key);
    const KernelWork work = work_of(shape);
    if (work.macs > kMostMacs || work.in + work.weights + work.out > kMostNumbers) continue;
    Candidate& one = all[key];
    one.shape = shape;
    one.at = smooth_features(shape);
    one.weight += weight / double(found.kernels.size());
  }
}

double distance(const Candidate& a, const Candidate& b) {
  double square = 0;
  for (std::size_t f = 0; f < kSmoothFeatures; ++f) square += (a.at[f] - b.at[f]) * (a.at[f] - b.at[f]);
  return std::sqrt(square);
}

// The candidate that brings all of its type closest to one that was chosen.
std::map<std::string, Candidate*>::iterator best_of(std::map<std::string, Candidate*>& type) {
  auto best = type.begin();
  double most = -1;
  for (auto tried = type.begin(); tried != type.end(); ++tried) {
    double gain = 0;
    for (const auto& [key, other] : type)
      gain +=
          other->weight * std::max(0.0, other->distance - std::max(kNear, distance(*tried->second, *other)));
    if (gain > most) most = gain, best = tried;
  }
  return best;
}

// For platforms that were timed in training's batches: kernels of one image again, in one of two batches, and
// large matrix products.
std::vector<std::string> in_batches(const std::vector<std::string>& keys) {
  constexpr std::array<KernelType, 5> kTypes = {KernelType::conv, KernelType::dwconv, KernelType::fc,
                                                KernelType::maxpool, KernelType::add};
  std::vector<std::string> all;
  std::array<int, kKernelTypes> seen{};
  for (const std::string& key : keys) {
    const KernelShape kernel = read_kernel(key);
    if (kernel.n != 1 || std::find(kTypes.begin(), kTypes.end(), kernel.type) == kTypes.end()) continue;
    const std::size_t after = std::string(name(kernel.type)).size() + 1;
    const bool large = seen[static_cast<std::size_t>(kernel.type)]++ % 2 == 0;
    all.push_back(key.substr(0, after) + (large ? "128" : "16") + key.substr(after + 1));
  }
  for (const int cin : {512, 2048, 4096})
    for (const int cout : {512, 2048, 4096})
      for (const int n : cin == cout ? std::vector<int>{1, 32, 512} : std::vector<int>{128})
        all.push_back("fc," + std::to_string(n) + ",1,1," + std::to_string(cin) + "," + std::to_string(cout) +
                      ",,,,");
  return all;
}

}  // namespace

void KernelsProbesCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("probes", "kernels that stand for those of networks");
  command->add_option("--models", models, "known networks besides those of the spaces");
  command->add_option("--count", count)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--draws", draws, "networks of each space")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--out", out)->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsProbesCommand::run() const {
  Candidates all;
  for (const char* id : {"nb201", "fbnet", "ofa"}) {
    const Space& of = space(id);
    Rng rng(1);
    for (int i = 0; i < draws; ++i) add(all, read_model(export_onnx(of, of.random(rng))), 1.0 / draws);
  }
  for (const std::string& path : models) {
    const std::string bytes = read_file(path);
    ImportOptions options;
    for (const ModelInput& input : read_inputs(bytes))
      if (!input.shape) options.inputs[input.name] = {1, 3, kPixels, kPixels};
    add(all, read_model(bytes, options), kKnown / double(models.size()));
  }

  std::array<std::map<std::string, Candidate*>, kKernelTypes> types;
  std::array<double, kKernelTypes> needs{};
  for (auto& [key, one] : all) {
    const auto type = static_cast<std::size_t>(one.shape.type);
    types[type].emplace(key, &one);
    needs[type] += one.weight;
  }
  double sum = 0;
  for (double& need : needs) sum += need = std::sqrt(need);
  std::vector<std::string> keys;
  for (std::size_t type = 0; type < kKernelTypes; ++type) {
    const auto share = static_cast<std::size_t>(std::lround(needs[type] / sum * double(count)));
    const std::size_t wanted = std::min(types[type].size(), std::max(kFewestOfType, share));
    for (std::size_t i = 0; i < wanted; ++i) {
      const auto best = best_of(types[type]);
      for (const auto& [key, other] : types[type])
        other->distance = std::min(other->distance, std::max(kNear, distance(*best->second, *other)));
      best->second->weight = 0;
      keys.push_back(best->first);
      types[type].erase(best);
    }
  }
  const auto batches = in_batches(keys);
  std::string text = std::string(kKernelColumns) + "\n";
  for (const auto& some : {keys, batches})
    for (const std::string& key : some) text += key + "\n";
  write_file(out, text);
}

}  // namespace latencast
