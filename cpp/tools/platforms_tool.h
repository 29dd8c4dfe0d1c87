// `latencast kernels platforms`: how well a few whole models tell the others on a platform that no fleet
// knows, on the boards of ncnn's benchmark, each left out with all that has its chip.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace latencast {

struct PlatformsCommand {
  std::string data;
  std::string out;  ///< document with markers; empty: print
  int seeds = 5;
  bool known_only = false;  ///< not models that no platform measured, which take most of the time
  unsigned threads = 2;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
