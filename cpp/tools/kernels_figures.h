// `latencast kernels figures`: how well platforms are known after few timings, their chip left out of the
// pool; tables of docs/kernels.md.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct KernelsFiguresCommand {
  std::string data, pool = "weights/pool";
  std::string out;                  ///< document with markers; empty: print
  std::vector<std::string> tables;  ///< all there are, if empty
  int seeds = 5;
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
