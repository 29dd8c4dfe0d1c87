// `latencast table`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "latencast/table.h"

namespace latencast {

struct TableCommand {
  TableOptions options;
  EstimateOptions estimate;
  std::string table, measurements;
  std::vector<double> limits_ms;
  std::string quality;
  std::size_t next = 0;
  std::vector<std::size_t> trusted;  ///< from 1
  bool as_json = false;

  void add_to(CLI::App& app);

 private:
  void run() const;
};

}  // namespace latencast
