#include "latencast/predictor.h"

#include <algorithm>
#include <cmath>

#include "json.h"
#include "latencast/design.h"
#include "latencast/error.h"
#include "predictor_impl.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr int kMetaVersion = 4, kOldestMetaVersion = 2;
constexpr std::size_t kPriorTensors = 3;
constexpr std::size_t kSelfTests = 8;
constexpr double kSelfTestTolerance = 1e-3;

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorCode::checkpoint, "predictor file: " + what);
}

// Large, because a batch shares work among its items: all of NAS-Bench-201 at once needs half the work of
// four parts. Activations stay within some tens of megabytes.
constexpr std::size_t kBatch = 16384;

std::vector<double> scores_of(const PredictorImpl& impl, int device,
                              const std::vector<Architecture>& architectures) {
  std::vector<double> scores;
  scores.reserve(architectures.size());
  Network::Trace<float> trace;
  std::vector<Graph> graphs;
  for (std::size_t from = 0; from < architectures.size(); from += kBatch) {
    const std::size_t to = std::min(from + kBatch, architectures.size());
    graphs.clear();
    for (std::size_t i = from; i < to; ++i) graphs.push_back(impl.space->graph(architectures[i]));
    const std::vector<Architecture> part(architectures.begin() + static_cast<std::ptrdiff_t>(from),
                                         architectures.begin() + static_cast<std::ptrdiff_t>(to));
    const auto supplements = supplements_of(impl, part);
    const Plan plan = impl.network.plan(*impl.space, graphs, std::vector<int>(to - from, device),
                                        rows_of(supplements, to - from, impl.network.shape().supplement));
    impl.network.forward(impl.parameters, plan, trace);
    for (const int graph : plan.graph) scores.push_back(static_cast<double>(trace.score()(graph, 0)));
  }
  return scores;
}

// Of a transferred one.
std::vector<double> log_latency(const PredictorImpl& impl, const std::vector<Architecture>& architectures) {
  std::vector<double> by_network;
  if (impl.has_network()) {
    by_network = scores_of(impl, 0, architectures);
    for (double& value : by_network) value = std::log(impl.calibration->latency_ms(value));
    if (!impl.closed_form) return by_network;
  }
  auto log_ms = impl.closed_form->posterior.predict_log_ms(*(*impl.embedding)(architectures));
  for (std::size_t i = 0; i < by_network.size(); ++i)
    log_ms[i] += impl.network_share * (by_network[i] - log_ms[i]);
  return log_ms;
}

std::vector<Architecture> self_test_architectures(const Space& space) {
  std::vector<Architecture> chosen;
  Rng rng(1);
  for (std::size_t i = 0; i < kSelfTests; ++i)
    chosen.push_back(space.size() > 0 ? space.enumerate()[i * space.size() / kSelfTests] : space.random(rng));
  return chosen;
}

json shape_to_json(const NetworkShape& shape) {
  return {{"gnn", name_of(shape.gnn)},
          {"hardware_place", name_of(shape.hardware_place)},
          {"operation_width", shape.operation_width},
          {"hardware_width", shape.hardware_width},
          {"initial_width", shape.initial_width},
          {"state_width", shape.state_width},
          {"stage1_layers", shape.stage1_layers},
          {"stage2_layers", shape.stage2_layers},
          {"head_width", shape.head_width}};
}

int bounded(const json& object, const char* key, int highest) {
  return static_cast<int>(whole_number(object.at(key), 1, highest, std::string("predictor file: ") + key));
}

NetworkShape shape_from_json(const Space& space, const json& object) {
  // Bounds far above anything useful keep a hostile header from asking for gigabytes.
  constexpr int kWidest = 4096, kDeepest = 64;
  NetworkShape shape = shape_for(space);
  shape.hardware_place = hardware_place_from_name(object.at("hardware_place").get<std::string>());
  shape.gnn = gnn_from_name(object.at("gnn").get<std::string>());
  shape.operation_width = bounded(object, "operation_width", kWidest);
  shape.hardware_width = bounded(object, "hardware_width", kWidest);
  shape.initial_width = bounded(object, "initial_width", kWidest);
  shape.state_width = bounded(object, "state_width", kWidest);
  shape.stage1_layers = bounded(object, "stage1_layers", kDeepest);
  shape.stage2_layers = bounded(object, "stage2_layers", kDeepest);
  shape.head_width = bounded(object, "head_width", kWidest);
  return shape;
}

json calibration_to_json(const Calibration& c) {
  return {{"score", c.score}, {"log_ms", c.log_ms}, {"low_slope", c.low_slope}, {"high_slope", c.high_slope}};
}

Calibration calibration_from_json(const json& object) {
  Calibration c;
  object.at("score").get_to(c.score);
  object.at("log_ms").get_to(c.log_ms);
  object.at("low_slope").get_to(c.low_slope);
  object.at("high_slope").get_to(c.high_slope);
  const bool rising =
      std::is_sorted(c.score.begin(), c.score.end()) && std::is_sorted(c.log_ms.begin(), c.log_ms.end());
  if (c.score.empty() || c.score.size() != c.log_ms.size() || !rising || !(c.low_slope >= 0) ||
      !(c.high_slope >= 0))
    damaged("the calibration is not a rising curve");
  return c;
}

Quantity quantity_from_json(const json& transfer) {
  return quantity_from_name(transfer.value("quantity", name_of(Quantity::latency)));
}

std::vector<Measurement> measurements_from_json(const Space& space, const json& transfer) {
  std::vector<Measurement> measurements;
  for (const auto& entry : transfer.at("measurements"))
    measurements.push_back({space.parse(entry.at(0).get<std::string>()), entry.at(1).get<double>(),
                            entry.size() > 2 ? entry.at(2).get<double>() : 0});
  return measurements;
}

// Places of measurements that are never set aside, of so many.
std::vector<std::size_t> trusted_from_json(const json& transfer, std::size_t measurements) {
  std::vector<std::size_t> places;
  for (const json& place : transfer.at("trusted"))
    places.push_back(static_cast<std::size_t>(
        whole_number(place, 0, std::int64_t(measurements) - 1, "predictor file: a trusted measurement")));
  return places;
}

json to_json(const std::vector<Measurement>& measurements) {
  json list = json::array();
  for (const auto& one : measurements) {
    list.push_back({one.architecture, one.latency_ms});
    if (one.relative_error > 0) list.back().push_back(one.relative_error);
  }
  return list;
}

Predictor from_checkpoint(const Checkpoint& checkpoint, const Encoder* encoder) {
  const json meta = read_json(checkpoint.meta);  // read_checkpoint found an object
  const json& version = meta.at("version");
  if (meta.at("kind") != "predictor" || !version.is_number_integer() || version < kOldestMetaVersion ||
      version > kMetaVersion)
    damaged("found kind " + meta.at("kind").dump() + " version " + version.dump() +
            "; expected \"predictor\" version " + std::to_string(kOldestMetaVersion) + " to " +
            std::to_string(kMetaVersion));
  const Space& space = latencast::space(meta.at("space").get<std::string>());
  auto devices = meta.at("devices").get<std::vector<std::string>>();
  if (devices.empty()) damaged("no devices");

  std::vector<Tensor> tensors = checkpoint.tensors;
  std::shared_ptr<const Embedding> embedding;
  if (meta.contains("prior")) {
    if (tensors.size() < kPriorTensors) damaged("found " + std::to_string(tensors.size()) + " tensors");
    const auto first = tensors.end() - static_cast<std::ptrdiff_t>(kPriorTensors);
    Prior prior = read_prior({first, tensors.end()}, meta.at("prior").dump());
    tensors.erase(first, tensors.end());
    if (prior.mean.size() != design_of(space).width())
      damaged("the prior has " + std::to_string(prior.mean.size()) + " features; expected " +
              std::to_string(design_of(space).width()));
    embedding = std::make_shared<const Embedding>(space, std::move(prior));
  }
  std::shared_ptr<PredictorImpl> closed;
  if (meta.contains("transfer") && meta.at("transfer").contains("trusted")) {
    const json& transfer = meta.at("transfer");
    if (!embedding) damaged("it has neither a network nor a prior");
    const std::vector<Measurement> measurements = measurements_from_json(space, transfer);
    closed = closed_form(space, embedding, measurements, devices.front(),
                         trusted_from_json(transfer, measurements.size()), quantity_from_json(transfer));
    if (!meta.contains("network")) return Predictor(std::move(closed));
  }

  NetworkShape shape = shape_from_json(space, meta.at("network"));
  shape.devices = static_cast<int>(devices.size());
  const Encoding supplement = encoding_from_name(meta.at("supplement").get<std::string>());
  shape.supplement = width_of(supplement);
  if (supplement != Encoding::none && (!encoder || &encoder->space() != &space))
    damaged(std::string("it uses the encoding ") + name_of(supplement) + "; expected the encoder of " +
            space.id() + " beside it");

  auto impl = std::make_shared<PredictorImpl>(PredictorImpl{&space, Network(shape), {}, std::move(devices)});
  impl->supplement = supplement;
  impl->embedding = std::move(embedding);
  if (supplement != Encoding::none) impl->encoder = *encoder;
  const auto& blocks = impl->network.blocks();
  if (blocks.size() != tensors.size())
    damaged("found " + std::to_string(tensors.size()) + " tensors; expected " +
            std::to_string(blocks.size()));
  impl->parameters.reserve(impl->network.parameter_count());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Tensor& tensor = tensors[i];
    const std::vector<std::size_t> expected = {static_cast<std::size_t>(blocks[i].rows),
                                               static_cast<std::size_t>(blocks[i].cols)};
    if (tensor.name != blocks[i].name || tensor.shape != expected)
      damaged("tensor " + std::to_string(i + 1) + " is " + tensor.name + " " + json(tensor.shape).dump() +
              "; expected " + blocks[i].name + " " + json(expected).dump());
    impl->parameters.insert(impl->parameters.end(), tensor.values.begin(), tensor.values.end());
  }

  if (meta.contains("transfer")) {
    const json& transfer = meta.at("transfer");
    impl->calibration = calibration_from_json(transfer.at("calibration"));
    impl->nearest = Nearest{transfer.at("nearest").at("device").get<std::string>(),
                            transfer.at("nearest").at("kendall").get<double>(),
                            transfer.at("nearest").at("spearman").get<double>()};
    impl->measurements = measurements_from_json(space, transfer);
    impl->quantity = quantity_from_json(transfer);
  }
  if (closed) {
    const auto share = meta.at("transfer").at("network_share").get<double>();
    if (!(share >= 0 && share <= 1))
      damaged("network_share is " + std::to_string(share) + "; expected 0 to 1");
    impl->closed_form = closed->closed_form;
    impl->network_share = share;
  }

  const json& test = meta.at("self_test");
  impl->expected = test.at("scores").get<std::vector<double>>();
  impl->tested = test.at("architectures").get<std::vector<Architecture>>();
  for (auto& architecture : impl->tested) architecture = space.parse(architecture);
  if (impl->expected.empty() || impl->expected.size() != impl->tested.size())
    damaged("the self-test is empty or uneven");
  return Predictor(std::move(impl));
}

}  // namespace

Gnn gnn_from_name(const std::string& name) {
  for (const Gnn gnn : {Gnn::dgf, Gnn::gat, Gnn::ensemble})
    if (name == name_of(gnn)) return gnn;
  throw Error(ErrorCode::argument, "gnn: found \"" + name + "\"; expected dgf, gat or ensemble");
}

const char* name_of(Gnn gnn) { return gnn == Gnn::dgf ? "dgf" : gnn == Gnn::gat ? "gat" : "ensemble"; }

HardwarePlace hardware_place_from_name(const std::string& name) {
  for (const HardwarePlace place : {HardwarePlace::operation, HardwarePlace::head})
    if (name == name_of(place)) return place;
  throw Error(ErrorCode::argument, "hardware place: found \"" + name + "\"; expected operation or head");
}

const char* name_of(HardwarePlace place) { return place == HardwarePlace::operation ? "operation" : "head"; }

Quantity quantity_from_name(std::string_view name) {
  for (const Quantity quantity : {Quantity::latency, Quantity::energy})
    if (name == name_of(quantity)) return quantity;
  throw Error(ErrorCode::argument,
              "quantity: found \"" + std::string(name) + "\"; expected latency or energy");
}

const char* name_of(Quantity quantity) { return quantity == Quantity::latency ? "latency" : "energy"; }

NetworkShape shape_for(const Space& space) {
  NetworkShape shape;
  shape.operations = static_cast<int>(space.op_names().size());
  shape.features = space.feature_width();
  shape.nodes = space.most_nodes() - 1;
  // Where nodes have places they form a chain.
  shape.summary = shape.features > 0 ? Summary::mean : Summary::output;
  return shape;
}

PredictorImpl with_devices(const PredictorImpl& impl, std::size_t count) {
  PredictorImpl fewer = impl;
  NetworkShape shape = impl.network.shape();
  shape.devices = static_cast<int>(count);
  fewer.network = Network(shape);
  const Block& all = impl.network.hardware();
  const auto first = impl.parameters.begin() + static_cast<std::ptrdiff_t>(all.offset);
  const auto kept = static_cast<std::ptrdiff_t>(count * static_cast<std::size_t>(all.cols));
  fewer.parameters.assign(impl.parameters.begin(), first + kept);
  fewer.parameters.insert(fewer.parameters.end(), first + static_cast<std::ptrdiff_t>(all.size()),
                          impl.parameters.end());
  fewer.devices.resize(count);
  return fewer;
}

std::vector<float> supplements_of(const PredictorImpl& impl, const std::vector<Architecture>& architectures) {
  if (!impl.encoder) return {};
  return impl.encoder->encode(impl.supplement, architectures);
}

double Calibration::latency_ms(double at) const {
  if (at <= score.front()) return std::exp(log_ms.front() + low_slope * (at - score.front()));
  if (at >= score.back()) return std::exp(log_ms.back()) * (1 + high_slope * (at - score.back()));
  const auto above =
      static_cast<std::size_t>(std::upper_bound(score.begin(), score.end(), at) - score.begin());
  const double share = (at - score[above - 1]) / (score[above] - score[above - 1]);
  return std::exp(log_ms[above - 1] + share * (log_ms[above] - log_ms[above - 1]));
}

Predictor Predictor::read(std::string_view bytes, const Encoder* encoder) {
  Predictor predictor = read_untested(bytes, encoder);
  predictor.self_test();
  return predictor;
}

void Predictor::self_test() const {
  const std::vector<double>& expected = impl_->expected;
  if (expected.empty()) return;
  const auto found = scores_of(*impl_, 0, impl_->tested);
  const auto [low, high] = std::minmax_element(expected.begin(), expected.end());
  const double tolerance = kSelfTestTolerance * std::max(*high - *low, std::abs(*high));
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(std::abs(found[i] - expected[i]) <= tolerance))
      damaged("self-test: architecture " + impl_->tested[i] + " scores " + std::to_string(found[i]) +
              "; expected " + std::to_string(expected[i]));
}

Predictor Predictor::read_untested(std::string_view bytes, const Encoder* encoder) {
  const Checkpoint checkpoint = read_checkpoint(bytes);
  try {
    return from_checkpoint(checkpoint, encoder);
  } catch (const json::exception& error) {
    damaged(std::string("the header does not describe a predictor: ") + error.what());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::checkpoint) throw;
    damaged(error.what());
  }
}

std::string Predictor::write() const {
  json meta = {
      {"kind", "predictor"}, {"version", kMetaVersion}, {"space", space().id()}, {"devices", impl_->devices}};
  Checkpoint checkpoint;
  json transfer = {{"measurements", to_json(impl_->measurements)}};
  if (quantity() != Quantity::latency) transfer["quantity"] = name_of(quantity());
  if (impl_->closed_form) transfer["trusted"] = impl_->closed_form->trusted;
  if (impl_->has_network()) {
    const auto test = self_test_architectures(space());
    meta["supplement"] = name_of(impl_->supplement);
    meta["network"] = shape_to_json(impl_->network.shape());
    meta["self_test"] = {{"architectures", test}, {"scores", scores_of(*impl_, 0, test)}};
    if (impl_->calibration) {
      transfer["calibration"] = calibration_to_json(*impl_->calibration);
      transfer["nearest"] = {{"device", impl_->nearest->device},
                             {"kendall", impl_->nearest->kendall},
                             {"spearman", impl_->nearest->spearman}};
    }
    if (impl_->closed_form) transfer["network_share"] = impl_->network_share;
    for (const Block& block : impl_->network.blocks()) {
      const auto from = impl_->parameters.begin() + static_cast<std::ptrdiff_t>(block.offset);
      checkpoint.tensors.push_back(
          {block.name,
           {static_cast<std::size_t>(block.rows), static_cast<std::size_t>(block.cols)},
           std::vector<float>(from, from + static_cast<std::ptrdiff_t>(block.size()))});
    }
  }
  if (is_transferred()) meta["transfer"] = std::move(transfer);
  if (impl_->embedding) {
    meta["prior"] = read_json(prior_meta(impl_->embedding->prior()));
    for (auto& tensor : prior_tensors(impl_->embedding->prior()))
      checkpoint.tensors.push_back(std::move(tensor));
  }
  checkpoint.meta = meta.dump();
  return write_checkpoint(checkpoint, Precision::float16);
}

Predictor with_prior(const Predictor& predictor, Prior prior) {
  auto impl = std::make_shared<PredictorImpl>(predictor.impl());
  impl->embedding = std::make_shared<const Embedding>(predictor.space(), std::move(prior));
  return Predictor(std::move(impl));
}

Quantity Predictor::quantity() const { return impl_->quantity; }
const Space& Predictor::space() const { return *impl_->space; }
const std::vector<std::string>& Predictor::devices() const { return impl_->devices; }
const std::optional<Nearest>& Predictor::nearest() const { return impl_->nearest; }
const std::vector<Measurement>& Predictor::measurements() const { return impl_->measurements; }
const std::optional<Calibration>& Predictor::calibration() const { return impl_->calibration; }
bool Predictor::has_prior() const { return impl_->embedding != nullptr; }
const Posterior* Predictor::posterior() const {
  return impl_->closed_form ? &impl_->closed_form->posterior : nullptr;
}

std::size_t Predictor::parameter_count() const {
  std::size_t count = impl_->has_network() ? impl_->network.parameter_count() : 0;
  if (impl_->embedding) {
    const Prior& prior = impl_->embedding->prior();
    count += static_cast<std::size_t>(prior.basis.size() + prior.centres.size());
  }
  return count;
}

std::vector<Belief> Predictor::beliefs(const std::vector<Architecture>& architectures) const {
  if (!posterior())
    throw Error(ErrorCode::argument,
                "intervals: this predictor has none; expected one that was transferred in closed form");
  auto beliefs = posterior()->predict(*(*impl_->embedding)(architectures));
  if (impl_->has_network()) {
    // The spread stays: it is that of a somewhat worse estimate, so the intervals are not too narrow.
    const auto means = log_latency(*impl_, architectures);
    for (std::size_t i = 0; i < means.size(); ++i) beliefs[i].mean = means[i];
  }
  return beliefs;
}

std::vector<double> Predictor::scores(const std::string& device,
                                      const std::vector<Architecture>& architectures) const {
  const auto found = std::find(devices().begin(), devices().end(), device);
  if (found == devices().end()) {
    std::string known;
    for (const auto& name : devices()) known += (known.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::argument, "scores: found device \"" + device + "\"; expected one of " + known);
  }
  if (posterior()) return log_latency(*impl_, architectures);
  return scores_of(*impl_, static_cast<int>(found - devices().begin()), architectures);
}

std::vector<double> Predictor::latency_ms(const std::vector<Architecture>& architectures) const {
  if (!is_transferred())
    throw Error(
        ErrorCode::argument,
        "latency_ms: this predictor gives only ranks; transfer it to a device with measurements first");
  auto values = log_latency(*impl_, architectures);
  for (double& value : values) value = std::exp(value);
  return values;
}

}  // namespace latencast
