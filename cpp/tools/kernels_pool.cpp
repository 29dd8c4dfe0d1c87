#include "kernels_pool.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>

#include "data.h"
#include "jobs.h"
#include "kernel_data.h"
#include "latencast/error.h"
#include "measured.h"

namespace latencast {
namespace {

constexpr const char *kIndex = "index.json", *kProbes = "probes.csv", *kExtension = ".latencast";

std::string file_of(const std::string& id) { return id + kExtension; }

void write_index(const std::string& folder, const std::vector<PoolPlatform>& pool) {
  write_file((std::filesystem::path(folder) / kIndex).string(), PoolIndex(read_probes(folder), pool).write());
}

}  // namespace

void KernelsLearnCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("learn", "a pool of platforms from measured kernels");
  command->add_option(
      "--data", data,
      "folder of public data sets, uncompressed; without it their platforms stay as they are");
  command->add_option("--measured", measured, "folder of what the profiler measured")->capture_default_str();
  command->add_option("--out", out, "folder to write to")->capture_default_str();
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsLearnCommand::run() const {
  struct Source {
    PoolEntry entry;
    std::vector<KernelTiming> timings;
    std::vector<ModelMeasurement> models;
  };
  std::vector<Source> sources;
  for (const Timed timed : {Timed::alone, Timed::inside}) {
    const Measured own = read_measured(measured, timed);
    NetworksInParts networks(own.networks);
    for (const MeasuredPlatform& one : own.platforms)
      sources.push_back({one.entry, one.timings, networks.measured_on(one)});
  }
  if (!data.empty())
    for (TimedPlatform& one : read_kernel_data(data))
      sources.push_back({one.entry, std::move(one.timings), {}});
  if (sources.empty())
    throw Error(ErrorCode::argument, "learn: found no platform in " +
                                         (data.empty() ? measured : data + " and " + measured) +
                                         "; tables of the profiler or a known data set expected");
  std::vector<PoolPlatform> pool;
  if (data.empty()) {
    pool = read_pool(out, kMeasured);
    std::set<std::string> kept = {kIndex, kProbes};
    for (const PoolPlatform& one : pool) kept.insert(file_of(one.entry().id));
    for (const auto& file : std::filesystem::directory_iterator(out))
      if (kept.count(file.path().filename().string()) == 0) std::filesystem::remove(file);
  }
  std::filesystem::create_directories(out);
  std::vector<std::optional<PoolPlatform>> learnt(sources.size());
  run_jobs("platforms", sources.size(), threads, [&](std::size_t i) {
    learnt[i] = learn_platform(sources[i].entry, sources[i].timings, sources[i].models);
    write_file((std::filesystem::path(out) / file_of(sources[i].entry.id)).string(), learnt[i]->write());
  });
  for (auto& one : learnt) pool.push_back(*one);
  std::sort(pool.begin(), pool.end(),
            [](const PoolPlatform& a, const PoolPlatform& b) { return a.entry().id < b.entry().id; });
  write_index(out, pool);
}

void KernelsIndexCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("index", "index.json of the platforms that lie in a folder");
  command->add_option("--pool", pool, "the folder, with probes.csv")->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsIndexCommand::run() const {
  std::vector<std::string> files;
  for (const auto& one : std::filesystem::directory_iterator(pool))
    if (one.path().extension() == kExtension) files.push_back(one.path().string());
  std::sort(files.begin(), files.end());
  std::vector<PoolPlatform> platforms;
  for (const std::string& file : files) platforms.emplace_back(read_file(file));
  write_index(pool, platforms);
}

void KernelsCoverageCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("coverage", "what the pool's platforms were timed on");
  command->add_option("--pool", pool, "its folder")->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsCoverageCommand::run() const {
  const auto platforms = read_pool(pool);
  std::array<bool, kKernelTypes> used{};
  for (const PoolPlatform& one : platforms)
    for (std::size_t type = 0; type < kKernelTypes; ++type)
      used[type] = used[type] || one.entry().timings[type] > 0;
  std::printf("%-52s", "platform");
  for (std::size_t type = 0; type < kKernelTypes; ++type)
    if (used[type]) std::printf(" %9s", name(static_cast<KernelType>(type)));
  for (const PoolPlatform& one : platforms) {
    std::printf("\n%-52s", one.entry().id.c_str());
    for (std::size_t type = 0; type < kKernelTypes; ++type)
      if (used[type]) std::printf(" %9d", one.entry().timings[type]);
  }
  std::printf("\n%zu platforms\n", platforms.size());
}

std::vector<std::string> read_probes(const std::string& folder) {
  const CsvTable table = read_csv((std::filesystem::path(folder) / kProbes).string());
  std::vector<std::string> keys;
  for (const auto& row : table.rows) {
    std::string key;
    for (const std::string& field : row) key += (key.empty() ? "" : ",") + field;
    keys.push_back(key);
  }
  return keys;
}

std::vector<PoolPlatform> read_pool(const std::string& folder, const std::string& but_of) {
  const auto path = std::filesystem::path(folder);
  const PoolIndex index(read_file((path / kIndex).string()));
  std::vector<PoolPlatform> pool;
  for (const PoolEntry& one : index.platforms())
    if (one.source != but_of) pool.emplace_back(read_file((path / file_of(one.id)).string()));
  return pool;
}

}  // namespace latencast
