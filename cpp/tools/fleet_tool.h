// `latencast kernels learn-fleet`: what whole models say of many platforms, as a file.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct LearnFleetCommand {
  std::string data, out;
  std::vector<std::string> without;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
