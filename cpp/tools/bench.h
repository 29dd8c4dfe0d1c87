// `latencast bench`: how fast the engine is on this machine.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace latencast {

struct BenchCommand {
  std::string weights, encoders = "weights";
  std::size_t architectures = 5000;
  int repetitions = 5;
  bool as_json = false;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
