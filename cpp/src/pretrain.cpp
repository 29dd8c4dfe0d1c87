#include "latencast/pretrain.h"

#include <algorithm>
#include <cmath>

#include "latencast/error.h"
#include "predictor_impl.h"
#include "simulate.h"
#include "train.h"

namespace latencast {
namespace {

// As starts of a transfer, that many invented devices do as well as four times as many (docs/results.md), and
// ranking the measurements on each takes a transfer's first moments.
constexpr std::size_t kKeptInvented = 64;

using DeviceItems = std::vector<std::vector<TrainingItem>>;

// One epoch's items in batches: each batch takes an equal share from each of `devices_per_batch` devices. An
// epoch goes once through what is known of the real devices and adds invented ones, another few each time, to
// their share.
std::vector<std::vector<TrainingItem>> epoch_batches(const DeviceItems& real, const DeviceItems& invented,
                                                     const PretrainOptions& options, Rng& rng) {
  const auto share = static_cast<std::size_t>(std::max(1, options.batch / options.devices_per_batch));
  std::vector<std::vector<TrainingItem>> pieces;
  const auto cut = [&](std::vector<TrainingItem> items, std::size_t most) {
    rng.shuffle(items);
    for (std::size_t from = 0; from < items.size() && most > 0; from += share, --most)
      pieces.emplace_back(items.begin() + static_cast<std::ptrdiff_t>(from),
                          items.begin() + static_cast<std::ptrdiff_t>(std::min(from + share, items.size())));
  };
  for (const auto& items : real) cut(items, items.size());
  if (!invented.empty()) {
    const double wanted = double(pieces.size()) * options.invented_share / (1 - options.invented_share);
    for (auto left = static_cast<std::size_t>(std::lround(wanted)); left > 0; --left)
      cut(invented[rng.below(invented.size())], 1);
  }
  rng.shuffle(pieces);
  std::vector<std::vector<TrainingItem>> batches;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i % static_cast<std::size_t>(options.devices_per_batch) == 0) batches.emplace_back();
    batches.back().insert(batches.back().end(), pieces[i].begin(), pieces[i].end());
  }
  return batches;
}

NetworkShape network_shape(const Space& space, const PretrainOptions& options, std::size_t devices) {
  NetworkShape shape = shape_for(space);
  shape.devices = static_cast<int>(devices);
  shape.supplement = width_of(options.supplement);
  shape.gnn = gnn_from_name(options.gnn);
  shape.hardware_place = hardware_place_from_name(options.hardware_place);
  shape.operation_width = options.operation_width;
  shape.hardware_width = options.hardware_width;
  shape.state_width = options.state_width;
  shape.stage1_layers = options.stage1_layers;
  shape.stage2_layers = options.stage2_layers;
  return shape;
}

}  // namespace

Predictor pretrain(const LatencyTable& table, const PretrainOptions& options,
                   const PretrainProgress& progress) {
  if (options.steps < 1 || options.batch < 2 || options.devices_per_batch < 1 || options.samples < 2)
    throw Error(ErrorCode::argument,
                "pretrain: steps and devices_per_batch must be at least 1, batch and samples 2");
  if (table.devices.empty()) throw Error(ErrorCode::argument, "pretrain: the table has no devices");
  const Space& space = latencast::space(options.space);
  if (options.supplement != Encoding::none && (!options.encoder || &options.encoder->space() != &space))
    throw Error(ErrorCode::argument, std::string("pretrain: the supplement ") + name_of(options.supplement) +
                                         " needs the encoder of " + space.id());
  PredictorImpl impl{&space, Network({}), {}, table.devices};
  impl.supplement = options.supplement;
  if (options.supplement != Encoding::none) impl.encoder = options.encoder;
  const auto supplements = supplements_of(impl, table.architectures);
  const auto supplement_rows = rows_of(supplements, table.architectures.size(), width_of(options.supplement));
  std::vector<Graph> graphs;
  for (const auto& architecture : table.architectures) graphs.push_back(space.graph(architecture));

  Rng rng(options.seed);
  DeviceItems per_device(table.devices.size()), invented(static_cast<std::size_t>(options.invented));
  for (std::size_t d = 0; d < table.devices.size(); ++d) {
    for (std::size_t i = 0; i < graphs.size(); ++i)
      if (std::isfinite(table.latency_ms[d][i]))
        per_device[d].push_back(
            {&graphs[i], static_cast<int>(d), table.latency_ms[d][i], supplement_rows[i]});
    if (per_device[d].size() < 2)
      throw Error(ErrorCode::argument, "pretrain: device " + table.devices[d] + " has " +
                                           std::to_string(per_device[d].size()) +
                                           " latencies; expected at least 2");
    rng.shuffle(per_device[d]);
    per_device[d].resize(std::min(per_device[d].size(), options.samples));
  }
  for (std::size_t v = 0; v < invented.size(); ++v) {
    SimulatedDevice device(space, rng);
    for (std::size_t i = 0; i < graphs.size(); ++i)
      invented[v].push_back(
          {&graphs[i], static_cast<int>(impl.devices.size()), device.latency(graphs[i]), supplement_rows[i]});
    impl.devices.push_back("simulated_" + std::to_string(v + 1));
  }

  impl.network = Network(network_shape(space, options, impl.devices.size()));
  auto initial = impl.network.initial_parameters<float>(rng);
  Trainer<float> trainer(space, impl.network, std::move(initial), {options.learning_rate}, options.steps,
                         Margin::constant, rng.bits());
  for (int step = 0; step < options.steps;) {
    double loss = 0;
    const int before = step;
    for (const auto& batch : epoch_batches(per_device, invented, options, trainer.rng())) {
      loss += trainer.step(batch);
      if (++step == options.steps) break;
    }
    progress(step, loss / (step - before));
  }
  impl.parameters = rounded_to_half(trainer.parameters());
  return Predictor(std::make_shared<PredictorImpl>(
      with_devices(impl, std::min(impl.devices.size(), table.devices.size() + kKeptInvented))));
}

}  // namespace latencast
