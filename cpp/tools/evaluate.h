// Accuracy of a transfer under the clean protocol: a fresh copy of the pre-trained weights for every target
// and seed, scored on all of the target's architectures but the measured ones.
#pragma once

#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "baselines.h"
#include "latencast/encode.h"
#include "latencast/posterior.h"
#include "latencast/predictor.h"
#include "latencast/pretrain.h"
#include "latencast/prior.h"
#include "latencast/transfer.h"

namespace latencast {

/// Raise it whenever the same options come to give other figures for another reason than new weights
/// (kPretrainVersion), so that no figures kept from before are used.
constexpr int kEvaluateVersion = 1;

struct EvaluateOptions {
  std::string method = "bayes";    ///< one of evaluation_methods()
  std::string sampler = "random";  ///< one of evaluation_samplers()
  std::size_t samples = 20;
  std::size_t scored_at_most = 0;  ///< that many of the other architectures, drawn at random; 0: all of them
  TransferOptions transfer;        ///< of finetune; its seed is the evaluation's
};

/// Every option that decides the figures by its name, as it takes part in the key of what is kept.
nlohmann::json describe(const EvaluateOptions& options);

/// Names that `EvaluateOptions::method` may have: the transfer in closed form, fine-tuning as we do it and as
/// published, and baselines.
const std::vector<std::string>& evaluation_methods();

/// sampler_names(); informative: what the closed form learns most of, out of 1,000 drawn at random; and
/// latency-oracle: equal buckets of the target's latencies, which no user could draw.
const std::vector<std::string>& evaluation_samplers();

/// Whether the sampler, one of evaluation_samplers(), needs an encoder.
bool samples_by_encoding(const std::string& sampler);

/// Whether the method starts from a pre-trained predictor.
bool needs_predictor(const std::string& method);

/// Whether the method needs the latencies of source devices.
bool needs_sources(const std::string& method);

/// What an evaluation may use. The targets share their architectures and have all latencies.
struct Setting {
  const Space* space = nullptr;
  LatencyTable targets;
  LatencyTable sources;  ///< empty where unknown; else the same architectures, and all latencies
  std::optional<Encoder> encoder;

  /// MultiPredict on these sources: trained at the first call, on zero-cost proxies where there is an
  /// encoder.
  const MultiPredict& multipredict() const;

  /// Of the base where it has one, else learned from the sources at the first call.
  const Prior& prior(const Predictor* base) const;

 private:
  mutable std::once_flag trained_;
  mutable std::optional<MultiPredict> multipredict_;
  mutable std::once_flag learned_;
  mutable std::optional<Prior> prior_;
};

/// The figures of one seed: {"targets": {device: {"spearman": ...}}, "seconds": {...},
/// "architectures_scored": n}. base: null only where the method needs none.
nlohmann::json evaluate_seed(const Setting& setting, const Predictor* base, const EvaluateOptions& options,
                             std::uint64_t seed);

/// What `latencast evaluate` prints: mean and standard deviation over seeds, of each target and of the mean
/// over targets. seeds: of evaluate_seed(), at least one.
nlohmann::json summary(const EvaluateOptions& options, const std::vector<nlohmann::json>& seeds);

/// How good estimates are: {"spearman": ..., "within10": ..., "coverage90": ...}. intervals: of 90 %, one for
/// each; empty where the method states none, and then no coverage is.
nlohmann::json score(const std::vector<double>& predicted, const std::vector<double>& truth,
                     const std::vector<Belief::Interval>& intervals);

/// Seconds of this thread alone: the machine may be shared.
double cpu_seconds();

/// Mean and standard deviation (n - 1) as {"mean": m, "std": s}.
nlohmann::json mean_and_std(const std::vector<double>& values);

/// The table with these devices and the architectures that all of them have.
LatencyTable complete_table(const LatencyTable& all, const std::vector<std::string>& devices);

}  // namespace latencast
