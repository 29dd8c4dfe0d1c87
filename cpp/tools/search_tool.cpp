#include "search_tool.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "data.h"
#include "latencast/error.h"
#include "latencast/estimate.h"
#include "options.h"
#include "pretrained.h"

namespace latencast {
namespace {

using nlohmann::json;

// Column `column` of a file with the column `arch`; NaN for architectures it does not have.
std::map<Architecture, double> read_qualities(const std::string& path, const std::string& column,
                                              const Space& space) {
  const CsvTable csv = read_csv(path);
  const std::size_t arch = csv.column("arch"), of_quality = csv.column(column);
  std::map<Architecture, double> qualities;
  for (std::size_t row = 0; row < csv.rows.size(); ++row)
    qualities[space.parse(csv.rows[row][arch])] = csv.number(row, of_quality);
  return qualities;
}

}  // namespace

void SearchCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("search", "the best architectures within latency limits");
  auto* with_weights = command->add_option("--weights", weights, "pre-trained predictor");
  auto* with_measurements =
      command->add_option("--measurements", measurements, "CSV with the columns arch and latency_ms");
  auto* with_limits = command->add_option("--limit", options.limits_ms, "upper limits in ms")->delimiter(',');
  with_weights->needs(with_measurements)->needs(with_limits);
  command->add_option(
      "--accuracy", accuracy,
      "CSV with the column arch and one of what is to be large; absent: multiply-adds stand in");
  command->add_option("--column", column, "that column")->capture_default_str();
  command
      ->add_option("--evaluations", options.evaluations,
                   "architectures looked at where the space is too large to list")
      ->capture_default_str();
  command->add_option("--population", options.population)->capture_default_str();
  command->add_option("--tournament", options.tournament)->capture_default_str();
  command->add_option("--seed", options.seed)->capture_default_str();
  auto* with_table =
      command->add_option("--table", table, "a published table, from task ND's weights and --data");
  with_table->check(CLI::IsMember({"help"}))->excludes(with_weights);
  with_table->needs(
      command->add_option("--data", table_options.laboratory.data, "directory of measured data"));
  command->add_option("--budget", table_options.campaign.budget, "measurements a device, for the table")
      ->capture_default_str();
  command->add_option("--seeds", table_options.seeds, "for the table")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--json", as_json, "print JSON");
  add_options(*command, table_options.pretraining);
  add_options(*command, table_options.laboratory);
  command->callback([this] { run(); });
}

void SearchCommand::run() const {
  if (weights.empty() && table.empty()) throw Error(ErrorCode::argument, "search: give --weights or --table");
  if (table.empty()) return search_on_device();
  const json rows = search_table(table_options);
  std::cout << (as_json ? rows.dump(2) + "\n" : as_markdown(rows));
}

void SearchCommand::search_on_device() const {
  const Predictor base = read_weights(weights);
  const Space& space = base.space();
  const auto target = read_target(measurements, space);
  const Predictor adapted = base.has_prior() ? estimate(base, target) : transfer(base, target, {});
  SearchOptions search_options = options;
  Estimate quality = [&space](const std::vector<Architecture>& all) {
    std::vector<double> values;
    for (const auto& one : all) values.push_back(1e-6 * static_cast<double>(space.macs(one)));
    return values;
  };
  std::map<Architecture, double> known;
  if (!accuracy.empty()) {
    known = read_qualities(accuracy, column, space);
    quality = [&known](const std::vector<Architecture>& all) {
      std::vector<double> values;
      for (const auto& one : all) {
        const auto found = known.find(one);
        values.push_back(found == known.end() ? std::nan("") : found->second);
      }
      return values;
    };
    // Of a space too large to list, those of the file are all that can be chosen.
    if (space.size() == 0) {
      for (const auto& one : known) search_options.start.push_back(one.first);
      search_options.evaluations = static_cast<int>(known.size());
    }
  }
  Search search(adapted, quality, search_options);
  while (search.step()) {
  }
  const auto best = search.best();
  json result = json::array();
  if (!as_json) std::printf("limit_ms,arch,latency_ms,quality\n");
  for (std::size_t i = 0; i < best.size(); ++i) {
    result.push_back({{"limit_ms", options.limits_ms[i]}, {"best", nullptr}});
    if (best[i])
      result.back()["best"] = {{"arch", best[i]->architecture},
                               {"latency_ms", best[i]->latency_ms},
                               {"quality", best[i]->quality}};
    if (as_json) continue;
    std::printf("%.9g", options.limits_ms[i]);
    if (best[i])
      std::printf(",%s,%.9g,%.9g\n", best[i]->architecture.c_str(), best[i]->latency_ms, best[i]->quality);
    else
      std::printf(",,,\n");
  }
  if (as_json) std::cout << result.dump(2) << "\n";
}

}  // namespace latencast
