// `latencast kernels choose`: which kernels of a list to time.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace latencast {

/// The kernels that say most of whole networks, as CSV, the most telling first.
struct KernelsChooseCommand {
  std::string kernels, pool = "weights/pool", out;
  std::vector<std::string> models;
  std::size_t count = 200;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
