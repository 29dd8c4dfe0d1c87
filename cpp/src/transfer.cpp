// NASFLAT's transfer (arXiv 2403.02446, section 4): start the new device's hardware embedding from the source
// device whose ranks match best, then fine-tune every weight on the measurements.
#include "latencast/transfer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "latencast/error.h"
#include "latencast/metrics.h"
#include "predictor_impl.h"
#include "train.h"

namespace latencast {
namespace {

// Double, because a step of Adam divides tiny gradients by their own size: in single precision the difference
// between two processors' roundings would grow to one in the predictions.
using Scalar = double;

constexpr std::size_t kFewest = 3;
constexpr int kBatch = 16;

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void check(const std::vector<Measurement>& measurements) {
  for (std::size_t i = 0; i < measurements.size(); ++i)
    if (!std::isfinite(measurements[i].latency_ms) || measurements[i].latency_ms <= 0)
      throw Error(ErrorCode::measurement, "transfer: sample " + std::to_string(i + 1) + " has latency " +
                                              shown(measurements[i].latency_ms) +
                                              " ms; latencies must be finite and positive");
  if (measurements.size() < kFewest)
    throw Error(ErrorCode::measurement, "transfer: found " + std::to_string(measurements.size()) +
                                            " measurements; expected at least " + std::to_string(kFewest));
  const auto same = [&](const Measurement& one) { return one.latency_ms == measurements[0].latency_ms; };
  if (std::all_of(measurements.begin(), measurements.end(), same))
    throw Error(ErrorCode::measurement, "transfer: all " + std::to_string(measurements.size()) +
                                            " measurements are " + shown(measurements[0].latency_ms) +
                                            " ms; expected at least two different latencies");
}

// By Kendall's tau: on twenty samples it picks a better start than Spearman's rho (docs/results.md).
Nearest nearest_source(const Predictor& base, const std::vector<Architecture>& architectures,
                       const std::vector<double>& latency_ms) {
  Nearest best{"", -2, 0};
  for (const auto& device : base.devices()) {
    const auto scores = base.scores(device, architectures);
    const double match = kendall(scores, latency_ms);
    if (match > best.kendall) best = {device, match, spearman(scores, latency_ms)};
  }
  return best;
}

// A target like a known device is best served by that device's network almost as it is, one unlike all of
// them by a network that may change: the rate rises from kCareful to kFree as the nearest source's tau falls.
double learning_rate_for(const TransferOptions& options, const Nearest& nearest) {
  if (options.learning_rate) return *options.learning_rate;
  constexpr double kCareful = 2e-4, kFree = 1e-3, kAlike = 0.87, kUnlike = 0.70;
  const double unlikeness = std::clamp((kAlike - nearest.kendall) / (kAlike - kUnlike), 0.0, 1.0);
  return kCareful * std::exp(unlikeness * std::log(kFree / kCareful));
}

AdamOptions adam_options(const TransferOptions& options, const Nearest& nearest, const Network& network) {
  const double rate = learning_rate_for(options, nearest);
  const Block& hardware = network.hardware();
  return {rate, {hardware.offset, hardware.size(), options.hardware_learning_rate / rate}};
}

// The base network with a single device, whose hardware row is that of `source` or drawn.
Flat<Scalar> with_one_device(const PredictorImpl& base, const Network& network, std::size_t source,
                             const TransferOptions& options) {
  Flat<Scalar> parameters;
  parameters.reserve(network.parameter_count());
  for (const Block& block : base.network.blocks()) {
    const bool table = block.offset == base.network.hardware().offset;
    const auto width = static_cast<std::size_t>(block.cols);
    const auto from =
        base.parameters.begin() + static_cast<std::ptrdiff_t>(block.offset + (table ? source * width : 0));
    parameters.insert(parameters.end(), from,
                      from + static_cast<std::ptrdiff_t>(table ? width : block.size()));
  }
  if (options.init == "random") {
    Rng rng(options.seed);
    for (Scalar& value : network.hardware().of(parameters).reshaped()) value = rng.normal();
  }
  return parameters;
}

NetworkShape one_device(NetworkShape shape) {
  shape.devices = 1;
  return shape;
}

}  // namespace

struct Transfer::Impl {
  const Space& space;
  std::string device;
  Quantity quantity;
  std::vector<Measurement> measurements;
  std::vector<Graph> graphs;
  Encoding supplement;
  std::optional<Encoder> encoder;
  std::vector<float> supplements;
  Nearest nearest;
  Network network;
  int steps_per_epoch;
  Trainer<Scalar> trainer;
  TransferProgress progress;
  std::vector<TrainingItem> epoch_items;
  double epoch_loss = 0;

  Impl(const Predictor& base, const std::vector<Measurement>& all, const TransferOptions& options,
       Nearest start, std::size_t source)
      : space(base.space()),
        device(options.device),
        quantity(options.quantity),
        measurements(all),
        supplement(base.impl().supplement),
        encoder(base.impl().encoder),
        nearest(std::move(start)),
        network(one_device(base.impl().network.shape())),
        steps_per_epoch(static_cast<int>((all.size() + kBatch - 1) / kBatch)),
        trainer(space, network, with_one_device(base.impl(), network, source, options),
                adam_options(options, nearest, network), options.epochs * steps_per_epoch,
                options.log_ratio_margin ? Margin::log_ratio : Margin::constant, options.seed) {
    std::vector<Architecture> architectures;
    for (const auto& one : measurements) {
      graphs.push_back(space.graph(one.architecture));
      architectures.push_back(one.architecture);
    }
    supplements = supplements_of(base.impl(), architectures);
    const auto rows = rows_of(supplements, graphs.size(), network.shape().supplement);
    for (std::size_t i = 0; i < graphs.size(); ++i)
      epoch_items.push_back({&graphs[i], 0, measurements[i].latency_ms, rows[i]});
    progress.total_steps = options.epochs * steps_per_epoch;
    progress.epochs = options.epochs;
  }
};

Transfer::Transfer(const Predictor& base, const std::vector<Measurement>& measurements,
                   const TransferOptions& options) {
  check(measurements);
  if (base.is_transferred())
    throw Error(ErrorCode::argument, "transfer: the base was itself transferred to \"" +
                                         base.devices().front() + "\"; expected a pre-trained predictor");
  const auto positive = [](double rate) { return std::isfinite(rate) && rate > 0; };
  if (options.epochs < 1 || !positive(options.learning_rate.value_or(1)) ||
      !positive(options.hardware_learning_rate))
    throw Error(ErrorCode::argument,
                "transfer: found " + std::to_string(options.epochs) + " epochs, learning rate " +
                    shown(options.learning_rate.value_or(1)) + ", hardware learning rate " +
                    shown(options.hardware_learning_rate) + "; each must be positive");
  if (options.init != "correlation" && options.init != "random")
    throw Error(ErrorCode::argument,
                "transfer: found init \"" + options.init + "\"; expected correlation or random");
  std::vector<Architecture> architectures;
  std::vector<double> latency_ms;
  for (const auto& one : measurements) {
    architectures.push_back(one.architecture);
    latency_ms.push_back(one.latency_ms);
  }
  auto nearest = nearest_source(base, architectures, latency_ms);
  const auto source =
      std::find(base.devices().begin(), base.devices().end(), nearest.device) - base.devices().begin();
  impl_ = std::make_unique<Impl>(base, measurements, options, std::move(nearest),
                                 static_cast<std::size_t>(source));
}

Transfer::~Transfer() = default;
Transfer::Transfer(Transfer&&) noexcept = default;
Transfer& Transfer::operator=(Transfer&&) noexcept = default;

bool Transfer::step() {
  Impl& t = *impl_;
  if (t.progress.step == t.progress.total_steps) return false;
  const int within = t.progress.step % t.steps_per_epoch;
  if (within == 0) {
    t.trainer.rng().shuffle(t.epoch_items);
    t.epoch_loss = 0;
  }
  const auto from = t.epoch_items.begin() + within * kBatch;
  const auto to = t.epoch_items.end() - from > kBatch ? from + kBatch : t.epoch_items.end();
  t.epoch_loss += t.trainer.step({from, to});
  ++t.progress.step;
  if (within + 1 == t.steps_per_epoch) {
    ++t.progress.epoch;
    t.progress.loss = t.epoch_loss / t.steps_per_epoch;
  }
  return t.progress.step < t.progress.total_steps;
}

const TransferProgress& Transfer::progress() const { return impl_->progress; }
const Nearest& Transfer::nearest() const { return impl_->nearest; }

Predictor Transfer::result() const {
  const Impl& t = *impl_;
  if (t.progress.step < t.progress.total_steps)
    throw Error(ErrorCode::argument, "transfer: " + std::to_string(t.progress.step) + " of " +
                                         std::to_string(t.progress.total_steps) +
                                         " steps done; expected all");
  auto impl = std::make_shared<PredictorImpl>(
      PredictorImpl{&t.space, t.network, rounded_to_half(t.trainer.parameters()), {t.device}});
  impl->supplement = t.supplement;
  impl->encoder = t.encoder;
  impl->measurements = t.measurements;
  impl->quantity = t.quantity;
  impl->nearest = t.nearest;
  std::vector<Architecture> architectures;
  std::vector<double> latency_ms;
  for (const auto& one : t.measurements) {
    architectures.push_back(one.architecture);
    latency_ms.push_back(one.latency_ms);
  }
  impl->calibration = calibrate(Predictor(impl).scores(t.device, architectures), latency_ms);
  return Predictor(std::move(impl));
}

Predictor transfer(const Predictor& base, const std::vector<Measurement>& measurements,
                   const TransferOptions& options) {
  Transfer running(base, measurements, options);
  while (running.step()) {
  }
  return running.result();
}

}  // namespace latencast
