#include "latencast/fleet.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "median.h"
#include "profiles.h"
#include "rates.h"
#include "resemblance.h"
#include "work.h"

namespace latencast {
namespace {

using nlohmann::json;
using Index = Eigen::Index;

constexpr int kMetaVersion = 3;
constexpr int kMostThreads = 1 << 16;

[[noreturn]] void damaged(const std::string& what) { throw Error(ErrorCode::checkpoint, "fleet: " + what); }

std::uint64_t number_of(const std::string& print) { return std::stoull(print, nullptr, 16); }

json as_json(const KnownPlatform& one) {
  return {{"id", one.id},   {"title", one.title},     {"board", one.board},        {"family", one.family},
          {"gpu", one.gpu}, {"threads", one.threads}, {"processor", one.processor}};
}

}  // namespace

struct FleetData {
  std::vector<KnownPlatform> platforms;
  std::vector<KnownModel> models;
  RateSources sources;
  std::shared_ptr<const RatePrior> prior;
  std::shared_ptr<const ProfileTable> profiles;
  std::map<std::uint64_t, std::size_t> model_of;  // by fingerprint

  // A copy of a fingerprint names the same kernels.
  ModelWork work(const Decomposition& model) const {
    ModelWork one{work_of(model), -1, number_of(fingerprint(model))};
    const auto found = model_of.find(one.identity);
    if (found != model_of.end()) one.known = static_cast<std::ptrdiff_t>(found->second);
    return one;
  }

  ModelWork work(std::size_t known) const {
    return {sources.work.row(static_cast<Index>(known)).transpose(), static_cast<std::ptrdiff_t>(known),
            number_of(models[known].fingerprint)};
  }

  // What follows from platforms, models and the latencies.
  void count() {
    std::map<std::string, int> settings;
    for (const KnownPlatform& one : platforms) ++settings[one.board];
    sources.importance.clear();
    for (std::size_t p = 0; p < platforms.size(); ++p) {
      platforms[p].measured = 0;
      for (std::size_t m = 0; m < models.size(); ++m) {
        const bool is_measured = std::isfinite(sources.log_ms(static_cast<Index>(p), static_cast<Index>(m)));
        platforms[p].measured += is_measured;
        models[m].measured += is_measured;
      }
      // Settings of one board say much the same.
      sources.importance.push_back(1 / std::sqrt(settings[platforms[p].board]));
    }
    for (std::size_t m = 0; m < models.size(); ++m) model_of[number_of(models[m].fingerprint)] = m;
  }

  static PlatformKind kind(const KnownPlatform& one) { return {one.processor, one.gpu ? 1 : one.threads}; }

  void believe(RatePrior learned) {
    ProfileTable table{completed(learned), {}, sources.importance, {}, {}};
    for (std::size_t p = 0; p < platforms.size(); ++p) {
      table.real.emplace_back();
      for (std::size_t m = 0; m < models.size(); ++m)
        table.real[p].push_back(std::isfinite(sources.log_ms(static_cast<Index>(p), static_cast<Index>(m))));
      table.board.push_back(platforms[p].board);
      table.kind.push_back(kind(platforms[p]));
    }
    prior = std::make_shared<RatePrior>(std::move(learned));
    profiles = std::make_shared<ProfileTable>(std::move(table));
  }
};

namespace {

// What the rates and a second opinion say together; their errors go together by `correlation`.
Belief together(const Belief& of_rates, const Belief& second, double weight, double correlation) {
  const double a = (1 - weight) * of_rates.spread, b = weight * second.spread;
  return {(1 - weight) * of_rates.mean + weight * second.mean,
          std::sqrt(a * a + b * b + 2 * correlation * a * b)};
}

// How much less a platform is expected to be like a known one of another processor (log odds), or for each
// doubling of the threads; before any measurement, as far as the platform's kind is told.
double expected_likeness(const PlatformKind& told, const PlatformKind& known) {
  constexpr double kOtherProcessor = 2, kDoubledThreads = 1;
  double log_odds = 0;
  if (!told.processor.empty() && told.processor != known.processor) log_odds -= kOtherProcessor;
  if (told.threads > 0)
    log_odds -= kDoubledThreads * std::abs(std::log2(double(told.threads) / known.threads));
  return std::exp(log_odds);
}

}  // namespace

struct PlatformModel::State {
  std::shared_ptr<const FleetData> fleet;
  std::vector<ModelWork> measured;
  std::vector<double> latency_ms;
  std::vector<std::size_t> centres;  // platforms that the posterior knows
  RatePosterior posterior;
  Profiles profiles;
  Resemblance resemblance;
  std::vector<Likeness> likenesses = {};

  State(std::shared_ptr<const FleetData> of, std::vector<ModelWork> models, std::vector<double> ms,
        const std::vector<bool>& keep, const PosteriorOptions& options, const PlatformKind& kind)
      : fleet(std::move(of)),
        measured(std::move(models)),
        latency_ms(std::move(ms)),
        posterior(std::make_shared<RatePrior>(with_centres(*fleet->prior, expected(*fleet, keep, kind))),
                  measured, latency_ms, options),
        profiles(fleet->profiles, keep, known_ones(), kind),
        resemblance(fleet->profiles, fleet->sources.work, keep, different_ones(), kind) {
    for (std::size_t p = 0; p < keep.size(); ++p)
      if (keep[p]) centres.push_back(p);
    for (std::size_t c = 0; c < centres.size(); ++c)
      likenesses.push_back({centres[c], posterior.likeness()[c]});
    std::stable_sort(likenesses.begin(), likenesses.end(),
                     [](const Likeness& a, const Likeness& b) { return a.probability > b.probability; });
  }

  static std::vector<double> expected(const FleetData& fleet, const std::vector<bool>& keep,
                                      const PlatformKind& kind) {
    std::vector<double> factors;
    for (std::size_t p = 0; p < keep.size(); ++p)
      factors.push_back(keep[p] ? expected_likeness(kind, FleetData::kind(fleet.platforms[p])) : 0);
    return factors;
  }

  // By both, as far as the second opinion tells: profiles of known models, resemblance of others.
  Belief with_second(const Belief& of_rates, const ModelWork& model) const {
    struct Share {
      double weight, correlation;
    };
    constexpr Share kProfiles{2.0 / 3, 0.5}, kResemblance{0.5, 0.8};
    const Share share = model.known >= 0 ? kProfiles : kResemblance;
    const auto second = model.known >= 0 ? profiles.predict(model.known) : resemblance.predict(model);
    return second ? together(of_rates, *second, share.weight, share.correlation) : of_rates;
  }

  std::vector<Belief> left_out() const {
    std::vector<Belief> beliefs = posterior.left_out();
    for (std::size_t i = 0; i < measured.size(); ++i) beliefs[i] = with_second(beliefs[i], measured[i]);
    return beliefs;
  }

  // Models that count, each once, with the mean of its log ms.
  std::vector<std::pair<ModelWork, double>> different_ones() const {
    std::map<std::uint64_t, std::pair<std::size_t, std::vector<double>>> readings;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      if (posterior.set_aside()[i]) continue;
      auto& [first, log_ms] = readings[measured[i].identity];
      if (log_ms.empty()) first = i;
      log_ms.push_back(std::log(latency_ms[i]));
    }
    std::vector<std::pair<ModelWork, double>> ones;
    for (const auto& [identity, of_one] : readings) {
      const auto& log_ms = of_one.second;
      ones.emplace_back(measured[of_one.first],
                        std::accumulate(log_ms.begin(), log_ms.end(), 0.0) / double(log_ms.size()));
    }
    return ones;
  }

  std::vector<std::pair<std::ptrdiff_t, double>> known_ones() const {
    std::vector<std::pair<std::ptrdiff_t, double>> ones;
    for (const auto& [model, log_ms] : different_ones())
      if (model.known >= 0) ones.emplace_back(model.known, log_ms);
    std::sort(ones.begin(), ones.end());
    return ones;
  }

  bool is_measured(const ModelWork& model) const {
    for (std::size_t i = 0; i < measured.size(); ++i)
      if (measured[i].identity == model.identity && !posterior.set_aside()[i]) return true;
    return false;
  }

  Belief belief(const ModelWork& model) const {
    const Belief of_rates = posterior.predict(model);
    return is_measured(model) ? of_rates : with_second(of_rates, model);
  }
};

std::string fingerprint(const Decomposition& model) {
  std::vector<std::string> keys;
  for (const FusedKernel& kernel : model.kernels) keys.push_back(kernel.key());
  std::sort(keys.begin(), keys.end());
  std::string text;
  for (const std::string& key : keys) text += key + "\n";
  return sha256_hex(text).substr(0, 16);
}

PlatformModel::PlatformModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}

ModelEstimate PlatformModel::estimate(const Decomposition& model, double coverage) const {
  if (!(coverage > 0 && coverage < 1))
    throw Error(ErrorCode::argument,
                "fleet: found a coverage of " + std::to_string(coverage) + "; expected one between 0 and 1");
  if (model.kernels.empty()) throw Error(ErrorCode::argument, "fleet: the model has no kernels");
  const ModelWork asked = state_->fleet->work(model);
  const auto interval = state_->belief(asked).interval(coverage);
  ModelEstimate estimate{interval.median, interval.low, interval.high, {}, Knowledge::graph};
  const Eigen::VectorXd shares = state_->posterior.shares(asked);
  for (const FusedKernel& kernel : model.kernels) {
    const Eigen::VectorXd work = work_of(kernel);
    double share = 0;
    for (Index k = 0; k < work.size(); ++k)
      if (work[k] > 0) share += shares[k] * work[k] / asked.work[k];
    estimate.kernel_ms.push_back(share * interval.median);
  }
  if (asked.known >= 0) estimate.knowledge = Knowledge::known;
  if (state_->is_measured(asked)) estimate.knowledge = Knowledge::measured;
  return estimate;
}

const std::vector<PlatformModel::Likeness>& PlatformModel::likenesses() const { return state_->likenesses; }
const std::vector<bool>& PlatformModel::set_aside() const { return state_->posterior.set_aside(); }
std::vector<Belief> PlatformModel::left_out() const { return state_->left_out(); }

double PlatformModel::expected_error() const {
  std::vector<double> errors;
  const std::vector<Belief> beliefs = left_out();
  for (std::size_t i = 0; i < state_->measured.size(); ++i)
    if (!set_aside()[i]) errors.push_back(std::abs(std::exp(beliefs[i].mean) / state_->latency_ms[i] - 1));
  constexpr std::size_t kFewest = 5;  // that say more than the prior
  if (errors.size() >= kFewest) return median_of(std::move(errors));
  errors.clear();
  constexpr double kMedian = 0.6745;  // of the absolute value of a standard normal variable
  for (std::size_t m = 0; m < state_->fleet->models.size(); ++m)
    errors.push_back(std::expm1(kMedian * state_->belief(state_->fleet->work(m)).spread));
  return median_of(std::move(errors));
}

Posterior::Next PlatformModel::next(const std::vector<Decomposition>& candidates, std::size_t count) const {
  if (count > candidates.size())
    throw Error(ErrorCode::argument, "next: asked for " + std::to_string(count) + " of " +
                                         std::to_string(candidates.size()) + " candidates");
  std::vector<ModelWork> models;
  for (const Decomposition& one : candidates) models.push_back(state_->fleet->work(one));
  return state_->posterior.next(models, count);
}

Fleet::Fleet(std::shared_ptr<const FleetData> data) : data_(std::move(data)) {}

Fleet Fleet::learn(const FleetSources& sources) {
  const std::size_t platforms = sources.platforms.size(), models = sources.models.size();
  if (platforms < 2 || models < 2 || sources.decompositions.size() != models ||
      sources.latency_ms.size() != platforms)
    throw Error(ErrorCode::argument,
                "fleet: found " + std::to_string(platforms) + " platforms, " + std::to_string(models) +
                    " models, " + std::to_string(sources.decompositions.size()) +
                    " decompositions and latencies of " + std::to_string(sources.latency_ms.size()) +
                    " platforms; expected two or more, and as many");
  auto data = std::make_shared<FleetData>();
  data->platforms = sources.platforms;
  data->models = sources.models;
  data->sources.work.resize(static_cast<Index>(models), work_kinds());
  for (std::size_t m = 0; m < models; ++m) {
    data->models[m].fingerprint = fingerprint(sources.decompositions[m]);
    data->models[m].measured = 0;
    data->sources.work.row(static_cast<Index>(m)) =
        work_of(sources.decompositions[m]).cast<float>().cast<double>().transpose();
  }
  data->sources.log_ms.resize(static_cast<Index>(platforms), static_cast<Index>(models));
  for (std::size_t p = 0; p < platforms; ++p) {
    if (sources.latency_ms[p].size() != models)
      throw Error(ErrorCode::argument, "fleet: platform " + sources.platforms[p].id + " has " +
                                           std::to_string(sources.latency_ms[p].size()) +
                                           " latencies; expected " + std::to_string(models));
    for (std::size_t m = 0; m < models; ++m) {
      const double ms = double(static_cast<float>(sources.latency_ms[p][m]));
      if (!std::isnan(ms) && !(std::isfinite(ms) && ms > 0))
        throw Error(ErrorCode::measurement, "fleet: platform " + sources.platforms[p].id + " has latency " +
                                                std::to_string(ms) +
                                                " ms; latencies must be finite and positive");
      data->sources.log_ms(static_cast<Index>(p), static_cast<Index>(m)) = std::log(ms);
    }
  }
  data->count();
  data->believe(learn_rates(data->sources));
  return Fleet(data);
}

const std::vector<KnownPlatform>& Fleet::platforms() const { return data_->platforms; }
const std::vector<KnownModel>& Fleet::models() const { return data_->models; }

std::vector<std::string> Fleet::processors() const {
  std::set<std::string> known;
  for (const KnownPlatform& one : data_->platforms)
    if (!one.processor.empty()) known.insert(one.processor);
  return {known.begin(), known.end()};
}

PlatformModel Fleet::platform(std::size_t index) const {
  if (index >= data_->platforms.size())
    throw Error(ErrorCode::argument, "fleet: asked for platform " + std::to_string(index) + " of " +
                                         std::to_string(data_->platforms.size()));
  std::vector<ModelWork> measured;
  std::vector<double> latency_ms;
  for (std::size_t m = 0; m < data_->models.size(); ++m) {
    const double log_ms = data_->sources.log_ms(static_cast<Index>(index), static_cast<Index>(m));
    if (!std::isfinite(log_ms)) continue;
    measured.push_back(data_->work(m));
    latency_ms.push_back(std::exp(log_ms));
  }
  // Like any new platform: what its own settings say would make it look better known than it is.
  std::vector<bool> keep;
  for (const KnownPlatform& one : data_->platforms)
    keep.push_back(one.board != data_->platforms[index].board);
  if (std::find(keep.begin(), keep.end(), true) == keep.end()) keep.assign(keep.size(), true);
  return PlatformModel(std::make_shared<PlatformModel::State>(
      data_, measured, latency_ms, keep, PosteriorOptions{}, FleetData::kind(data_->platforms[index])));
}

PlatformModel Fleet::adapt(const std::vector<ModelMeasurement>& measurements,
                           const AdaptOptions& options) const {
  std::vector<ModelWork> measured;
  std::vector<double> latency_ms;
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const double ms = measurements[i].latency_ms;
    if (!std::isfinite(ms) || ms <= 0)
      throw Error(ErrorCode::measurement, "adapt: measurement " + std::to_string(i + 1) + " has latency " +
                                              std::to_string(ms) +
                                              " ms; latencies must be finite and positive");
    if (measurements[i].model.kernels.empty())
      throw Error(ErrorCode::measurement,
                  "adapt: measurement " + std::to_string(i + 1) + " is of a model without kernels");
    measured.push_back(data_->work(measurements[i].model));
    latency_ms.push_back(ms);
  }
  if (!options.trusted.empty() && options.trusted.size() != measurements.size())
    throw Error(ErrorCode::argument, "adapt: found " + std::to_string(options.trusted.size()) +
                                         " marks of trust; expected " + std::to_string(measurements.size()));
  const std::vector<std::string> known = processors();
  if (!options.processor.empty() && std::find(known.begin(), known.end(), options.processor) == known.end()) {
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    throw Error(ErrorCode::argument,
                "adapt: found the processor '" + options.processor + "'; expected one of " + all);
  }
  if (options.threads < 0)
    throw Error(ErrorCode::argument,
                "adapt: found " + std::to_string(options.threads) + " threads; expected 1 or more");
  PosteriorOptions posterior;
  posterior.trusted = options.trusted;
  return PlatformModel(std::make_shared<PlatformModel::State>(
      data_, measured, latency_ms, std::vector<bool>(data_->platforms.size(), true), posterior,
      PlatformKind{options.processor, options.processor == "gpu" ? 1 : options.threads}));
}

// --- The file ---

namespace {

Tensor tensor(const char* name, const DoubleMatrix& matrix) {
  Tensor result{name, {static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())}, {}};
  for (Index i = 0; i < matrix.size(); ++i) result.values.push_back(static_cast<float>(matrix.data()[i]));
  return result;
}

DoubleMatrix matrix(const Tensor& tensor, const char* name, std::size_t rows, std::size_t columns) {
  if (tensor.name != name || tensor.shape != std::vector<std::size_t>{rows, columns})
    damaged("found the tensor " + tensor.name + "; expected " + name + ", " + std::to_string(rows) + " x " +
            std::to_string(columns));
  return Eigen::Map<const RowMatrix>(tensor.values.data(), static_cast<Index>(rows),
                                     static_cast<Index>(columns))
      .cast<double>();
}

// What a reader must find again: every model's log latency (ms), as a known model and by its kernels alone,
// on a platform unlike any other.
std::vector<double> self_test(const std::shared_ptr<const FleetData>& data) {
  std::vector<ModelWork> measured;
  std::vector<double> latency_ms, found;
  for (std::size_t m = 0; m < std::min<std::size_t>(5, data->models.size()); ++m) {
    measured.push_back(data->work(m));
    latency_ms.push_back(double(m + 1));
  }
  const PlatformModel::State state(data, measured, latency_ms,
                                   std::vector<bool>(data->platforms.size(), true), {},
                                   FleetData::kind(data->platforms.front()));
  for (std::size_t m = 0; m < data->models.size(); ++m) {
    ModelWork asked = data->work(m);
    found.push_back(state.belief(asked).mean);
    asked.known = -1;
    asked.identity = 0;
    found.push_back(state.belief(asked).mean);
  }
  return found;
}

std::shared_ptr<const FleetData> from_checkpoint(const Checkpoint& checkpoint) {
  const json meta = read_json(checkpoint.meta);
  if (meta.at("kind") != "fleet" || meta.at("version") != kMetaVersion || meta.at("work") != kWorkVersion)
    damaged("found kind " + meta.at("kind").dump() + " version " + meta.value("version", json()).dump() +
            ", work " + meta.value("work", json()).dump() + "; expected \"fleet\" version " +
            std::to_string(kMetaVersion) + ", work " + std::to_string(kWorkVersion));
  auto data = std::make_shared<FleetData>();
  for (const json& one : meta.at("platforms")) {
    const std::string id = one.at("id");
    const auto threads = whole_number(one.at("threads"), 1, kMostThreads, "fleet: threads of " + id);
    data->platforms.push_back({id, one.at("title"), one.at("board"), one.at("family"), one.at("gpu"),
                               static_cast<int>(threads), 0, one.at("processor")});
  }
  for (const json& one : meta.at("models")) {
    KnownModel model{one.at("name"), one.at("fingerprint"), one.at("input"), 0};
    if (model.fingerprint.size() != 16 ||
        model.fingerprint.find_first_not_of("0123456789abcdef") != std::string::npos)
      damaged("model " + model.name + " has the fingerprint " + model.fingerprint +
              "; expected 16 hex digits");
    data->models.push_back(std::move(model));
  }
  const std::size_t platforms = data->platforms.size(), models = data->models.size();
  const auto kinds = static_cast<std::size_t>(work_kinds());
  const auto& tensors = checkpoint.tensors;
  if (tensors.size() != 4 || platforms < 2 || models < 2)
    damaged("found " + std::to_string(tensors.size()) + " tensors, " + std::to_string(platforms) +
            " platforms and " + std::to_string(models) + " models; expected 4, 2 or more and 2 or more");
  data->sources.work = matrix(tensors[0], "work", models, kinds);
  const DoubleMatrix latency_ms = matrix(tensors[1], "latency_ms", platforms, models);
  const DoubleMatrix log_rates = matrix(tensors[2], "log_rates", platforms, kinds);
  const DoubleMatrix factor = matrix(tensors[3], "factor", kinds, kinds);
  const auto is_not_finite = [](double value) { return !std::isfinite(value); };
  for (const DoubleMatrix* one : {&log_rates, &factor})
    if (std::any_of(one->data(), one->data() + one->size(), is_not_finite)) damaged("a rate is not finite");
  for (Index m = 0; m < data->sources.work.rows(); ++m)
    if (!(data->sources.work.row(m).minCoeff() >= 0 && data->sources.work.row(m).maxCoeff() > 0))
      damaged("model " + data->models[static_cast<std::size_t>(m)].name + " has no work");
  // A latency of 0 stands for none.
  data->sources.log_ms = latency_ms.unaryExpr(
      [](double ms) { return ms > 0 ? std::log(ms) : std::numeric_limits<double>::quiet_NaN(); });
  data->count();
  data->believe(restore_rates(data->sources, log_rates, factor));

  const auto expected = meta.at("self_test").get<std::vector<double>>();
  const auto found = self_test(data);
  if (expected.size() != found.size()) damaged("the self-test is uneven");
  for (std::size_t i = 0; i < found.size(); ++i) {
    constexpr double kTolerance = 1e-3;
    if (!(std::abs(found[i] - expected[i]) < kTolerance))
      damaged("self-test " + std::to_string(i + 1) + ": found " + std::to_string(found[i]) + "; expected " +
              std::to_string(expected[i]));
  }
  return data;
}

}  // namespace

Fleet::Fleet(std::string_view bytes) {
  const Checkpoint checkpoint = read_checkpoint(bytes);
  try {
    data_ = from_checkpoint(checkpoint);
  } catch (const json::exception& error) {
    damaged(std::string("the header does not describe a fleet: ") + error.what());
  }
}

std::string Fleet::write() const {
  json platforms = json::array(), models = json::array();
  for (const KnownPlatform& one : data_->platforms) platforms.push_back(as_json(one));
  for (const KnownModel& one : data_->models)
    models.push_back({{"name", one.name}, {"fingerprint", one.fingerprint}, {"input", one.input}});
  const json meta = {{"kind", "fleet"},        {"version", kMetaVersion}, {"work", kWorkVersion},
                     {"platforms", platforms}, {"models", models},        {"self_test", self_test(data_)}};
  const DoubleMatrix latency_ms = data_->sources.log_ms.unaryExpr(
      [](double log_ms) { return std::isfinite(log_ms) ? std::exp(log_ms) : 0.0; });
  return write_checkpoint(
      {meta.dump(),
       {tensor("work", data_->sources.work), tensor("latency_ms", latency_ms),
        tensor("log_rates", data_->prior->log_rates), tensor("factor", data_->prior->factor)}},
      Precision::float32);
}

}  // namespace latencast
