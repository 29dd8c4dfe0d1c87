#include "table_tool.h"

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "csv.h"
#include "data.h"
#include "latencast/error.h"

namespace latencast {
namespace {

using nlohmann::json;

json to_json(const Review& review) {
  json doubts = json::array();
  for (const Doubt& doubt : review.doubts) {
    json measurements = json::array();
    for (const std::size_t i : doubt.measurements) measurements.push_back(i + 1);
    doubts.push_back({{"kind", name_of(doubt.kind)},
                      {"measurements", measurements},
                      {"message", doubt.message},
                      {"factor", doubt.factor},
                      {"set_aside", doubt.set_aside}});
  }
  json likenesses = json::array();
  for (const auto& one : review.likenesses)
    likenesses.push_back({{"device", one.device}, {"probability", one.probability}});
  return {{"expected_spearman", review.expected_spearman},
          {"expected_error", review.expected_error},
          {"noise", review.noise},
          {"timer_unit_ms", review.timer_unit_ms},
          {"likenesses", likenesses},
          {"doubts", doubts}};
}

void print_review(const Review& review, std::size_t measurements) {
  std::fprintf(stderr, "from %zu measurements: expected rank correlation %.3f, median error %.1f %%\n",
               measurements, review.expected_spearman, 100 * review.expected_error);
  for (const Doubt& doubt : review.doubts)
    std::fprintf(stderr, "%s%s\n", doubt.message.c_str(), doubt.set_aside ? " (set aside)" : "");
}

}  // namespace

void TableCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand(
      "table",
      "a search space of one's own: latency of every row of a table on a new device, as CSV; what is odd, "
      "what to measure next and the best rows on the standard error");
  command
      ->add_option("--table", table,
                   "CSV with a row for each architecture: its name (column name, arch or id; else its "
                   "number), columns that describe it, and latencies of known devices (--devices, or columns "
                   "latency_ms:NAME)")
      ->required();
  command->add_option("--measurements", measurements,
                      "CSV with the names and latency_ms; absent: what is believed of any device");
  command->add_option("--devices", options.devices, "columns with latencies of known devices, in ms")
      ->delimiter(',');
  command->add_option("--ignore", options.ignored, "columns that do not describe an architecture")
      ->delimiter(',');
  command->add_option("--trust", trusted, "measurements never to be set aside, from 1")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--next", next, "how many rows to propose for measuring")->capture_default_str();
  auto* with_limit =
      command->add_option("--limit", limits_ms, "upper limits in ms; needs --quality")->delimiter(',');
  auto* with_quality = command->add_option(
      "--quality", quality, "column of what is to be large; it is not taken for a description");
  with_limit->needs(with_quality);
  command->add_flag("--json", as_json, "print JSON");
  command->callback([this] { run(); });
}

void TableCommand::run() const {
  TableOptions reading = options;
  reading.path = table;
  if (!quality.empty()) reading.qualities.push_back(quality);
  EstimateOptions chosen = estimate;
  for (const std::size_t i : trusted) chosen.trusted.push_back(i - 1);
  const auto space = std::make_shared<const TableSpace>(read_table(read_file(table), reading));
  const auto& names = space->table().names;
  const TableEstimate estimated(
      space,
      measurements.empty() ? std::vector<Measurement>()
                           : read_table_measurements(read_file(measurements), space->table(), measurements),
      chosen);
  const Review said = estimated.review();
  const Suggestion suggestion = next > 0 ? estimated.suggest(next) : Suggestion();
  const auto best =
      limits_ms.empty() ? std::vector<std::optional<std::size_t>>() : estimated.best(quality, limits_ms);
  std::vector<Belief::Interval> intervals;
  const double reach = normal_reach(0.9);
  for (const Belief& belief : estimated.beliefs()) intervals.push_back(belief.within(reach));
  if (as_json) {
    json rows = json::array(), proposed = json::array(), found = json::array();
    for (std::size_t i = 0; i < names.size(); ++i)
      rows.push_back({{"name", names[i]},
                      {"latency_ms", intervals[i].median},
                      {"low_ms", intervals[i].low},
                      {"high_ms", intervals[i].high}});
    for (const std::size_t row : suggestion.chosen) proposed.push_back(names[row]);
    for (std::size_t i = 0; i < best.size(); ++i) {
      found.push_back({{"limit_ms", limits_ms[i]}, {"best", nullptr}});
      if (best[i]) found.back()["best"] = rows[*best[i]];
    }
    std::cout << json{{"estimates", rows},
                      {"review", to_json(said)},
                      {"next", {{"names", proposed}, {"worth", suggestion.worth}}},
                      {"best", found}}
                     .dump(2)
              << "\n";
    return;
  }
  std::printf("name,latency_ms,low_ms,high_ms\n");
  for (std::size_t i = 0; i < names.size(); ++i)
    std::printf("%s,%.9g,%.9g,%.9g\n", csv_field(names[i]).c_str(), intervals[i].median, intervals[i].low,
                intervals[i].high);
  print_review(said, estimated.measurements().size());
  if (next > 0) {
    std::string proposed;
    for (const std::size_t row : suggestion.chosen)
      proposed += (proposed.empty() ? "" : ", ") + csv_field(names[row]);
    std::fprintf(stderr, "measure next: %s (lets expect an error smaller by %.0f %%)\n", proposed.c_str(),
                 100 * suggestion.worth);
  }
  for (std::size_t i = 0; i < best.size(); ++i) {
    if (best[i])
      std::fprintf(stderr, "best within %g ms: %s, %.4g ms\n", limits_ms[i], names[*best[i]].c_str(),
                   intervals[*best[i]].median);
    else
      std::fprintf(stderr, "best within %g ms: no row is that fast\n", limits_ms[i]);
  }
}

}  // namespace latencast
