// `latencast kernels measured`: how well the platforms that the profiler measured are known after few
// timings, their runtime left out of the pool; tables of docs/kernels.md.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "options.h"

namespace latencast {

struct MeasuredFiguresCommand : PoolFigures {
  std::string measured = "weights/measured";

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
