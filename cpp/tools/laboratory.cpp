#include "laboratory.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include "data.h"
#include "jobs.h"
#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "pretrained.h"

namespace latencast {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm calendar{};
  gmtime_r(&now, &calendar);  // std::gmtime's result is shared by all threads
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &calendar);
  return text;
}

std::string machine() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

const Task& find_task(const std::string& name) {
  for (const Task& task : all_tasks())
    if (task.name == name) return task;
  throw Error(ErrorCode::argument, "task: found \"" + name + "\"; expected one of docs/results.md's");
}

std::vector<std::string> devices_of(const Task& task) {
  std::vector<std::string> devices = task.sources;
  devices.insert(devices.end(), task.targets.begin(), task.targets.end());
  return devices;
}

bool asks_encoder(const Experiment& experiment) {
  const EvaluateOptions& asked = experiment.evaluation;
  return samples_by_encoding(asked.sampler) ||
         (needs_predictor(asked.method) && experiment.pretraining.supplement != Encoding::none);
}

}  // namespace

/// A task with its data.
struct Laboratory::Bench {
  const Task* task;
  Setting setting;
  std::string table_digest, sources_text;
  std::string encoder_digest;  ///< empty until the encoder is read
};

/// Where an experiment's pre-training and figures are kept.
struct Laboratory::Place {
  const Bench* bench;
  PretrainOptions pretraining;
  std::string pretrain_key;  ///< empty where the method needs none
  json key;                  ///< of its figures, but for the seed

  json key_of(int seed) const {
    json with_seed = key;
    with_seed["seed"] = seed;
    return with_seed;
  }

  fs::path file(const std::string& cache, int seed) const {
    return fs::path(cache) / "results" /
           (bench->task->name + "-" + short_digest(key_of(seed).dump()) + ".json");
  }

  /// The record of a seed; null where there is none.
  json read(const std::string& cache, int seed) const {
    const fs::path path = file(cache, seed);
    if (!fs::exists(path)) return nullptr;
    json record = read_json(read_file(path.string()));
    // A half-written or foreign file counts as none.
    const bool usable = record.is_object() && record.value("key", json()) == key_of(seed);
    return usable ? record : json();
  }
};

Laboratory::Laboratory(LaboratoryOptions options) : options_(std::move(options)) {}
Laboratory::~Laboratory() = default;

fs::path Laboratory::table_file(const std::string& space) const {
  return fs::path(options_.data) / space / "latency_ms.csv";
}

const LatencyTable& Laboratory::table(const std::string& space_id) {
  const auto found = tables_.find(space_id);
  if (found != tables_.end()) return found->second;
  return tables_[space_id] = read_latency_table(table_file(space_id).string(), space(space_id));
}

bool Laboratory::is_possible(const Experiment& experiment) {
  const Task& task = find_task(experiment.task);
  if (!fs::exists(table_file(task.space))) return false;
  const auto& measured = table(task.space).devices;
  const auto devices = devices_of(task);
  const bool complete = std::all_of(devices.begin(), devices.end(), [&](const std::string& device) {
    return std::find(measured.begin(), measured.end(), device) != measured.end();
  });
  return complete && (!asks_encoder(experiment) || encoder(bench(experiment.task)));
}

Laboratory::Bench& Laboratory::bench(const std::string& name) {
  std::unique_ptr<Bench>& bench = benches_[name];
  if (bench) return *bench;
  const Task& task = find_task(name);
  const Space& of_task = space(task.space);
  const LatencyTable table = complete_table(this->table(task.space), devices_of(task));
  auto made = std::make_unique<Bench>();
  made->task = &task;
  made->table_digest = short_digest(table_text(table));
  made->setting.space = &of_task;
  made->setting.sources = select_devices(table, task.sources);
  made->sources_text = table_text(made->setting.sources);
  made->setting.targets = select_devices(table, task.targets);
  bench = std::move(made);
  return *bench;
}

// Read when something first asks for it: most experiments need none.
const std::optional<Encoder>& Laboratory::encoder(Bench& bench) const {
  std::optional<Encoder>& encoder = bench.setting.encoder;
  if (encoder) return encoder;
  encoder = read_encoder(options_.encoders, *bench.setting.space);
  if (encoder) bench.encoder_digest = short_digest(encoder->write());
  return encoder;
}

Laboratory::Place Laboratory::place(const Experiment& experiment) {
  const EvaluateOptions& asked = experiment.evaluation;
  Bench& of_task = bench(experiment.task);
  Place place{&of_task, experiment.pretraining, "", {}};
  place.pretraining.space = of_task.task->space;
  if (asks_encoder(experiment) && !encoder(of_task))
    throw Error(ErrorCode::argument, "task " + experiment.task + ": sampler " + asked.sampler +
                                         " and supplement " + name_of(place.pretraining.supplement) +
                                         " need an encoder; found none at " + options_.encoders + "/" +
                                         of_task.task->space + ".encoder.latencast");
  if (place.pretraining.supplement != Encoding::none) place.pretraining.encoder = of_task.setting.encoder;
  if (needs_predictor(asked.method))
    place.pretrain_key = pretrain_key(of_task.sources_text, place.pretraining);
  const bool encodes = asked.method == "multipredict" && encoder(of_task);
  place.key = {{"version", kEvaluateVersion},
               {"task", of_task.task->name},
               {"table", of_task.table_digest},
               {"pretraining", place.pretrain_key},
               {"encoder", samples_by_encoding(asked.sampler) || encodes ? of_task.encoder_digest : ""},
               {"evaluation", describe(asked)}};
  return place;
}

json Laboratory::figures(const Experiment& experiment, const std::vector<json>& seeds) const {
  std::vector<json> of_seeds;
  for (const json& record : seeds) of_seeds.push_back(record.at("figures"));
  json result = summary(experiment.evaluation, of_seeds);
  result["task"] = experiment.task;
  result["date"] = seeds.back().at("date");
  result["machine"] = seeds.back().at("machine");
  return result;
}

std::vector<json> Laboratory::known(const std::vector<Experiment>& experiments, int seeds) {
  std::vector<json> results;
  for (const Experiment& experiment : experiments) {
    const Place at = place(experiment);
    std::vector<json> records;
    for (int seed = 0; seed < seeds; ++seed) records.push_back(at.read(options_.cache, seed));
    const bool complete =
        std::none_of(records.begin(), records.end(), [](const json& record) { return record.is_null(); });
    results.push_back(complete ? figures(experiment, records) : json());
  }
  return results;
}

std::vector<json> Laboratory::run(const std::vector<Experiment>& experiments, int seeds) {
  struct Job {
    std::size_t experiment;
    int seed;
  };
  std::vector<Place> places;
  std::vector<std::vector<json>> records(experiments.size());
  std::vector<Job> jobs;
  std::map<std::string, std::size_t> pretrainings;  // key -> the first experiment that needs it
  std::map<const Bench*, std::size_t> multipredicts;
  for (std::size_t e = 0; e < experiments.size(); ++e) {
    places.push_back(place(experiments[e]));
    for (int seed = 0; seed < seeds; ++seed) {
      records[e].push_back(options_.fresh ? json() : places[e].read(options_.cache, seed));
      if (!records[e].back().is_null()) continue;
      jobs.push_back({e, seed});
      if (!places[e].pretrain_key.empty()) pretrainings.emplace(places[e].pretrain_key, e);
      if (experiments[e].evaluation.method == "multipredict") multipredicts.emplace(places[e].bench, e);
    }
  }

  std::map<std::string, std::optional<Predictor>> predictors;
  std::vector<std::function<void()>> trainings;
  for (const auto& [key, e] : pretrainings) {
    std::optional<Predictor>& made = predictors[key];
    trainings.push_back([&made, &at = places[e], this] {
      const std::string& name = at.bench->task->name;
      made = pretrained((fs::path(options_.cache) / "pretrained").string(), name, at.bench->setting.sources,
                        at.pretraining, progress_on_stderr(name, at.pretraining.steps));
    });
  }
  for (const auto& one : multipredicts)
    trainings.push_back([bench = one.first] { bench->setting.multipredict(); });
  run_jobs("pre-training", trainings.size(), options_.threads, [&](std::size_t i) { trainings[i](); });

  fs::create_directories(fs::path(options_.cache) / "results");
  const std::string on = machine();
  run_jobs("transfers", jobs.size(), options_.threads, [&](std::size_t i) {
    const auto [e, seed] = jobs[i];
    const Place& at = places[e];
    const Predictor* base = at.pretrain_key.empty() ? nullptr : &*predictors.at(at.pretrain_key);
    json record = {{"key", at.key_of(seed)}, {"date", today()}, {"machine", on}};
    record["figures"] =
        evaluate_seed(at.bench->setting, base, experiments[e].evaluation, static_cast<std::uint64_t>(seed));
    write_file(at.file(options_.cache, seed).string(), record.dump(1) + "\n");
    records[e][static_cast<std::size_t>(seed)] = std::move(record);
  });

  std::vector<json> results;
  for (std::size_t e = 0; e < experiments.size(); ++e) results.push_back(figures(experiments[e], records[e]));
  return results;
}

}  // namespace latencast
