#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catch.h"
#include "fixture.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/transfer.h"

using namespace latencast;

namespace {

std::string refusal(std::vector<Measurement> measurements, TransferOptions options = {}) {
  try {
    Transfer(synthetic_base(), measurements, options);
  } catch (const Error& error) {
    REQUIRE((error.code() == ErrorCode::measurement || error.code() == ErrorCode::argument));
    return error.what();
  }
  return "";
}

std::vector<double> truth_of(const std::vector<Architecture>& cells, std::uint64_t device) {
  std::vector<double> truth;
  for (const auto& cell : cells) truth.push_back(synthetic_latency_ms(cell, device));
  return truth;
}

}  // namespace

TEST_CASE("transfer: twenty measurements of a new device give its order and its milliseconds") {
  const auto& all = space("nb201").enumerate();
  const std::vector<Architecture> unseen(all.begin() + 8000, all.begin() + 8500);
  const Predictor adapted = transfer(synthetic_base(), synthetic_measurements(), {});
  const auto predicted = adapted.latency_ms(unseen);
  const auto truth = truth_of(unseen, 99);
  CHECK(spearman(predicted, truth) > 0.93);
  CHECK(mdape(predicted, truth) < 0.15);
  // Fine-tuning must add to merely copying the nearest source.
  CHECK(spearman(predicted, truth) >
        spearman(synthetic_base().scores(adapted.nearest()->device, unseen), truth));
}

TEST_CASE("transfer: starts from the source whose ranks match best") {
  const auto measurements = synthetic_measurements(20, 2);
  const Nearest nearest = Transfer(synthetic_base(), measurements, {}).nearest();
  std::vector<Architecture> cells;
  std::vector<double> latency_ms;
  for (const auto& one : measurements) {
    cells.push_back(one.architecture);
    latency_ms.push_back(one.latency_ms);
  }
  CHECK(nearest.spearman == spearman(synthetic_base().scores(nearest.device, cells), latency_ms));
  CHECK(nearest.kendall == kendall(synthetic_base().scores(nearest.device, cells), latency_ms));
  for (const auto& device : synthetic_base().devices())
    CHECK(kendall(synthetic_base().scores(device, cells), latency_ms) <= nearest.kendall);
}

TEST_CASE("transfer: input and seed decide the result; the base stays as it was") {
  const auto before = sha256_hex(synthetic_base().write());
  TransferOptions options;
  options.epochs = 6;
  options.seed = 5;
  const auto adapted = [&] {
    return sha256_hex(transfer(synthetic_base(), synthetic_measurements(), options).write());
  };
  const auto first = adapted();
  CHECK(first == adapted());
  options.seed = 6;
  CHECK(first != adapted());
  CHECK(sha256_hex(synthetic_base().write()) == before);
}

TEST_CASE("transfer: every setting takes part") {
  TransferOptions options;
  options.epochs = 4;
  const auto usual = transfer(synthetic_base(), synthetic_measurements(), options).write();
  const auto differs = [&](TransferOptions changed) {
    changed.epochs = 4;
    return transfer(synthetic_base(), synthetic_measurements(), changed).write() != usual;
  };
  TransferOptions rate, hardware, margin;
  rate.learning_rate = 5e-3;
  hardware.hardware_learning_rate = 5e-2;
  margin.log_ratio_margin = false;
  CHECK(differs(rate));
  CHECK(differs(hardware));
  CHECK(differs(margin));
  CHECK(differs(TransferOptions::published()));
}

TEST_CASE("transfer: steps, and says where it stands") {
  TransferOptions options;
  options.epochs = 3;
  Transfer running(synthetic_base(), synthetic_measurements(), options);
  CHECK(running.progress().total_steps == 6);  // 20 measurements in batches of 16
  CHECK_THROWS_WITH(running.result(), ContainsSubstring("0 of 6"));
  int steps = 1;
  while (running.step()) {
    ++steps;
    CHECK(running.progress().step == steps - 1);
    CHECK(running.progress().epoch == (steps - 1) / 2);
  }
  CHECK(steps == 6);
  CHECK(running.progress().epoch == 3);
  CHECK(running.progress().loss >= 0);
  CHECK_FALSE(running.step());
  CHECK(running.result().measurements().size() == 20);
}

TEST_CASE("transfer: few, tied and repeated measurements work") {
  TransferOptions options;
  options.epochs = 2;
  const auto three = transfer(synthetic_base(), synthetic_measurements(3), options);
  CHECK(std::isfinite(three.latency_ms({"333333"})[0]));
  // Seventeen leave a last batch of one.
  CHECK(std::isfinite(
      transfer(synthetic_base(), synthetic_measurements(17), options).latency_ms({"333333"})[0]));
  auto tied = synthetic_measurements();
  for (auto& one : tied) one.latency_ms = std::ceil(one.latency_ms / 8) * 8;
  CHECK(std::isfinite(transfer(synthetic_base(), tied, options).latency_ms({"333333"})[0]));
  std::vector<Measurement> repeated(6, {"333333", 30});
  repeated[1].latency_ms = 31;
  repeated.push_back({"000000", 3});
  CHECK(transfer(synthetic_base(), repeated, options).latency_ms({"333333"})[0] > 0);
}

TEST_CASE("transfer: refuses what it cannot use, and names it") {
  auto measurements = synthetic_measurements();
  measurements[3].latency_ms = -1;
  CHECK(refusal(measurements) ==
        "transfer: sample 4 has latency -1 ms; latencies must be finite and positive");
  measurements[3].latency_ms = -2e-9;
  CHECK_THAT(refusal(measurements), ContainsSubstring("latency -2e-09 ms"));
  measurements[3].latency_ms = std::numeric_limits<double>::infinity();
  CHECK_THAT(refusal(measurements), ContainsSubstring("sample 4"));
  CHECK_THAT(refusal(synthetic_measurements(2)),
             ContainsSubstring("found 2") && ContainsSubstring("at least 3"));
  CHECK_THAT(refusal(std::vector<Measurement>(5, {"333333", 12})),
             ContainsSubstring("all 5") && ContainsSubstring("12 ms"));
  TransferOptions options;
  options.epochs = 0;
  CHECK_THAT(refusal(synthetic_measurements(), options), ContainsSubstring("epochs"));
  options = {};
  options.learning_rate = -1;
  CHECK_THAT(refusal(synthetic_measurements(), options), ContainsSubstring("learning rate -1"));
  options = {};
  options.hardware_learning_rate = 0;
  CHECK_THAT(refusal(synthetic_measurements(), options), ContainsSubstring("hardware learning rate 0"));
  TransferOptions quick;
  quick.epochs = 1;
  CHECK_THROWS_WITH(
      transfer(transfer(synthetic_base(), synthetic_measurements(), quick), synthetic_measurements(), quick),
      ContainsSubstring("pre-trained"));
}

TEST_CASE("calibrate: rises, and recovers a smooth curve from few points") {
  Rng rng(2);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> score, latency;
    const std::size_t n = 3 + rng.below(30);
    const double slope = 0.2 + rng.uniform(), bend = rng.uniform();
    const auto curve = [&](double s) { return std::exp(1 + slope * s + bend * s * s); };
    for (std::size_t i = 0; i < n; ++i) {
      score.push_back(2 * rng.uniform());
      latency.push_back(curve(score.back()) * (1 + 0.01 * rng.normal()));
    }
    const Calibration calibration = calibrate(score, latency);
    double previous = 0;
    for (double s = -1; s < 3; s += 0.05) {
      const double value = calibration.latency_ms(s);
      REQUIRE(value >= previous);
      previous = value;
    }
    if (n < 12) continue;
    const auto [low, high] = std::minmax_element(score.begin(), score.end());
    for (double s = *low; s < *high; s += 0.1)
      REQUIRE(calibration.latency_ms(s) == Approx(curve(s)).epsilon(0.12));
  }
}

TEST_CASE("calibrate: degenerate inputs") {
  CHECK(calibrate({1}, {5}).latency_ms(7) == Approx(5));
  CHECK(calibrate({2, 2, 2}, {4, 5, 6}).latency_ms(2) == Approx(5));
  // A score that runs the wrong way gives a flat line rather than a falling one.
  const Calibration flat = calibrate({1, 2, 3, 4}, {8, 6, 4, 2});
  CHECK(flat.latency_ms(4) == Approx(flat.latency_ms(1)));
  CHECK_THROWS_AS(calibrate({}, {}), Error);
  CHECK_THROWS_AS(calibrate({1}, {1, 2}), Error);
}
