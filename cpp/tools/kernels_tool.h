// `latencast kernels`: a model as a runtime executes it, kernel by kernel.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct KernelsCommand {
  std::string model, runtime = "none";
  std::vector<std::string> inputs;
  int batch = 1;
  bool as_json = false;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
