#include "report.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "data.h"
#include "latencast/error.h"
#include "markdown.h"
#include "options.h"

namespace latencast {
namespace {

using nlohmann::json;

// Spearman at k = 20 as others give it. Published: NASFLAT's table of the twelve tasks (arXiv 2403.02446),
// scored on 128 architectures and, for N1-N4 and NA, on device sets of which some are not public. Rerun: the
// authors' program under the clean protocol, 2 seeds.
struct Reference {
  const char* task;
  const char* help;
  const char* multipredict;
  const char* nasflat;
  const char* rerun;
};
constexpr Reference kReferences[] = {
    {"ND", ".948", ".930", ".959", ".947"}, {"N1", ".604", ".907", ".967", ""},
    {"N2", ".509", ".757", ".857", ""},     {"N3", ".729", ".947", ".962", ""},
    {"N4", ".746", ".952", ".959", ""},     {"NA", ".410", ".820", ".893", ""},
    {"FD", ".910", ".960", ".961", ".931"}, {"F1", ".793", ".756", ".809", ".815"},
    {"F2", ".543", ".567", ".871", ".827"}, {"F3", ".413", ".434", ".814", ".782"},
    {"F4", ".799", ".763", ".734", ".766"}, {"FA", ".370", ".450", ".577", ".577"}};

constexpr const char* kUnknown = "-";

std::string with_spread(const json& figure, const char* sign = "") {
  const double mean = figure.at("mean").get<double>();
  return (mean > 0 ? sign : "") + number_with_spread(mean, figure.at("std").get<double>());
}

std::string percent(const json& figure) { return number(100 * figure.at("mean").get<double>(), 1) + " %"; }

// Writes tables and remembers what went into the one at hand.
class Writer {
 public:
  Writer(const ReportCommand& command, Laboratory& laboratory) : command_(command), laboratory_(laboratory) {}

  std::string table(const std::string& name) {
    dates_.clear();
    machines_.clear();
    std::string text = body(name);
    if (dates_.empty()) return text;
    const auto [first, last] = std::minmax_element(dates_.begin(), dates_.end());
    text += "\nMeasured " + *first + (*first == *last ? "" : " to " + *last) + " on " + joined(machines_) +
            ": `" + source_ + "`.\n";
    return text;
  }

 private:
  std::string body(const std::string& name) {
    if (name == "tasks") return tasks();
    if (name == "targets") return targets();
    if (name == "combined") return combined();
    if (name == "milliseconds") return milliseconds();
    if (name == "device-kinds") return device_kinds();
    for (const std::size_t k : {5, 10, 20})
      if (name == "baselines-" + std::to_string(k)) return baselines(k);
    const auto& ablations = ablation_names();
    if (std::find(ablations.begin(), ablations.end(), name) != ablations.end()) return ablation(name);
    throw Error(ErrorCode::argument,
                command_.out + ": found a marker for table \"" + name +
                    "\"; expected tasks, targets, combined, milliseconds, baselines-5, -10, -20, "
                    "device-kinds or an ablation's name");
  }

  // Figures of experiments; null where there are none, or no data for them.
  std::vector<json> known(const std::vector<Experiment>& experiments) {
    std::vector<json> figures;
    for (const Experiment& one : experiments)
      figures.push_back(laboratory_.is_possible(one) ? laboratory_.known({one}, command_.budget.seeds).front()
                                                     : json());
    for (const json& one : figures) {
      if (one.is_null()) continue;
      dates_.push_back(one.at("date").get<std::string>());
      const auto machine = one.at("machine").get<std::string>();
      if (std::find(machines_.begin(), machines_.end(), machine) == machines_.end())
        machines_.push_back(machine);
    }
    return figures;
  }

  json known(const Task& task, const std::string& method, std::size_t samples,
             const std::string& sampler = EvaluateOptions().sampler) {
    EvaluateOptions evaluation;
    evaluation.method = method;
    evaluation.samples = samples;
    evaluation.sampler = sampler;
    return known({{task.name, command_.pretraining, evaluation}}).front();
  }

  std::string spearman(const Task& task, const std::string& method, std::size_t samples) {
    const json figures = known(task, method, samples);
    return figures.is_null() ? kUnknown : with_spread(figures.at("spearman"));
  }

  void evaluated_by(const std::string& options) {
    source_ = "latencast evaluate --task ALL --data DIR --seeds " + std::to_string(command_.budget.seeds) +
              unless_default("steps", command_.pretraining.steps, PretrainOptions().steps) + options;
  }

  std::string tasks() {
    evaluated_by(" --samples 5,10,20 --method finetune");
    std::vector<Cells> rows;
    for (const Task& task : all_tasks()) {
      Cells row = {task.name};
      for (const std::size_t k : {5, 10, 20}) row.push_back(spearman(task, "finetune", k));
      const auto found = std::find_if(std::begin(kReferences), std::end(kReferences),
                                      [&](const Reference& one) { return one.task == task.name; });
      for (const auto member :
           {&Reference::rerun, &Reference::nasflat, &Reference::multipredict, &Reference::help}) {
        const std::string given = found == std::end(kReferences) ? "" : (*found).*member;
        row.push_back(given.empty() ? kUnknown : given);
      }
      rows.push_back(std::move(row));
    }
    return markdown({"task", "ours, k = 5", "k = 10", "**k = 20**", "NASFLAT rerun", "NASFLAT published",
                     "MultiPredict published", "HELP published"},
                    rows);
  }

  std::string baselines(std::size_t k) {
    evaluated_by(" --samples " + std::to_string(k) + " --method " + joined(evaluation_methods(), ","));
    Cells header = {"task, k = " + std::to_string(k)};
    for (const auto& method : evaluation_methods()) header.push_back("`" + method + "`");
    std::vector<Cells> rows;
    for (const Task& task : all_tasks()) {
      rows.push_back({task.name});
      for (const auto& method : evaluation_methods()) rows.back().push_back(spearman(task, method, k));
    }
    return markdown(header, rows);
  }

  std::string milliseconds() {
    evaluated_by(" --method finetune");
    std::vector<Cells> rows;
    for (const Task& task : all_tasks()) {
      const json figures = known(task, "finetune", 20);
      if (figures.is_null()) {
        rows.push_back({task.name, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown});
        continue;
      }
      rows.push_back({task.name, with_spread(figures.at("kendall")), percent(figures.at("mdape")),
                      with_spread(figures.at("within5")), with_spread(figures.at("within10")),
                      number(figures.at("seconds").at("transfer").get<double>(), 2) + " s",
                      number(figures.at("seconds").at("predict_1000").get<double>(), 2) + " s"});
    }
    return markdown({"task, k = 20", "Kendall", "median error", "within 5 %", "within 10 %", "transfer",
                     "1,000 predictions"},
                    rows);
  }

  std::string targets() {
    evaluated_by(" --method finetune,best-source,source-ridge");
    std::vector<Cells> rows;
    for (const Task& task : all_tasks()) {
      std::vector<json> figures;
      for (const char* method : {"finetune", "best-source", "source-ridge"})
        figures.push_back(known(task, method, 20));
      for (const auto& device : task.targets) {
        rows.push_back({task.name, device, device_kind(device)});
        for (const json& one : figures)
          rows.back().push_back(one.is_null() ? kUnknown
                                              : with_spread(one.at("targets").at(device).at("spearman")));
        rows.back().push_back(
            figures[0].is_null() ? kUnknown : percent(figures[0].at("targets").at(device).at("mdape")));
      }
    }
    return markdown(
        {"task, k = 20", "target", "kind", "ours", "`best-source`", "`source-ridge`", "our median error"},
        rows);
  }

  // Both methods in one, with the measurements chosen at random and so that they tell most.
  std::string combined() {
    evaluated_by(" --samples 5,20 --method combined --sampler random");
    source_ += ", and informative";
    std::vector<Cells> rows;
    for (const Task& task : all_tasks()) {
      rows.push_back({task.name});
      for (const std::size_t k : {5, 20})
        for (const char* sampler : {"random", "informative"}) {
          const json figures = known(task, "combined", k, sampler);
          rows.back().push_back(figures.is_null() ? kUnknown : with_spread(figures.at("spearman")));
        }
      const json figures = known(task, "combined", 20);
      for (const char* share : {"mdape", "coverage90"})
        rows.back().push_back(figures.is_null() ? kUnknown : percent(figures.at(share)));
    }
    return markdown({"task", "k = 5, random", "k = 5, informative", "k = 20, random", "k = 20, informative",
                     "median error", "within 90 % interval"},
                    rows);
  }

  std::string ablation(const std::string& name) {
    ablated_by(name);
    const AblationTable table = ablation_table(name, command_.budget);
    std::vector<std::vector<json>> figures;
    for (const AblationRow& row : table.rows) figures.push_back(known(row.experiments));
    const auto complete = [](const std::vector<json>& row) {
      return std::none_of(row.begin(), row.end(), [](const json& one) { return one.is_null(); });
    };
    Cells header = {name};
    for (const auto& task : command_.budget.tasks) header.push_back(task);
    header.push_back("difference");
    std::vector<Cells> rows;
    for (std::size_t r = 0; r < figures.size(); ++r) {
      const bool is_default = r == table.default_row;
      rows.push_back({is_default ? "**" + table.rows[r].label + "**" : table.rows[r].label});
      for (const json& one : figures[r])
        rows.back().push_back(one.is_null() ? kUnknown : with_spread(one.at("spearman")));
      const bool comparable = complete(figures[r]) && complete(figures[table.default_row]);
      rows.back().push_back(is_default ? ""
                            : !comparable
                                ? kUnknown
                                : with_spread(difference(figures[r], figures[table.default_row]), "+"));
    }
    return table.caption + "\n\n" + markdown(header, rows);
  }

  // The rows of the table "hardware" that have the default width, by what the targets are.
  std::string device_kinds() {
    ablated_by("hardware");
    const AblationTable table = ablation_table("hardware", command_.budget);
    std::vector<std::string> kinds;
    std::vector<Cells> rows;
    for (const AblationRow& row : table.rows) {
      if (row.experiments.front().pretraining.hardware_width != PretrainOptions().hardware_width) continue;
      std::map<std::string, std::vector<double>> by_kind;
      for (const json& figures : known(row.experiments)) {
        if (figures.is_null()) continue;
        for (const auto& target : figures.at("targets").items())
          by_kind[device_kind(target.key())].push_back(
              target.value().at("spearman").at("mean").get<double>());
      }
      rows.push_back({row.label});
      if (kinds.empty())
        for (const auto& one : by_kind) kinds.push_back(one.first);
      for (const auto& kind : kinds) {
        const auto& values = by_kind[kind];
        rows.back().push_back(values.empty() ? kUnknown
                                             : number(mean_and_std(values).at("mean").get<double>()));
      }
    }
    Cells header = {"device embedding"};
    header.insert(header.end(), kinds.begin(), kinds.end());
    return table.caption + "\n\n" + markdown(header, rows);
  }

  void ablated_by(const std::string& name) {
    const AblationBudget &own = command_.budget, usual;
    source_ = "latencast ablate --data DIR --table " + name +
              unless_default("ablation-samples", own.source_samples, usual.source_samples) +
              unless_default("ablation-steps", own.steps, usual.steps) +
              unless_default("ablation-scores", own.scored_at_most, usual.scored_at_most) +
              unless_default("seeds", own.seeds, usual.seeds);
  }

  // An option as it is typed; nothing where it has its default.
  template <class T>
  static std::string unless_default(const std::string& name, T value, T by_default) {
    return value == by_default ? "" : " --" + name + " " + std::to_string(value);
  }

  static std::string joined(const std::vector<std::string>& items, const char* separator = ", ") {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : separator) + item;
    return text;
  }

  const ReportCommand& command_;
  Laboratory& laboratory_;
  std::vector<std::string> dates_, machines_;
  std::string source_;  ///< the command that makes the figures
};

}  // namespace

void ReportCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("report", "write the tables of docs/results.md from the figures kept");
  command->add_option("--data", laboratory.data, "directory of measured data")->required();
  command->add_option("--out", out, "Markdown file with markers")->required();
  add_options(*command, pretraining);
  add_options(*command, budget);
  add_options(*command, laboratory);
  command->callback([this] { run(); });
}

void ReportCommand::run() const {
  Laboratory workplace(laboratory);
  Writer writer(*this, workplace);
  write_file(out, with_tables(read_file(out), [&](const std::string& name, const std::string&) {
               return writer.table(name);
             }));
}

}  // namespace latencast
