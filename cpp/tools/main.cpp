// The `latencast` command line.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "ablate.h"
#include "bench.h"
#include "closed_form.h"
#include "data.h"
#include "encode_tool.h"
#include "evaluate.h"
#include "explain.h"
#include "export_tool.h"
#include "jobs.h"
#include "kernels_tool.h"
#include "laboratory.h"
#include "latencast/error.h"
#include "latencast/estimate.h"
#include "latencast/transfer.h"
#include "options.h"
#include "pretrained.h"
#include "report.h"
#include "search_tool.h"
#include "table_tool.h"
#include "tasks.h"

namespace latencast {
namespace {

using nlohmann::json;

LatencyTable without_devices(const LatencyTable& table, const std::vector<std::string>& without) {
  std::vector<std::string> kept;
  for (const auto& device : table.devices)
    if (std::find(without.begin(), without.end(), device) == without.end()) kept.push_back(device);
  if (kept.size() + without.size() != table.devices.size())
    throw Error(ErrorCode::argument, "--without names a device that the data does not have");
  return select_devices(table, kept);
}

Prior learn_prior(const Space& space, const LatencyTable& table) {
  return learn_prior(space, {features_of(space, table.architectures), table.devices, table.latency_ms});
}

struct PretrainCommand {
  PretrainOptions options;
  std::string data, out, encoders = "weights";
  std::vector<std::string> without;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("pretrain", "train a predictor on many devices");
    command->add_option("--data", data, "CSV with the columns arch and one per device, in ms")->required();
    command->add_option("--out", out, "file to write")->required();
    command->add_option("--without", without, "devices to leave out")->delimiter(',');
    command->add_option("--space", options.space, "search space")->capture_default_str();
    command->add_option("--encoders", encoders, "folder of SPACE.encoder.latencast")->capture_default_str();
    add_options(*command, options);
    command->callback([this] { run(); });
  }

  void run() const {
    const Space& in = space(options.space);
    const LatencyTable table = without_devices(read_latency_table(data, in), without);
    const auto path = weights_path(out);
    PretrainOptions with_encoder = options;
    if (options.supplement != Encoding::none) with_encoder.encoder = read_encoder(encoders, in);
    const Predictor trained = pretrain(table, with_encoder, progress_on_stderr(path, options.steps));
    write_file(path, with_prior(trained, learn_prior(in, table)).write());
  }
};

struct EvaluateCommand {
  EvaluateOptions options;
  PretrainOptions pretraining;
  LaboratoryOptions laboratory;
  std::vector<std::string> methods;
  std::vector<std::size_t> samples = {options.samples};
  int seeds = 5;
  std::string task, weights, target;
  bool as_json = false;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("evaluate", "accuracy under the clean protocol");
    std::vector<std::string> names = {"ALL"};
    for (const auto& one : all_tasks()) names.push_back(one.name);
    auto* with_task = command->add_option("--task", task, "evaluation task")->check(CLI::IsMember(names));
    auto* with_data = command->add_option("--data", laboratory.data, "directory of measured data");
    auto* with_weights = command->add_option("--weights", weights, "pre-trained predictor");
    auto* with_target = command->add_option("--target", target, "CSV with the columns arch and latency_ms");
    with_task->needs(with_data)->excludes(with_weights)->excludes(with_target);
    with_weights->needs(with_target);
    with_target->needs(with_weights);
    command->add_option("--samples", samples, "measurements per transfer, one number or several")
        ->delimiter(',')
        ->capture_default_str();
    command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
    command
        ->add_option("--method", methods,
                     "one or several; absent: combined with --weights, bayes with --task, which "
                     "needs no pre-training")
        ->delimiter(',')
        ->check(CLI::IsMember(evaluation_methods()));
    command->add_option("--sampler", options.sampler)
        ->check(CLI::IsMember(evaluation_samplers()))
        ->capture_default_str();
    command->add_option("--score-at-most", options.scored_at_most,
                        "architectures to score, drawn at random; 0: all that are not measured");
    command->add_option("--transfer-epochs", options.transfer.epochs)->capture_default_str();
    command->add_option("--transfer-learning-rate", options.transfer.learning_rate,
                        "absent: by the nearest source");
    command->add_option("--hardware-learning-rate", options.transfer.hardware_learning_rate)
        ->capture_default_str();
    command->add_option("--init", options.transfer.init, "where the new device's embedding starts")
        ->check(CLI::IsMember({"correlation", "random"}))
        ->capture_default_str();
    command->add_flag("--json", as_json, "print JSON");
    add_options(*command, pretraining);
    add_options(*command, laboratory);
    command->callback([this] { run(); });
  }

  void run() const {
    if (weights.empty() && task.empty())
      throw Error(ErrorCode::argument, "evaluate: give --task or --weights");
    const std::vector<json> results = weights.empty() ? on_tasks() : on_target();
    const bool single = results.size() == 1 && task != "ALL";
    print(single ? results.front() : json(results));
  }

  // One evaluation for each method and number of samples.
  std::vector<EvaluateOptions> evaluations() const {
    std::vector<EvaluateOptions> all;
    const auto usual = weights.empty() ? "bayes" : "combined";
    for (const auto& method : methods.empty() ? std::vector<std::string>{usual} : methods)
      for (const std::size_t count : samples) {
        all.push_back(options);
        all.back().method = method;
        all.back().samples = count;
      }
    return all;
  }

  std::vector<json> on_tasks() const {
    std::vector<Experiment> experiments;
    for (const auto& one : all_tasks())
      if (task == "ALL" || task == one.name)
        for (const auto& evaluation : evaluations())
          experiments.push_back({one.name, pretraining, evaluation});
    return Laboratory(laboratory).run(experiments, seeds);
  }

  std::vector<json> on_target() const {
    const Predictor base = read_weights(weights, laboratory.encoders);
    Setting setting;
    setting.space = &base.space();
    setting.targets.devices = {target};
    setting.targets.latency_ms.resize(1);
    for (const auto& one : read_target(target, base.space())) {
      setting.targets.architectures.push_back(one.architecture);
      setting.targets.latency_ms[0].push_back(one.latency_ms);
    }
    if (samples_by_encoding(options.sampler))
      setting.encoder = read_encoder(laboratory.encoders, base.space());
    std::vector<json> results;
    for (const auto& evaluation : evaluations()) {
      if (needs_sources(evaluation.method) &&
          !((evaluation.method == "bayes" || evaluation.method == "combined") && base.has_prior()))
        throw Error(ErrorCode::argument,
                    "evaluate: " + evaluation.method + " needs the sources' latencies; use it with --task");
      std::vector<json> figures(static_cast<std::size_t>(seeds));
      run_jobs("transfers", figures.size(), laboratory.threads,
               [&](std::size_t seed) { figures[seed] = evaluate_seed(setting, &base, evaluation, seed); });
      results.push_back(summary(evaluation, figures));
      results.back()["weights"] = weights;
    }
    return results;
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
      line("mean of " + one.value("task", one.value("weights", "")) + ", " +
               one.at("method").get<std::string>() + ", k = " + one.at("samples").dump(),
           one);
    }
  }
};

struct TransferCommand {
  TransferOptions options;
  std::string weights, measurements, out, method = "closed-form", quantity = "latency";
  std::vector<std::size_t> trusted;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("transfer", "adapt a predictor to a new device");
    command->add_option("--weights", weights, "pre-trained predictor")->required();
    command
        ->add_option("--measurements", measurements, "CSV with the columns arch and latency_ms, or energy_mj")
        ->required();
    command->add_option("--quantity", quantity, "what was measured: latency in ms or energy in mJ")
        ->check(CLI::IsMember({"latency", "energy"}))
        ->capture_default_str();
    command->add_option("--out", out, "file to write")->required();
    command->add_option("--device", options.device, "name of the new device")->capture_default_str();
    command->add_option("--method", method, "closed-form, NASFLAT's finetune, or both combined")
        ->check(CLI::IsMember({"closed-form", "finetune", "combined"}))
        ->capture_default_str();
    command->add_option("--trust", trusted, "not of finetune: measurements never to be set aside, from 1")
        ->delimiter(',')
        ->check(CLI::PositiveNumber);
    command->add_option("--epochs", options.epochs)->capture_default_str();
    command->add_option("--learning-rate", options.learning_rate, "absent: by the nearest source");
    command->add_option("--seed", options.seed)->capture_default_str();
    command->callback([this] { run(); });
  }

  void run() const {
    const Predictor base = read_weights(weights);
    TransferOptions tuning = options;
    tuning.quantity = quantity_from_name(quantity);
    const auto target = read_target(measurements, base.space(), tuning.quantity);
    if (method != "finetune") {
      EstimateOptions chosen{tuning.device, tuning.quantity, {}};
      for (const std::size_t i : trusted) chosen.trusted.push_back(i - 1);
      Predictor adapted = estimate(base, target, chosen);
      if (method == "combined") {
        const auto kept = to_fine_tune_on(adapted);
        if (!kept.empty()) adapted = combine(adapted, transfer(base, kept, tuning));
      }
      write_file(weights_path(out), adapted.write());
      const Review said = review(adapted);
      std::fprintf(stderr, "%s: expected rank correlation %.3f, median error %.1f %%\n",
                   weights_path(out).c_str(), said.expected_spearman, 100 * said.expected_error);
      for (const Doubt& doubt : said.doubts)
        std::fprintf(stderr, "%s%s\n", doubt.message.c_str(), doubt.set_aside ? " (set aside)" : "");
      return;
    }
    const Predictor adapted = transfer(base, target, tuning);
    write_file(weights_path(out), adapted.write());
    std::fprintf(stderr, "%s: started from %s (rank correlation %.3f on the measurements)\n",
                 weights_path(out).c_str(), adapted.nearest()->device.c_str(), adapted.nearest()->spearman);
  }
};

struct PriorCommand {
  std::string weights, data;
  std::vector<std::string> without;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand("prior", "give a predictor what a closed-form transfer starts from");
    command->add_option("--weights", weights, "predictor to read and write")->required();
    command->add_option("--data", data, "CSV with the columns arch and one per device, in ms")->required();
    command->add_option("--without", without, "devices to leave out")->delimiter(',');
    command->callback([this] { run(); });
  }

  void run() const {
    const Predictor predictor = read_weights(weights);
    const LatencyTable table = without_devices(read_latency_table(data, predictor.space()), without);
    write_file(weights_path(weights), with_prior(predictor, learn_prior(predictor.space(), table)).write());
  }
};

struct PredictCommand {
  std::string weights, device;
  std::vector<std::string> architectures;

  void add_to(CLI::App& app) {
    auto* command = app.add_subcommand(
        "predict",
        "estimates as CSV: arch and latency_ms (or energy_mj), its 90 % interval where known, or score");
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
    if (predictor.posterior() && device.empty()) {
      const bool of_energy = predictor.quantity() == Quantity::energy;
      std::printf("arch,%s\n", of_energy ? "energy_mj,low_mj,high_mj" : "latency_ms,low_ms,high_ms");
      const auto beliefs = predictor.beliefs(asked);
      const double reach = normal_reach(0.9);
      for (std::size_t i = 0; i < asked.size(); ++i) {
        const auto interval = beliefs[i].within(reach);
        std::printf("%s,%.9g,%.9g,%.9g\n", asked[i].c_str(), interval.median, interval.low, interval.high);
      }
      return;
    }
    const bool as_scores = !device.empty();
    const auto values = as_scores ? predictor.scores(device, asked) : predictor.latency_ms(asked);
    std::printf("arch,%s\n", as_scores ? "score" : column_of(predictor.quantity()));
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
  SearchCommand search_command;
  ExplainCommand explain_command;
  BenchCommand bench_command;
  AblateCommand ablate_command;
  ReportCommand report_command;
  EncodeCommand encode_command;
  ClosedFormCommand closed_form_command;
  PriorCommand prior_command;
  KernelsCommand kernels_command;
  ExportCommand export_command;
  TableCommand table_command;
  pretrain_command.add_to(app);
  evaluate_command.add_to(app);
  transfer_command.add_to(app);
  predict_command.add_to(app);
  search_command.add_to(app);
  explain_command.add_to(app);
  bench_command.add_to(app);
  ablate_command.add_to(app);
  report_command.add_to(app);
  encode_command.add_to(app);
  closed_form_command.add_to(app);
  prior_command.add_to(app);
  kernels_command.add_to(app);
  export_command.add_to(app);
  table_command.add_to(app);
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

int main(int argc, char** argv) {
  // Training frees and asks for the same large matrices all the time; giving them back to the system in
  // between takes a quarter of its time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  return latencast::run(argc, argv);
}
