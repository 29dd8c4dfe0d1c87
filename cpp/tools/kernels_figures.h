// `latencast kernels figures`: how well platforms are known after few timings, their chip left out of the
// pool; the tables of docs/kernels.md.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct KernelsFiguresCommand {
  std::string data, pool = "weights/pool";
  std::string out;                     ///< document with markers; empty: print
  std::vector<std::string> platforms;  ///< of the table of single platforms, if not all
  std::vector<std::string> methods = {"pool"};
  std::vector<std::size_t> samples = {500};
  int seeds = 5;
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
