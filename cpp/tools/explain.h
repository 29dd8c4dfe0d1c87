// `latencast explain`: one architecture from its text to milliseconds, step by step, with the numbers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace latencast {

struct ExplainCommand {
  std::string weights, architecture;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
