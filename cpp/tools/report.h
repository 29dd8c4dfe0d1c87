// `latencast report`: writes the tables of docs/results.md from the figures that `evaluate` and `ablate` have
// left.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "ablate.h"
#include "laboratory.h"
#include "latencast/pretrain.h"

namespace latencast {

/// The text with everything between each pair of lines `<!-- table: NAME -->` and `<!-- end -->` replaced by
/// table(NAME), a Markdown table. Throws `argument` where a marker has no end.
std::string with_tables(const std::string& text,
                        const std::function<std::string(const std::string& name)>& table);

struct ReportCommand {
  PretrainOptions pretraining;  ///< of the tasks' tables
  AblationBudget budget;
  LaboratoryOptions laboratory;
  std::string out;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
