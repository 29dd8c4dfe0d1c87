// `latencast kernels figures`: how well platforms are known after few timings, their chip left out of the
// pool; tables of docs/kernels.md.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "options.h"

namespace latencast {

struct KernelsFiguresCommand : PoolFigures {
  std::string data;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
