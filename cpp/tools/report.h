// `latencast report`: writes the tables of docs/results.md from the figures that `evaluate` and `ablate` have
// left.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "ablate.h"
#include "laboratory.h"
#include "latencast/pretrain.h"

namespace latencast {

struct ReportCommand {
  PretrainOptions pretraining;  ///< of the tasks' tables
  AblationBudget budget;
  LaboratoryOptions laboratory;
  std::string out;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
