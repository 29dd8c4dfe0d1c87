// Experiments on the evaluation tasks. What is expensive is kept on disk, pre-trainings and the figures of
// every seed, so that an interrupted run goes on where it stopped, and tables can be written from what is
// there.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluate.h"
#include "latencast/pretrain.h"
#include "tasks.h"

namespace latencast {

/// One line of a table.
struct Experiment {
  std::string task;             ///< name of one of all_tasks()
  PretrainOptions pretraining;  ///< its space is the task's
  EvaluateOptions evaluation;
};

struct LaboratoryOptions {
  std::string data;                  ///< folder with SPACE/latency_ms.csv
  std::string cache = ".cache";      ///< folder of what is kept: pretrained/ and results/
  std::string encoders = "weights";  ///< folder with SPACE.encoder.latencast
  unsigned threads = 1;
  bool fresh = false;  ///< do not use figures that are kept
};

class Laboratory {
 public:
  explicit Laboratory(LaboratoryOptions options);
  ~Laboratory();

  /// Whether all that it needs is there: the latencies of its devices, and an encoder where it asks for one.
  bool is_possible(const Experiment& experiment);

  /// Figures of each experiment: summary(), "task", and "date" and "machine" of its last seed. Does what is
  /// missing, reporting on stderr.
  std::vector<nlohmann::json> run(const std::vector<Experiment>& experiments, int seeds);

  /// The same without doing anything; null where a seed is missing.
  std::vector<nlohmann::json> known(const std::vector<Experiment>& experiments, int seeds);

 private:
  struct Bench;
  struct Place;

  std::filesystem::path table_file(const std::string& space) const;
  const LatencyTable& table(const std::string& space);
  Bench& bench(const std::string& task);
  const std::optional<Encoder>& encoder(Bench& bench) const;
  Place place(const Experiment& experiment);
  nlohmann::json figures(const Experiment& experiment, const std::vector<nlohmann::json>& seeds) const;

  LaboratoryOptions options_;
  std::map<std::string, LatencyTable> tables_;             ///< per space
  std::map<std::string, std::unique_ptr<Bench>> benches_;  ///< per task
};

}  // namespace latencast
