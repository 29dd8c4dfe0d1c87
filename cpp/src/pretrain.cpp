#include "latencast/pretrain.h"

#include <algorithm>
#include <cmath>

#include "latencast/error.h"
#include "predictor_impl.h"
#include "train.h"

namespace latencast {
namespace {

// One epoch's items in batches: each batch takes an equal share from each of `devices_per_batch` devices.
std::vector<std::vector<TrainingItem>> epoch_batches(const std::vector<std::vector<TrainingItem>>& per_device,
                                                     const PretrainOptions& options, Rng& rng) {
  const auto share = static_cast<std::size_t>(std::max(1, options.batch / options.devices_per_batch));
  std::vector<std::vector<TrainingItem>> pieces;
  for (auto items : per_device) {
    rng.shuffle(items);
    for (std::size_t from = 0; from < items.size(); from += share)
      pieces.emplace_back(items.begin() + static_cast<std::ptrdiff_t>(from),
                          items.begin() + static_cast<std::ptrdiff_t>(std::min(from + share, items.size())));
  }
  rng.shuffle(pieces);
  std::vector<std::vector<TrainingItem>> batches;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i % static_cast<std::size_t>(options.devices_per_batch) == 0) batches.emplace_back();
    batches.back().insert(batches.back().end(), pieces[i].begin(), pieces[i].end());
  }
  return batches;
}

}  // namespace

Predictor pretrain(const LatencyTable& table, const PretrainOptions& options,
                   const PretrainProgress& progress) {
  if (options.epochs < 1 || options.batch < 2 || options.devices_per_batch < 1 || options.samples < 2)
    throw Error(ErrorCode::argument,
                "pretrain: epochs and devices_per_batch must be at least 1, batch and samples 2");
  if (table.devices.empty()) throw Error(ErrorCode::argument, "pretrain: the table has no devices");
  const Space& space = latencast::space(options.space);
  std::vector<Graph> graphs;
  for (const auto& architecture : table.architectures) graphs.push_back(space.graph(architecture));

  Rng rng(options.seed);
  std::vector<std::vector<TrainingItem>> per_device(table.devices.size());
  for (std::size_t d = 0; d < table.devices.size(); ++d) {
    for (std::size_t i = 0; i < graphs.size(); ++i)
      if (std::isfinite(table.latency_ms[d][i]))
        per_device[d].push_back({&graphs[i], static_cast<int>(d), table.latency_ms[d][i]});
    if (per_device[d].size() < 2)
      throw Error(ErrorCode::argument, "pretrain: device " + table.devices[d] + " has " +
                                           std::to_string(per_device[d].size()) +
                                           " latencies; expected at least 2");
    rng.shuffle(per_device[d]);
    per_device[d].resize(std::min(per_device[d].size(), options.samples));
  }

  NetworkShape shape;
  shape.operations = static_cast<int>(space.op_names().size());
  shape.devices = static_cast<int>(table.devices.size());
  shape.gnn = gnn_from_name(options.gnn);
  const Network network(shape);
  auto initial = network.initial_parameters<float>(rng);
  const int steps_per_epoch = static_cast<int>(epoch_batches(per_device, options, rng).size());
  Trainer<float> trainer(network, std::move(initial), {options.learning_rate},
                         options.epochs * steps_per_epoch, Margin::constant, rng.bits());
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    double loss = 0;
    for (const auto& batch : epoch_batches(per_device, options, trainer.rng())) loss += trainer.step(batch);
    progress(epoch, loss / steps_per_epoch);
  }
  return Predictor(std::make_shared<PredictorImpl>(PredictorImpl{&space,
                                                                 network,
                                                                 rounded_to_half(trainer.parameters()),
                                                                 table.devices,
                                                                 {},
                                                                 std::nullopt,
                                                                 std::nullopt}));
}

}  // namespace latencast
