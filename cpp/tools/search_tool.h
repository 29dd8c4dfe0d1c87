// `latencast search`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "latencast/search.h"
#include "latencast/transfer.h"
#include "search_table.h"

namespace latencast {

struct SearchCommand {
  SearchOptions options;
  SearchTableOptions table_options;
  std::string weights, measurements, accuracy, column = "test_acc_cifar100", table;
  bool as_json = false;

  void add_to(CLI::App& app);

 private:
  void run() const;
  void search_on_device() const;
};

}  // namespace latencast
