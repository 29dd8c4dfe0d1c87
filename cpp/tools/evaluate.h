// Accuracy of a transfer under the clean protocol: a fresh copy of the pre-trained weights for every target
// and seed, scored on all of the target's architectures but the measured ones.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "latencast/predictor.h"
#include "latencast/pretrain.h"
#include "latencast/transfer.h"
#include "tasks.h"

namespace latencast {

struct EvaluateOptions {
  std::string method = "finetune";  ///< one of evaluation_methods()
  std::string sampler = "random";
  std::size_t samples = 20;
  int seeds = 5;
  TransferOptions transfer;  ///< of finetune; its seed is the evaluation's
};

/// Names that `EvaluateOptions::method` may have: fine-tuning as we do it and as published, and baselines.
const std::vector<std::string>& evaluation_methods();

/// One device to transfer to.
struct Target {
  std::string device;
  std::vector<Measurement> measured;
};

/// One JSON object: the figures of docs/results.md, mean and standard deviation over seeds of the mean over
/// targets. sources: latencies of the source devices, for the baseline best-source (may be empty otherwise).
nlohmann::json evaluate(const Predictor& base, const std::vector<Target>& targets,
                        const LatencyTable& sources, const EvaluateOptions& options);

/// The task's tables out of the whole one: where a source or target device was measured on a subset only,
/// everything is on the architectures that all of them have.
LatencyTable task_table(const Task& task, const LatencyTable& all);

}  // namespace latencast
