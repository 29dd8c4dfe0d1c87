// `latencast kernels probes`: the few kernels that are timed on every platform to tell which are alike.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct KernelsProbesCommand {
  std::vector<std::string> models;
  std::string out = "weights/pool/probes.csv";
  std::size_t count = 96;
  int draws = 60;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
