// `latencast kernels learn`, `coverage` and the reading of what they wrote.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "latencast/pool.h"

namespace latencast {

struct KernelsLearnCommand {
  std::string data, measured = "weights/measured", out = "weights/pool";
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

struct KernelsCoverageCommand {
  std::string pool = "weights/pool";

  void add_to(CLI::App& kernels);
  void run() const;
};

/// Every platform of a folder's index.json.
std::vector<PoolPlatform> read_pool(const std::string& folder);

}  // namespace latencast
