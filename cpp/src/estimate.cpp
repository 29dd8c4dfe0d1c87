#include "latencast/estimate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "latencast/error.h"
#include "predictor_impl.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

// Of a combination; chosen on source devices (docs/closed-form.md).
constexpr double kNetworkShare = 0.35;
constexpr std::size_t kFewestToFineTune = 3;

constexpr std::size_t kEnough = 2000;  // architectures that stand for a space
// Candidates for what to measure next, drawn at random. The best of more are more alike and at the edge of
// the space, where the model holds least (docs/closed-form.md).
constexpr std::size_t kCandidates = 100;

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 1000 ? "%.0f" : "%.3g", value);
  return text;
}

const PredictorImpl& with_prior(const Predictor& predictor, const char* what) {
  if (!predictor.impl().embedding)
    throw Error(ErrorCode::argument,
                std::string(what) +
                    ": this predictor has no prior; expected one of the shipped weights, or "
                    "one that was transferred in closed form");
  return predictor.impl();
}

const Posterior& posterior_of(const Predictor& predictor, const char* what) {
  const Posterior* posterior = predictor.posterior();
  if (!posterior)
    throw Error(ErrorCode::argument, std::string(what) + ": expected a predictor transferred in closed form");
  return *posterior;
}

std::vector<Architecture> some_of(const Space& space) {
  Rng rng(1);
  std::vector<Architecture> some;
  for (std::size_t i = 0; i < kEnough; ++i) some.push_back(space.random(rng));
  return some;
}

// Whether two factors are the same but for the error of an estimate.
bool about(double factor, double other) { return std::abs(std::log(factor / other)) < 0.35; }

std::string slower(double factor) {
  return factor >= 1 ? shown(factor) + " times slower" : shown(1 / factor) + " times faster";
}

std::string numbers(const std::vector<std::size_t>& measurements) {
  std::string text;
  for (const std::size_t i : measurements) text += (text.empty() ? "" : ", ") + std::to_string(i + 1);
  return text;
}

// Median estimate of a left-out measurement, in ms.
double expected_ms(const Posterior& posterior, std::size_t measurement) {
  return std::exp(posterior.left_out()[measurement].mean);
}

void add_far_off(const Posterior& posterior, const std::vector<Measurement>& measurements,
                 std::vector<Doubt>& doubts) {
  std::vector<std::size_t> aside;
  for (std::size_t i = 0; i < measurements.size(); ++i)
    if (posterior.set_aside()[i]) aside.push_back(i);
  const auto factor = [&](std::size_t i) { return measurements[i].latency_ms / expected_ms(posterior, i); };
  // Of another device or setting: several, and all by about one factor.
  if (aside.size() >= std::max<std::size_t>(3, measurements.size() / 6)) {
    std::vector<double> logs;
    for (const std::size_t i : aside) logs.push_back(std::log(factor(i)));
    std::sort(logs.begin(), logs.end());
    constexpr double kOneFactor = 0.6;
    if (logs.back() - logs.front() < kOneFactor) {
      const double middle = std::exp(logs[logs.size() / 2]);
      doubts.push_back({Doubt::Kind::mixture, aside,
                        "measurements " + numbers(aside) + " are about " + slower(middle) +
                            " than the other " + std::to_string(measurements.size() - aside.size()) +
                            " let expect: of another device, or another setting?",
                        middle, true});
      return;
    }
  }
  for (const std::size_t i : aside) {
    const auto expected = posterior.left_out()[i].interval();
    const double off = factor(i);
    Doubt doubt{Doubt::Kind::outlier, {i}, "", off, true};
    const std::string found = "measurement " + std::to_string(i + 1) + " is " +
                              shown(measurements[i].latency_ms) + " ms; all others let expect " +
                              shown(expected.low) + " to " + shown(expected.high) + " ms";
    for (const double unit : {1e3, 1e-3, 1e6, 1e-6, 60.0, 1 / 60.0}) {
      if (!about(off, unit)) continue;
      doubt.kind = Doubt::Kind::unit;
      doubt.factor = unit;
      doubt.message = found + ": another unit, by a factor of " + shown(unit) + "?";
    }
    if (doubt.kind == Doubt::Kind::outlier) doubt.message = found + ", so it is " + slower(off);
    doubts.push_back(std::move(doubt));
  }
}

void add_duplicates(const Posterior& posterior, const std::vector<Measurement>& measurements,
                    std::vector<Doubt>& doubts) {
  std::map<Architecture, std::vector<std::size_t>> readings;
  for (std::size_t i = 0; i < measurements.size(); ++i) readings[measurements[i].architecture].push_back(i);
  for (const auto& [architecture, same] : readings) {
    if (same.size() < 2) continue;
    const auto [low, high] = std::minmax_element(same.begin(), same.end(), [&](std::size_t a, std::size_t b) {
      return measurements[a].latency_ms < measurements[b].latency_ms;
    });
    const double fastest = measurements[*low].latency_ms, slowest = measurements[*high].latency_ms;
    const double rounding = posterior.timer_unit_ms() / fastest;
    const double stated = std::hypot(measurements[*low].relative_error, measurements[*high].relative_error);
    if (std::log(slowest / fastest) <= 4 * std::hypot(std::sqrt(2.0) * posterior.noise(), stated) + rounding)
      continue;
    doubts.push_back({Doubt::Kind::duplicate, same,
                      "measurements " + numbers(same) + " are of one architecture, but from " +
                          shown(fastest) + " to " + shown(slowest) +
                          " ms; one reading differs from the next by about " +
                          shown(100 * posterior.noise()) + " %",
                      slowest / fastest, false});
  }
}

void add_saturated(const Posterior& posterior, const std::vector<Measurement>& measurements,
                   std::vector<Doubt>& doubts) {
  std::map<double, std::vector<std::size_t>> equal;
  for (std::size_t i = 0; i < measurements.size(); ++i) equal[measurements[i].latency_ms].push_back(i);
  if (equal.size() < 3) return;
  for (const auto* end : {&*equal.begin(), &*equal.rbegin()}) {
    const auto& [latency, same] = *end;
    std::map<Architecture, double> expected;
    for (const std::size_t i : same) expected[measurements[i].architecture] = expected_ms(posterior, i);
    if (expected.size() < 3) continue;
    double fastest = expected.begin()->second, slowest = fastest;
    for (const auto& [architecture, ms] : expected) {
      fastest = std::min(fastest, ms);
      slowest = std::max(slowest, ms);
    }
    const double rounding = posterior.timer_unit_ms() / latency;
    if (std::log(slowest / fastest) <= std::log(1.15) + 2 * rounding + posterior.noise()) continue;
    doubts.push_back({Doubt::Kind::saturated, same,
                      "measurements " + numbers(same) + " are all " + shown(latency) + " ms, the " +
                          (end == &*equal.begin() ? "least" : "most") + " there is; the others let expect " +
                          shown(fastest) + " to " + shown(slowest) + " ms: the end of the timer's range?",
                      1, false});
  }
}

void add_scale(const Prior& prior, const Posterior& posterior, const RowMatrix& psi,
               const std::vector<Measurement>& measurements, std::vector<Doubt>& doubts) {
  if (measurements.empty() || prior.devices.empty()) return;
  double level = 0;
  for (const double log_ms : posterior.predict_log_ms(psi)) level += log_ms / double(psi.rows());
  const double beyond = level > prior.level_high  ? level - prior.level_high
                        : level < prior.level_low ? level - prior.level_low
                                                  : 0;
  constexpr double kPlausible = 4;  // e^4, some 50 times slower than the slowest known device
  if (std::abs(beyond) < kPlausible) return;
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < measurements.size(); ++i) all.push_back(i);
  doubts.push_back({Doubt::Kind::scale, all,
                    "all measurements are " + slower(std::exp(beyond)) + " than the " +
                        (beyond > 0 ? "slowest" : "fastest") +
                        " known device: another unit than milliseconds?",
                    beyond > 0 ? 1e3 : 1e-3, false});
}

}  // namespace

const char* name_of(Doubt::Kind kind) {
  switch (kind) {
    case Doubt::Kind::outlier:
      return "outlier";
    case Doubt::Kind::unit:
      return "unit";
    case Doubt::Kind::duplicate:
      return "duplicate";
    case Doubt::Kind::saturated:
      return "saturated";
    case Doubt::Kind::mixture:
      return "mixture";
    case Doubt::Kind::scale:
      break;
  }
  return "scale";
}

RowMatrix Embedding::embed(const std::vector<Architecture>& architectures) const {
  return prior_.embed(features_of(space_, architectures));
}

std::shared_ptr<const RowMatrix> Embedding::operator()(const std::vector<Architecture>& architectures) const {
  if (architectures.size() < kEnough) return std::make_shared<const RowMatrix>(embed(architectures));
  std::shared_ptr<const Known> known;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    known = known_;
  }
  if (!known || known->architectures != architectures) {
    known = std::make_shared<const Known>(Known{architectures, embed(architectures)});
    const std::lock_guard<std::mutex> lock(mutex_);
    known_ = known;
  }
  return {known, &known->psi};
}

PosteriorOptions posterior_options(const std::vector<Measurement>& measurements,
                                   const std::vector<std::size_t>& trusted) {
  const std::size_t count = measurements.size();
  PosteriorOptions options;
  for (const auto& one : measurements) options.relative_error.push_back(one.relative_error);
  options.trusted.assign(count, false);
  for (const std::size_t i : trusted) {
    if (i >= count)
      throw Error(ErrorCode::argument, "transfer: found the trusted measurement " + std::to_string(i) +
                                           " (from 0); expected below " + std::to_string(count));
    options.trusted[i] = true;
  }
  return options;
}

std::shared_ptr<PredictorImpl> closed_form(const Space& space, std::shared_ptr<const Embedding> embedding,
                                           const std::vector<Measurement>& measurements,
                                           const std::string& device, const std::vector<std::size_t>& trusted,
                                           Quantity quantity) {
  std::vector<Architecture> architectures;
  std::vector<double> latency_ms;
  for (const auto& one : measurements) {
    architectures.push_back(one.architecture);
    latency_ms.push_back(one.latency_ms);
  }
  auto impl = std::make_shared<PredictorImpl>(PredictorImpl{&space, Network(shape_for(space)), {}, {device}});
  impl->measurements = measurements;
  impl->quantity = quantity;
  impl->closed_form = std::make_shared<const ClosedForm>(
      ClosedForm{Posterior(embedding->prior(), *(*embedding)(architectures), latency_ms,
                           posterior_options(measurements, trusted)),
                 trusted});
  impl->embedding = std::move(embedding);
  return impl;
}

Predictor estimate(const Predictor& base, const std::vector<Measurement>& measurements,
                   const EstimateOptions& options) {
  const PredictorImpl& impl = with_prior(base, "transfer");
  return Predictor(closed_form(*impl.space, impl.embedding, measurements, options.device, options.trusted,
                               options.quantity));
}

std::vector<Measurement> to_fine_tune_on(const Predictor& closed_form) {
  const Posterior& posterior = posterior_of(closed_form, "combine");
  std::vector<Measurement> kept;
  if (closed_form.space().feature_width() > 0) return kept;
  const auto& measurements = closed_form.measurements();
  for (std::size_t i = 0; i < measurements.size(); ++i)
    if (!posterior.set_aside()[i]) kept.push_back(measurements[i]);
  const auto differs = [&](const Measurement& one) { return one.latency_ms != kept.front().latency_ms; };
  if (kept.size() < kFewestToFineTune || std::none_of(kept.begin(), kept.end(), differs)) kept.clear();
  return kept;
}

Predictor combine(const Predictor& closed_form, const Predictor& fine_tuned) {
  const PredictorImpl& closed = closed_form.impl();
  posterior_of(closed_form, "combine");
  if (!fine_tuned.calibration() || fine_tuned.posterior() || &fine_tuned.space() != closed.space)
    throw Error(ErrorCode::argument,
                "combine: expected a closed form and a fine-tuned network of the same space");
  auto impl = std::make_shared<PredictorImpl>(fine_tuned.impl());
  impl->devices = closed.devices;
  impl->measurements = closed.measurements;
  impl->quantity = closed.quantity;
  impl->embedding = closed.embedding;
  impl->closed_form = closed.closed_form;
  impl->network_share = kNetworkShare;
  return Predictor(std::move(impl));
}

const Prior& prior_of(const Predictor& predictor) {
  return with_prior(predictor, "prior").embedding->prior();
}

Review review(const Predictor& predictor) {
  const Posterior& posterior = posterior_of(predictor, "review");
  const PredictorImpl& impl = predictor.impl();
  const Prior& prior = impl.embedding->prior();
  return review(posterior, prior, impl.measurements,
                prior.embed(features_of(*impl.space, some_of(*impl.space))));
}

Review review(const Posterior& posterior, const Prior& prior, const std::vector<Measurement>& measurements,
              const RowMatrix& psi) {
  Review review;
  review.left_out = posterior.left_out();
  review.noise = posterior.noise();
  review.timer_unit_ms = posterior.timer_unit_ms();
  review.likenesses = posterior.likenesses();
  review.expected_spearman = posterior.expected_spearman(psi);
  std::vector<double> spreads;
  for (const Belief& belief : posterior.predict(psi)) spreads.push_back(belief.spread);
  const auto middle = spreads.begin() + static_cast<std::ptrdiff_t>(spreads.size() / 2);
  std::nth_element(spreads.begin(), middle, spreads.end());
  constexpr double kMedianOfNormal = 0.6745;
  review.expected_error = std::expm1(kMedianOfNormal * *middle);
  add_far_off(posterior, measurements, review.doubts);
  add_duplicates(posterior, measurements, review.doubts);
  add_saturated(posterior, measurements, review.doubts);
  add_scale(prior, posterior, psi, measurements, review.doubts);
  return review;
}

Suggestion suggest(const Predictor& predictor, const std::vector<Architecture>& pool, std::size_t count) {
  const PredictorImpl& impl = with_prior(predictor, "suggest");
  const Prior& prior = impl.embedding->prior();
  const auto psi = [&](const std::vector<std::size_t>& rows) {
    std::vector<Architecture> candidates;
    for (const std::size_t i : rows) candidates.push_back(pool[i]);
    return prior.embed(features_of(*impl.space, candidates));
  };
  const Posterior nothing(prior, RowMatrix(0, prior.basis.cols()), {});
  return suggest(predictor.posterior() ? *predictor.posterior() : nothing, impl.measurements, pool, psi,
                 count);
}

Suggestion suggest(const Posterior& posterior, const std::vector<Measurement>& measurements,
                   const std::vector<Architecture>& pool, const PoolPsi& psi, std::size_t count) {
  std::vector<Architecture> measured;
  for (const auto& one : measurements) measured.push_back(one.architecture);
  std::sort(measured.begin(), measured.end());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < pool.size(); ++i)
    if (!std::binary_search(measured.begin(), measured.end(), pool[i])) open.push_back(i);
  if (open.size() < count)
    throw Error(ErrorCode::argument, "suggest: asked for " + std::to_string(count) + " architectures of " +
                                         std::to_string(open.size()) + " that are not measured yet");
  if (open.size() > std::max(kCandidates, count)) {
    Rng rng(1);
    std::vector<std::size_t> fewer;
    for (const std::size_t i : rng.choose(open.size(), std::max(kCandidates, count)))
      fewer.push_back(open[i]);
    open = std::move(fewer);
  }
  const Posterior::Next next = posterior.next(psi(open), count);
  Suggestion suggestion;
  suggestion.worth = next.worth;
  for (const std::size_t row : next.rows) suggestion.chosen.push_back(open[row]);
  return suggestion;
}

}  // namespace latencast
