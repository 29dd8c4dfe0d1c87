#include "ablate.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <set>

#include "latencast/error.h"
#include "options.h"
#include "pretrained.h"

namespace latencast {
namespace {

using nlohmann::json;

// One row of a table: what it does to the default options.
struct Variant {
  std::string label;
  std::function<void(PretrainOptions&, EvaluateOptions&)> change;
};

struct Question {
  const char* name;
  const char* caption;
  std::vector<Variant> variants;
};

std::vector<Variant> gnn_variants() {
  std::vector<Variant> variants;
  for (const char* gnn : {"dgf", "gat", "ensemble"})
    variants.push_back({gnn, [gnn](PretrainOptions& p, EvaluateOptions&) { p.gnn = gnn; }});
  return variants;
}

std::vector<Variant> depth_variants() {
  std::vector<Variant> variants;
  for (const auto& [stage1, stage2] : {std::pair{1, 1}, {2, 2}, {2, 3}, {3, 3}, {4, 4}})
    variants.push_back({std::to_string(stage1) + " and " + std::to_string(stage2) + " layers",
                        [stage1 = stage1, stage2 = stage2](PretrainOptions& p, EvaluateOptions&) {
                          p.stage1_layers = stage1;
                          p.stage2_layers = stage2;
                        }});
  return variants;
}

std::vector<Variant> width_variants() {
  std::vector<Variant> variants;
  for (const int width : {10, 20, 40, 80})
    variants.push_back({"operation embedding " + std::to_string(width),
                        [width](PretrainOptions& p, EvaluateOptions&) { p.operation_width = width; }});
  for (const int width : {32, 64, 128})
    variants.push_back({"node state " + std::to_string(width),
                        [width](PretrainOptions& p, EvaluateOptions&) { p.state_width = width; }});
  return variants;
}

std::vector<Variant> hardware_variants() {
  std::vector<Variant> variants;
  for (const char* place : {"operation", "head"})
    for (const bool from_nearest : {true, false})
      for (const int width : {2, 4, 8, 16})
        variants.push_back({std::string(place) + ", " + (from_nearest ? "correlation" : "random") + ", " +
                                std::to_string(width) + "-d",
                            [=](PretrainOptions& p, EvaluateOptions& e) {
                              p.hardware_place = place;
                              p.hardware_width = width;
                              e.transfer.init = from_nearest ? "correlation" : "random";
                            }});
  return variants;
}

std::vector<Variant> encoding_variants() {
  std::vector<Variant> variants;
  for (const Encoding encoding :
       {Encoding::none, Encoding::arch2vec, Encoding::cate, Encoding::zcp, Encoding::caz})
    variants.push_back(
        {name_of(encoding), [encoding](PretrainOptions& p, EvaluateOptions&) { p.supplement = encoding; }});
  return variants;
}

std::vector<Variant> sampler_variants() {
  std::vector<Variant> variants;
  for (const auto& sampler : evaluation_samplers())
    variants.push_back({sampler, [sampler](PretrainOptions&, EvaluateOptions& e) { e.sampler = sampler; }});
  return variants;
}

std::vector<Variant> source_sample_variants(std::size_t by_default) {
  std::vector<Variant> variants;
  for (const std::size_t samples : std::set<std::size_t>{16, 64, 256, 1000, 4000, by_default})
    variants.push_back(
        {std::to_string(samples), [samples](PretrainOptions& p, EvaluateOptions&) { p.samples = samples; }});
  return variants;
}

std::vector<Variant> invented_variants() {
  std::vector<Variant> variants;
  for (const int count : {0, 16, 64, 256})
    variants.push_back(
        {std::to_string(count), [count](PretrainOptions& p, EvaluateOptions&) { p.invented = count; }});
  return variants;
}

std::vector<Variant> k_variants() {
  std::vector<Variant> variants;
  for (const std::size_t samples : {5, 10, 20, 50, 100})
    variants.push_back({"k = " + std::to_string(samples),
                        [samples](PretrainOptions&, EvaluateOptions& e) { e.samples = samples; }});
  return variants;
}

std::vector<Variant> transfer_variants() {
  return {
      {"default", [](PretrainOptions&, EvaluateOptions&) {}},
      {"as published", [](PretrainOptions&, EvaluateOptions& e) { e.method = "finetune-published"; }},
      {"random start", [](PretrainOptions&, EvaluateOptions& e) { e.transfer.init = "random"; }},
      {"margin 0.1", [](PretrainOptions&, EvaluateOptions& e) { e.transfer.log_ratio_margin = false; }},
      {"3e-4 for all devices", [](PretrainOptions&, EvaluateOptions& e) { e.transfer.learning_rate = 3e-4; }},
      {"1e-3 for all devices", [](PretrainOptions&, EvaluateOptions& e) { e.transfer.learning_rate = 1e-3; }},
      {"10 epochs", [](PretrainOptions&, EvaluateOptions& e) { e.transfer.epochs = 10; }},
      {"80 epochs", [](PretrainOptions&, EvaluateOptions& e) { e.transfer.epochs = 80; }}};
}

std::vector<Question> questions(const AblationBudget& budget) {
  return {{"gnn", "Graph layers", gnn_variants()},
          {"depth", "Layers of the first and the second stage", depth_variants()},
          {"width", "Width of an operation's embedding, and of a node's state", width_variants()},
          {"hardware", "Where the device embedding acts, what a new one starts from, and its width",
           hardware_variants()},
          {"encodings", "Supplementary encoding", encoding_variants()},
          {"samplers", "Choice of the architectures to measure", sampler_variants()},
          {"source-samples", "Architectures known of each source device",
           source_sample_variants(budget.source_samples)},
          {"invented", "Invented devices to learn from besides the real ones", invented_variants()},
          {"k", "Measurements of the new device", k_variants()},
          {"transfer", "Settings of the fine-tuning", transfer_variants()}};
}

Question question(const std::string& name, const AblationBudget& budget) {
  for (const Question& one : questions(budget))
    if (name == one.name) return one;
  std::string known;
  for (const auto& one : ablation_names()) known += (known.empty() ? "" : ", ") + one;
  throw Error(ErrorCode::argument, "ablate: found table \"" + name + "\"; expected one of " + known);
}

}  // namespace

void add_options(CLI::App& command, AblationBudget& budget) {
  std::vector<std::string> tasks;
  for (const auto& task : all_tasks()) tasks.push_back(task.name);
  command.add_option("--tasks", budget.tasks, "of the ablations")
      ->delimiter(',')
      ->check(CLI::IsMember(tasks))
      ->capture_default_str();
  command.add_option("--ablation-samples", budget.source_samples, "architectures per source device")
      ->capture_default_str();
  command.add_option("--ablation-steps", budget.steps, "of pre-training")->capture_default_str();
  command
      .add_option("--ablation-scores", budget.scored_at_most,
                  "architectures to score, drawn at random; 0: all that are not measured")
      ->capture_default_str();
  command.add_option("--seeds", budget.seeds)->check(CLI::PositiveNumber)->capture_default_str();
}

const std::vector<std::string>& ablation_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Question& one : questions({})) all.emplace_back(one.name);
    return all;
  }();
  return names;
}

AblationTable ablation_table(const std::string& name, const AblationBudget& budget) {
  const Question asked = question(name, budget);
  AblationTable table;
  table.name = asked.name;
  table.caption = std::string(asked.caption) + ". One pre-training with " +
                  std::to_string(budget.source_samples) + " architectures of each source device and " +
                  std::to_string(budget.steps) + " steps, " + std::to_string(budget.seeds) + " transfers";
  if (budget.scored_at_most > 0)
    table.caption += ", " + std::to_string(budget.scored_at_most) + " architectures scored";
  table.caption += ".";
  for (const Variant& variant : asked.variants) {
    AblationRow row{variant.label, {}};
    for (const auto& task : budget.tasks) {
      Experiment experiment{task, {}, {}};
      experiment.pretraining.samples = budget.source_samples;
      experiment.pretraining.steps = budget.steps;
      experiment.evaluation.method = "finetune";
      experiment.evaluation.scored_at_most = budget.scored_at_most;
      const Experiment by_default = experiment;
      variant.change(experiment.pretraining, experiment.evaluation);
      if (describe(experiment.pretraining) == describe(by_default.pretraining) &&
          describe(experiment.evaluation) == describe(by_default.evaluation))
        table.default_row = table.rows.size();
      row.experiments.push_back(std::move(experiment));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

json difference(const std::vector<json>& row, const std::vector<json>& other) {
  const auto by_seed = [](const std::vector<json>& tasks) {
    std::vector<double> values(tasks.front().at("spearman_by_seed").size(), 0.0);
    for (const json& task : tasks)
      for (std::size_t seed = 0; seed < values.size(); ++seed)
        values[seed] += task.at("spearman_by_seed").at(seed).get<double>() / double(tasks.size());
    return values;
  };
  auto values = by_seed(row);
  const auto base = by_seed(other);
  for (std::size_t seed = 0; seed < values.size(); ++seed) values[seed] -= base[seed];
  return mean_and_std(values);
}

std::string device_kind(const std::string& device) {
  const auto has = [&](const char* part) { return device.find(part) != std::string::npos; };
  if (has("hexagon")) return "DSP";
  if (has("edgetpu")) return "TPU";
  if (has("fpga") || has("eyeriss")) return "FPGA, ASIC";
  if (has("snapdragon") || has("pixel") || has("samsung") || has("essential")) return "phone";
  if (has("silver") || has("gold") || has("core_i7") || has("raspi")) return "CPU";
  return "GPU";
}

void AblateCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("ablate", "what each part of the method is worth");
  command->add_option("--data", laboratory.data, "directory of measured data")->required();
  command->add_option("--table", tables, "one or several; all if absent")
      ->delimiter(',')
      ->check(CLI::IsMember(ablation_names()));
  command->add_flag("--json", as_json, "print JSON");
  add_options(*command, budget);
  add_options(*command, laboratory);
  command->callback([this] { run(); });
}

void AblateCommand::run() const {
  Laboratory workplace(laboratory);
  std::vector<AblationTable> asked;
  std::vector<Experiment> experiments;
  for (const auto& name : tables.empty() ? ablation_names() : tables) {
    asked.push_back(ablation_table(name, budget));
    for (const AblationRow& row : asked.back().rows)
      experiments.insert(experiments.end(), row.experiments.begin(), row.experiments.end());
  }
  const auto figures = workplace.run(experiments, budget.seeds);

  json result = json::array();
  auto next = figures.begin();
  for (const AblationTable& table : asked) {
    std::vector<std::vector<json>> rows;
    for (const AblationRow& row : table.rows) {
      const auto count = static_cast<std::ptrdiff_t>(row.experiments.size());
      rows.emplace_back(next, next + count);
      next += count;
    }
    json printed = {{"table", table.name}, {"caption", table.caption}, {"rows", json::array()}};
    for (std::size_t r = 0; r < rows.size(); ++r)
      printed["rows"].push_back({{"row", table.rows[r].label},
                                 {"default", r == table.default_row},
                                 {"difference", difference(rows[r], rows[table.default_row])},
                                 {"tasks", rows[r]}});
    result.push_back(std::move(printed));
  }
  if (as_json) {
    std::cout << result.dump(2) << "\n";
    return;
  }
  for (const json& table : result) {
    std::printf("%s: %s\n", table.at("table").get<std::string>().c_str(),
                table.at("caption").get<std::string>().c_str());
    for (const json& row : table.at("rows")) {
      std::printf("  %-32s", row.at("row").get<std::string>().c_str());
      for (const json& task : row.at("tasks"))
        std::printf("  %s %.3f+-%.3f", task.at("task").get<std::string>().c_str(),
                    task.at("spearman").at("mean").get<double>(),
                    task.at("spearman").at("std").get<double>());
      std::printf("  difference %+.3f+-%.3f\n", row.at("difference").at("mean").get<double>(),
                  row.at("difference").at("std").get<double>());
    }
  }
}

}  // namespace latencast
