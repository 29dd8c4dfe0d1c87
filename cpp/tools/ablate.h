// `latencast ablate`: what each part of the method is worth, one table for each question.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "laboratory.h"

namespace latencast {

/// How much is spent on every row: less than on the predictors that are shipped, so that all tables are
/// affordable.
struct AblationBudget {
  std::vector<std::string> tasks = {"ND", "N2", "F2", "FA"};
  std::size_t source_samples = 512;
  int steps = 1500;  ///< of pre-training
  std::size_t scored_at_most = 1000;
  int seeds = 5;  ///< transfers of each row, from one pre-training
};

void add_options(CLI::App& command, AblationBudget& budget);

struct AblationRow {
  std::string label;
  std::vector<Experiment> experiments;  ///< one for each task of the budget
};

struct AblationTable {
  std::string name;     ///< e.g. "gnn"
  std::string caption;  ///< what is varied, and with which budget
  std::vector<AblationRow> rows;
  std::size_t default_row = 0;  ///< the one in which nothing is changed
};

/// Names of all tables.
const std::vector<std::string>& ablation_names();

AblationTable ablation_table(const std::string& name, const AblationBudget& budget);

/// Differences of Spearman's correlation, averaged over tasks, between a row and another, by seed: mean and
/// standard deviation. row, other: figures of each task by the laboratory.
nlohmann::json difference(const std::vector<nlohmann::json>& row, const std::vector<nlohmann::json>& other);

/// GPU, CPU, phone, DSP, TPU or FPGA, ASIC: by a device's name.
std::string device_kind(const std::string& device);

struct AblateCommand {
  AblationBudget budget;
  LaboratoryOptions laboratory;
  std::vector<std::string> tables;
  bool as_json = false;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
