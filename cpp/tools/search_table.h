// Latency-constrained search from the command line, and its table: the device-constraint pairs of HELP
// (arXiv 2106.08630, table 4) and the points that others publish on Pixel 2.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "laboratory.h"
#include "latencast/campaign.h"
#include "latencast/pretrain.h"

namespace latencast {

struct SearchTableOptions {
  LaboratoryOptions laboratory;  ///< its data folder also holds nb201/accuracy.csv
  PretrainOptions pretraining;   ///< of task ND's sources
  CampaignOptions campaign;      ///< its limits are the table's
  int seeds = 5;
};

/// One object per device-constraint pair and one per published point: what was found with at most the
/// budget's measurements on the device for all its limits, beside what is published and the best there is.
nlohmann::json search_table(const SearchTableOptions& options);

/// The same as lines of Markdown.
std::string as_markdown(const nlohmann::json& table);

}  // namespace latencast
