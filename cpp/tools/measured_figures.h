// `latencast kernels measured`: how well the platforms that the profiler measured are known after few
// timings, their runtime left out of the pool; tables of docs/kernels.md.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct MeasuredFiguresCommand {
  std::string measured = "weights/measured", pool = "weights/pool";
  std::string out;                  ///< document with markers; empty: print
  std::vector<std::string> tables;  ///< all there are, if empty
  int seeds = 2;
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
