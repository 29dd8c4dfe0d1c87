#pragma once

#include <string>
#include <vector>

namespace latencast {

struct ClosedFormOptions {
  std::string data;
  std::vector<std::string> tasks;  ///< all if empty
  std::vector<std::size_t> samples = {5, 10, 20};
  int seeds = 10;
  unsigned threads = 2;
};

void run_closed_form(const ClosedFormOptions& options);

}  // namespace latencast
