// The closed-form transfer: laws of its arithmetic, and what it must get right on devices it never saw.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/posterior.h"
#include "latencast/prior.h"
#include "linear.h"
#include "simulate.h"

using namespace latencast;

namespace {

using Index = Eigen::Index;

// Real devices stand in as invented ones of another seed.
struct World {
  const Space& space;
  std::vector<Architecture> architectures;
  RowMatrix features;
  std::vector<std::vector<double>> devices;  // latency_ms
  Prior prior;
  RowMatrix psi;
};

std::vector<double> device(const Space& space, const std::vector<Architecture>& architectures, Rng& rng) {
  SimulatedDevice drawn(space, rng);
  std::vector<double> latency_ms;
  for (const auto& one : architectures) latency_ms.push_back(drawn.latency(space.graph(one)));
  return latency_ms;
}

World world(const std::string& space_id) {
  World w{space(space_id), {}, {}, {}, {}, {}};
  Rng rng(77);
  for (int i = 0; i < 250; ++i) w.architectures.push_back(w.space.random(rng));
  std::sort(w.architectures.begin(), w.architectures.end());
  w.architectures.erase(std::unique(w.architectures.begin(), w.architectures.end()), w.architectures.end());
  w.features = features_of(w.space, w.architectures);
  for (int d = 0; d < 5; ++d) w.devices.push_back(device(w.space, w.architectures, rng));
  PriorOptions options;
  options.invented = 60;
  options.directions = 20;
  options.architectures = 400;
  w.prior = learn_prior(w.space, {w.features, {"a", "b", "c"}, {w.devices[0], w.devices[1], w.devices[2]}},
                        options);
  w.psi = w.prior.embed(w.features);
  return w;
}

const World& cells() {
  static const World w = world("nb201");
  return w;
}

RowMatrix rows(const RowMatrix& all, const std::vector<std::size_t>& at) {
  RowMatrix some(static_cast<Index>(at.size()), all.cols());
  for (std::size_t i = 0; i < at.size(); ++i)
    some.row(static_cast<Index>(i)) = all.row(static_cast<Index>(at[i]));
  return some;
}

std::vector<double> values(const std::vector<double>& all, const std::vector<std::size_t>& at) {
  std::vector<double> some;
  for (const auto i : at) some.push_back(all[i]);
  return some;
}

const std::vector<std::size_t>& twenty() {
  static const auto chosen = Rng(3).choose(cells().architectures.size(), 20);
  return chosen;
}

Posterior of_target(const std::vector<double>& latency_ms, PosteriorOptions options = {}) {
  return Posterior(cells().prior, rows(cells().psi, twenty()), values(latency_ms, twenty()), options);
}

}  // namespace

TEST_CASE("linear algebra solves what it is given", "[posterior]") {
  Rng rng(1);
  DoubleMatrix root(7, 7);
  for (Index i = 0; i < root.size(); ++i) root.data()[i] = rng.normal();
  const DoubleMatrix a = DoubleMatrix(root.transpose() * root) + DoubleMatrix::Identity(7, 7);
  const DoubleMatrix lower = cholesky(a);
  CHECK((DoubleMatrix(lower * lower.transpose()) - a).norm() < 1e-10);
  const DoubleMatrix right = root.leftCols(3);
  const DoubleMatrix solved = solve_lower_transposed(lower, solve_lower(lower, right));
  CHECK((DoubleMatrix(a * solved) - right).norm() < 1e-9);
  const Eigenpairs pairs = leading_eigenpairs(a, 2);
  CHECK(pairs.values[0] >= pairs.values[1]);
  CHECK((DoubleMatrix(a * pairs.vectors.col(0)) - pairs.values[0] * pairs.vectors.col(0)).norm() <
        1e-5 * pairs.values[0]);
}

TEST_CASE("20 measurements order an unseen device, whose own data no one saw", "[posterior]") {
  for (const std::size_t d : {3u, 4u}) {
    const auto& truth = cells().devices[d];
    const Posterior posterior = of_target(truth);
    const auto predicted = posterior.predict_log_ms(cells().psi);
    CHECK(spearman(predicted, truth) > 0.9);
    const auto beliefs = posterior.predict(cells().psi);
    double held = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const auto interval = beliefs[i].interval(0.9);
      held += interval.low <= truth[i] && truth[i] <= interval.high;
      CHECK(std::abs(beliefs[i].mean - predicted[i]) < 1e-9);
    }
    CHECK(held / double(truth.size()) > 0.75);
  }
}

TEST_CASE("a unit changes nothing but the unit", "[posterior]") {
  auto scaled = cells().devices[3];
  for (double& ms : scaled) ms *= 4;
  const auto plain = of_target(cells().devices[3]).predict(cells().psi);
  const auto other = of_target(scaled).predict(cells().psi);
  for (std::size_t i = 0; i < plain.size(); i += 10) {
    // The prior level is far wider than this, but not infinite.
    CHECK(std::abs(other[i].mean - plain[i].mean - std::log(4.0)) < 5e-3);
    CHECK(std::abs(other[i].spread / plain[i].spread - 1) < 0.05);
  }
}

TEST_CASE("the order of measurements does not matter", "[posterior]") {
  const auto& truth = cells().devices[4];
  auto reversed = twenty();
  std::reverse(reversed.begin(), reversed.end());
  const Posterior other(cells().prior, rows(cells().psi, reversed), values(truth, reversed));
  const auto a = of_target(truth).predict(cells().psi), b = other.predict(cells().psi);
  for (std::size_t i = 0; i < a.size(); i += 10) {
    CHECK(a[i].mean == Approx(b[i].mean).epsilon(1e-6));
    CHECK(a[i].spread == Approx(b[i].spread).epsilon(1e-4));
  }
}

TEST_CASE("left-out estimates are those of a posterior that never saw the measurement", "[posterior]") {
  const auto& truth = cells().devices[3];
  PosteriorOptions options;
  options.sets_aside = false;
  const Posterior all = of_target(truth, options);
  for (const std::size_t i : {0u, 7u, 19u}) {
    auto others = twenty();
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    const Posterior without(cells().prior, rows(cells().psi, others), values(truth, others), options);
    const auto belief = without.predict(rows(cells().psi, {twenty()[i]})).front();
    CHECK(all.left_out()[i].mean == Approx(belief.mean).margin(2e-3));
    CHECK(all.left_out()[i].spread == Approx(belief.spread).epsilon(0.1));
  }
}

TEST_CASE("more measurements than features give what their sufficient statistics say", "[posterior]") {
  // 300 rows go through the compression; noise as of a real device.
  const auto& truth = cells().devices[4];
  Rng rng(9);
  std::vector<std::size_t> many;
  std::vector<double> noisy;
  for (int i = 0; i < 600; ++i) {
    many.push_back(rng.below(truth.size()));
    noisy.push_back(truth[many.back()] * std::exp(0.05 * rng.normal()));
  }
  const Posterior posterior(cells().prior, rows(cells().psi, many), noisy);
  CHECK(posterior.noise() > 0.02);
  CHECK(posterior.noise() < 0.12);
  CHECK(spearman(posterior.predict_log_ms(cells().psi), truth) >
        spearman(of_target(truth).predict_log_ms(cells().psi), truth) - 0.005);
  double held = 0;
  const auto beliefs = posterior.predict(rows(cells().psi, many));
  for (std::size_t i = 0; i < noisy.size(); ++i) {
    const auto interval = beliefs[i].interval();
    held += interval.low <= noisy[i] && noisy[i] <= interval.high;
  }
  CHECK(held / double(noisy.size()) > 0.8);
}

TEST_CASE("with nothing measured there is an estimate, and it is wide", "[posterior]") {
  const Posterior nothing(cells().prior, RowMatrix(0, cells().psi.cols()), {});
  const auto before = nothing.predict(cells().psi),
             after = of_target(cells().devices[3]).predict(cells().psi);
  for (std::size_t i = 0; i < before.size(); i += 25) {
    CHECK(std::isfinite(before[i].mean));
    CHECK(before[i].spread > 2 * after[i].spread);
  }
  CHECK(nothing.left_out().empty());
}

TEST_CASE("more measurements make estimates surer", "[posterior]") {
  for (const std::size_t d : {3u, 4u}) {
    const auto& truth = cells().devices[d];
    const auto mean_spread = [&](std::size_t count) {
      const std::vector<std::size_t> some(twenty().begin(),
                                          twenty().begin() + static_cast<std::ptrdiff_t>(count));
      const Posterior posterior(cells().prior, rows(cells().psi, some), values(truth, some));
      double sum = 0;
      for (const Belief& belief : posterior.predict(cells().psi)) sum += belief.spread;
      return sum;
    };
    CHECK(mean_spread(1) > mean_spread(5));
    CHECK(mean_spread(5) > mean_spread(20));
  }
}

TEST_CASE("slips are set aside and named, clean measurements are not", "[posterior]") {
  for (const std::size_t d : {3u, 4u}) {
    const auto clean = of_target(cells().devices[d]);
    CHECK(std::count(clean.set_aside().begin(), clean.set_aside().end(), true) == 0);
    auto slipped = cells().devices[d];
    slipped[twenty()[4]] *= 3;
    slipped[twenty()[11]] *= 3;
    const auto found = of_target(slipped);
    for (std::size_t i = 0; i < 20; ++i) CHECK(found.set_aside()[i] == (i == 4 || i == 11));
    PosteriorOptions trusting;
    trusting.trusted.assign(20, false);
    trusting.trusted[4] = true;
    CHECK_FALSE(of_target(slipped, trusting).set_aside()[4]);
  }
}

TEST_CASE("the timer's unit is seen where it is coarse", "[posterior]") {
  auto whole = cells().devices[4];
  std::vector<double> sorted = whole;
  std::sort(sorted.begin(), sorted.end());
  for (double& ms : whole) ms = std::max(1.0, std::round(ms * 40 / sorted[sorted.size() / 2]));
  CHECK(of_target(whole).timer_unit_ms() == 1);
  CHECK(of_target(cells().devices[3]).timer_unit_ms() == 0);
}

TEST_CASE("what to measure next is distinct, and more is worth more", "[posterior]") {
  const Posterior nothing(cells().prior, RowMatrix(0, cells().psi.cols()), {});
  const auto first = nothing.next(cells().psi, 20);
  CHECK(std::set<std::size_t>(first.rows.begin(), first.rows.end()).size() == 20);
  CHECK(nothing.next(cells().psi, 5).worth < first.worth);
  CHECK(first.worth < 1);
  const Posterior after(cells().prior, rows(cells().psi, first.rows), values(cells().devices[3], first.rows));
  CHECK(after.next(cells().psi, 1).worth > 0);
  CHECK(after.next(cells().psi, 1).worth < after.next(cells().psi, 5).worth);
  CHECK_THROWS_AS(nothing.next(cells().psi, cells().architectures.size() + 1), Error);
}

TEST_CASE("priors survive being stored, and refuse what does not fit", "[posterior]") {
  for (const char* id : {"fbnet", "ofa"}) {
    const World w = world(id);
    const Prior read = read_prior(prior_tensors(w.prior), prior_meta(w.prior));
    CHECK(read.basis == w.prior.basis);
    CHECK(read.centres == w.prior.centres);
    CHECK(read.devices == w.prior.devices);
    CHECK(read.level == w.prior.level);
    const std::vector<std::size_t> some = {1, 20, 40, 77, 90, 120, 133, 150, 180, 200};
    const Posterior posterior(read, rows(w.psi, some), values(w.devices[3], some));
    CHECK(spearman(posterior.predict_log_ms(w.psi), w.devices[3]) > 0.8);
    auto tensors = prior_tensors(w.prior);
    tensors[1].shape = {tensors[1].shape[1], tensors[1].shape[0]};
    CHECK_THROWS_AS(read_prior(tensors, prior_meta(w.prior)), Error);
    tensors.pop_back();
    CHECK_THROWS_AS(read_prior(tensors, prior_meta(w.prior)), Error);
  }
}

TEST_CASE("bad measurements are refused by number", "[posterior]") {
  auto latency = values(cells().devices[3], twenty());
  latency[6] = -1;
  std::string message;
  try {
    Posterior(cells().prior, rows(cells().psi, twenty()), latency);
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.find("sample 7") != std::string::npos);
  CHECK(message.find("-1") != std::string::npos);
}

TEST_CASE("stated errors that are all equal change nothing but the interval", "[posterior]") {
  const auto& truth = cells().devices[3];
  const auto plain = of_target(truth).predict(cells().psi);
  for (const double error : {1e-4, 0.02, 0.5}) {
    PosteriorOptions options;
    options.relative_error.assign(20, error);
    const Posterior stated = of_target(truth, options);
    CHECK(stated.set_aside() == of_target(truth).set_aside());
    const auto beliefs = stated.predict(cells().psi);
    for (std::size_t i = 0; i < plain.size(); i += 10) {
      CHECK(beliefs[i].mean == plain[i].mean);
      CHECK(beliefs[i].spread >= plain[i].spread);
      CHECK(beliefs[i].spread >= error);
    }
  }
}

TEST_CASE("a measurement of a huge stated error barely moves the estimates", "[posterior]") {
  PosteriorOptions keeping;
  keeping.sets_aside = false;
  // Row by row, and merged.
  for (const std::size_t count : {20u, 400u}) {
    Rng rng(11);
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(rng.below(cells().architectures.size()));
    auto latency = values(cells().devices[4], chosen);
    for (double& ms : latency) ms *= std::exp(0.02 * rng.normal());
    const auto predicted = [&](const std::vector<double>& ms, const PosteriorOptions& options) {
      return Posterior(cells().prior, rows(cells().psi, chosen), ms, options).predict_log_ms(cells().psi);
    };
    PosteriorOptions stated = keeping;
    stated.relative_error.assign(count, 0.01);
    stated.relative_error[3] = 20;
    auto wrong = latency;
    wrong[3] *= 4;
    const auto right = predicted(latency, stated), moved = predicted(wrong, stated),
               unstated = predicted(wrong, keeping);
    double by = 0, by_unstated = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      by = std::max(by, std::abs(moved[i] - right[i]));
      by_unstated = std::max(by_unstated, std::abs(unstated[i] - right[i]));
    }
    CHECK(by < 1e-3);
    CHECK(by_unstated > 20 * by);
  }
}

TEST_CASE("stated errors bring estimates closer where measurements differ in their errors", "[posterior]") {
  double stated_off = 0, unstated_off = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    for (const std::size_t d : {3u, 4u}) {
      Rng rng(seed);
      auto noisy = cells().devices[d];
      PosteriorOptions options;
      for (const std::size_t i : twenty()) {
        options.relative_error.push_back(0.005 * std::pow(60.0, rng.uniform()));
        noisy[i] *= std::exp(options.relative_error.back() * rng.normal());
      }
      const auto stated = of_target(noisy, options).predict_log_ms(cells().psi),
                 unstated = of_target(noisy).predict_log_ms(cells().psi);
      for (std::size_t i = 0; i < stated.size(); ++i) {
        const double truth = std::log(cells().devices[d][i]);
        stated_off += std::abs(stated[i] - truth);
        unstated_off += std::abs(unstated[i] - truth);
      }
    }
  }
  CHECK(stated_off < 0.97 * unstated_off);
}

TEST_CASE("errors that cannot be are refused by number", "[posterior]") {
  for (const double error : {-0.1, std::nan(""), HUGE_VAL}) {
    PosteriorOptions options;
    options.relative_error.assign(20, 0.01);
    options.relative_error[6] = error;
    CHECK_THROWS_WITH(of_target(cells().devices[3], options),
                      ContainsSubstring("sample 7 has a relative error"));
  }
  PosteriorOptions few;
  few.relative_error = {0.1};
  CHECK_THROWS_AS(of_target(cells().devices[3], few), Error);
}
