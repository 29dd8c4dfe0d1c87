// The `latencast` command line.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench.h"
#include "data.h"
#include "evaluate.h"
#include "latencast/error.h"
#include "latencast/transfer.h"
#include "pretrained.h"
#include "tasks.h"

namespace latencast {
namespace {

using nlohmann::json;

struct PretrainCommand {
  PretrainOptions options;
  std::string data, out;
  std::vector<std::string> without;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("pretrain", "train a predictor on many devices");
    command->add_option("--data", data, "CSV with the columns arch and one per device, in ms")->required();
    command->add_option("--out", out, "file to write")->required();
    command->add_option("--without", without, "devices to leave out")->delimiter(',');
    command->add_option("--space", options.space, "search space")->capture_default_str();
    add_training_options(*command);
    command->callback([this] { run(); });
  }

  void add_training_options(CLI::App& command) {
    command.add_option("--gnn", options.gnn, "graph layers")
        ->check(CLI::IsMember({"dgf", "gat", "ensemble"}))
        ->capture_default_str();
    command.add_option("--source-samples", options.samples, "architectures per source device")
        ->capture_default_str();
    command.add_option("--epochs", options.epochs)->capture_default_str();
    command.add_option("--batch", options.batch)->capture_default_str();
    command.add_option("--devices-per-batch", options.devices_per_batch)->capture_default_str();
    command.add_option("--pretrain-seed", options.seed)->capture_default_str();
  }

  void run() const {
    LatencyTable table = read_latency_table(data, space(options.space));
    std::vector<std::string> kept;
    for (const auto& device : table.devices)
      if (std::find(without.begin(), without.end(), device) == without.end()) kept.push_back(device);
    if (kept.size() + without.size() != table.devices.size())
      throw Error(ErrorCode::argument, "--without names a device that " + data + " does not have");
    table = select_devices(table, kept);
    const auto path = weights_path(out);
    write_file(path, pretrain(table, options, progress_on_stderr(path, options.epochs)).write());
  }
};

struct EvaluateCommand {
  EvaluateOptions options;
  PretrainCommand training;
  std::string task, data, weights, target, cache = ".cache/pretrained";
  bool as_json = false;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("evaluate", "accuracy under the clean protocol");
    std::vector<std::string> names = {"ALL"};
    for (const auto& one : all_tasks()) names.push_back(one.name);
    auto* with_task = command->add_option("--task", task, "evaluation task")->check(CLI::IsMember(names));
    auto* with_data = command->add_option("--data", data, "directory of measured data");
    auto* with_weights = command->add_option("--weights", weights, "pre-trained predictor");
    auto* with_target = command->add_option("--target", target, "CSV with the columns arch and latency_ms");
    with_task->needs(with_data)->excludes(with_weights)->excludes(with_target);
    with_weights->needs(with_target);
    with_target->needs(with_weights);
    command->add_option("--samples", options.samples, "measurements per transfer")->capture_default_str();
    command->add_option("--seeds", options.seeds)->check(CLI::PositiveNumber)->capture_default_str();
    command->add_option("--method", options.method)
        ->check(CLI::IsMember(evaluation_methods()))
        ->capture_default_str();
    command->add_option("--sampler", options.sampler)
        ->check(CLI::IsMember({"random"}))
        ->capture_default_str();
    command->add_option("--transfer-epochs", options.transfer.epochs)->capture_default_str();
    command->add_option("--transfer-learning-rate", options.transfer.learning_rate,
                        "absent: by the nearest source");
    command->add_option("--hardware-learning-rate", options.transfer.hardware_learning_rate)
        ->capture_default_str();
    command->add_option("--cache", cache, "directory that keeps pre-trained predictors")
        ->capture_default_str();
    command->add_flag("--json", as_json, "print JSON");
    training.add_training_options(*command);
    command->callback([this] { run(); });
  }

  void run() const {
    if (weights.empty() && task.empty())
      throw Error(ErrorCode::argument, "evaluate: give --task or --weights");
    if (!weights.empty()) {
      const Predictor base = read_weights(weights);
      if (options.method == "best-source")
        throw Error(ErrorCode::argument,
                    "evaluate: best-source needs the sources' latencies; use it with --task");
      json result = evaluate(base, {{target, read_target(target, base.space())}}, {}, options);
      result["weights"] = weights;
      print(result);
      return;
    }
    json results = json::array();
    for (const auto& one : all_tasks())
      if (task == "ALL" || task == one.name) results.push_back(run_task(one));
    print(task == "ALL" ? results : results.front());
  }

  json run_task(const Task& one) const {
    const auto path = std::filesystem::path(data) / one.space / "latency_ms.csv";
    const LatencyTable table = task_table(one, read_latency_table(path.string(), space(one.space)));
    const LatencyTable sources = select_devices(table, one.sources);
    std::vector<Target> targets;
    for (const auto& device : one.targets) {
      const LatencyTable of_target = select_devices(table, {device});
      targets.push_back({device, {}});
      for (std::size_t i = 0; i < table.architectures.size(); ++i)
        targets.back().measured.push_back({table.architectures[i], of_target.latency_ms[0][i]});
    }
    PretrainOptions pretraining = training.options;
    pretraining.space = one.space;
    const Predictor base =
        pretrained(cache, one.name, sources, pretraining, progress_on_stderr(one.name, pretraining.epochs));
    json result = evaluate(base, targets, sources, options);
    result["task"] = one.name;
    return result;
  }

  void print(const json& result) const {
    if (as_json) {
      std::cout << result.dump(2) << "\n";
      return;
    }
    for (const json& one : result.is_array() ? result : json::array({result})) {
      const auto line = [&](const std::string& name, const json& figures) {
        std::printf("%-40s", name.c_str());
        for (const char* figure : {"spearman", "kendall", "mdape", "within5", "within10"})
          std::printf("  %s %.3f+-%.3f", figure, figures.at(figure).at("mean").get<double>(),
                      figures.at(figure).at("std").get<double>());
        std::printf("\n");
      };
      for (const auto& [device, figures] : one.at("targets").items()) line(device, figures);
      line("mean of " + one.value("task", one.value("weights", "")), one);
    }
  }
};

struct TransferCommand {
  TransferOptions options;
  std::string weights, measurements, out;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("transfer", "adapt a predictor to a new device");
    command->add_option("--weights", weights, "pre-trained predictor")->required();
    command->add_option("--measurements", measurements, "CSV with the columns arch and latency_ms")
        ->required();
    command->add_option("--out", out, "file to write")->required();
    command->add_option("--device", options.device, "name of the new device")->capture_default_str();
    command->add_option("--epochs", options.epochs)->capture_default_str();
    command->add_option("--learning-rate", options.learning_rate, "absent: by the nearest source");
    command->add_option("--seed", options.seed)->capture_default_str();
    command->callback([this] { run(); });
  }

  void run() const {
    const Predictor base = read_weights(weights);
    const Predictor adapted = transfer(base, read_target(measurements, base.space()), options);
    write_file(weights_path(out), adapted.write());
    std::fprintf(stderr, "%s: started from %s (rank correlation %.3f on the measurements)\n",
                 weights_path(out).c_str(), adapted.nearest()->device.c_str(), adapted.nearest()->spearman);
  }
};

struct PredictCommand {
  std::string weights, device;
  std::vector<std::string> architectures;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("predict", "estimates as CSV: arch and latency_ms, or score");
    command->add_option("--weights", weights, "predictor; transferred ones give ms, pre-trained ones scores")
        ->required();
    command->add_option("--device", device, "device of a pre-trained predictor; prints scores");
    command->add_option("architectures", architectures, "architectures; all of the space if none is given");
    command->callback([this] { run(); });
  }

  void run() const {
    const Predictor predictor = read_weights(weights);
    const Space& space = predictor.space();
    std::vector<Architecture> asked;
    for (const auto& text : architectures) asked.push_back(space.parse(text));
    if (asked.empty()) asked = space.enumerate();
    const bool as_scores = !device.empty();
    const auto values = as_scores ? predictor.scores(device, asked) : predictor.latency_ms(asked);
    std::printf("arch,%s\n", as_scores ? "score" : "latency_ms");
    for (std::size_t i = 0; i < asked.size(); ++i) std::printf("%s,%.9g\n", asked[i].c_str(), values[i]);
  }
};

int run(int argc, char** argv) {
  CLI::App app{"latencast: how fast will this network run on your device?"};
  app.require_subcommand(1);
  PretrainCommand pretrain_command;
  EvaluateCommand evaluate_command;
  TransferCommand transfer_command;
  PredictCommand predict_command;
  BenchCommand bench_command;
  pretrain_command.add_to(app);
  evaluate_command.add_to(app);
  transfer_command.add_to(app);
  predict_command.add_to(app);
  bench_command.add_to(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const Error& error) {
    std::fprintf(stderr, "latencast: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace latencast

int main(int argc, char** argv) { return latencast::run(argc, argv); }
