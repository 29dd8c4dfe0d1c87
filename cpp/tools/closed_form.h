// `latencast closed-form`: the tables of docs/closed-form.md.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace latencast {

struct ClosedFormCommand {
  std::string data;
  std::string out;                  ///< document with markers; empty: print
  std::vector<std::string> tables;  ///< all that the document has, or all there are, if empty
  int seeds = 10;
  unsigned threads = 2;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
