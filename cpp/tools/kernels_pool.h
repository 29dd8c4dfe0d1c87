// `latencast kernels learn`, `index`, `coverage` and the reading of what they wrote.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "latencast/pool.h"

namespace latencast {

struct KernelsLearnCommand {
  std::string data, out = "weights/pool";
  std::string measured = "weights/measured";
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

struct KernelsIndexCommand {
  std::string pool = "weights/pool";

  void add_to(CLI::App& kernels);
  void run() const;
};

struct KernelsCoverageCommand {
  std::string pool = "weights/pool";

  void add_to(CLI::App& kernels);
  void run() const;
};

/// Keys of the kernels in a folder's probes.csv, by which its platforms are compared (PoolIndex).
std::vector<std::string> read_probes(const std::string& folder);

/// Every platform of a folder's index.json, but those of one source.
std::vector<PoolPlatform> read_pool(const std::string& folder, const std::string& but_of = {});

}  // namespace latencast
