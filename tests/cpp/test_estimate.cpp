// The closed-form transfer as a predictor, on the shipped weights: what users call.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/estimate.h"
#include "latencast/posterior.h"
#include "latencast/transfer.h"
#include "simulate.h"

using namespace latencast;

namespace {

const Predictor& shipped(const std::string& space_id) {
  static std::map<std::string, Predictor> known;
  const auto found = known.find(space_id);
  if (found != known.end()) return found->second;
  std::ifstream file(LATENCAST_TEST_DATA "/../weights/" + space_id + ".latencast", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  return known.emplace(space_id, Predictor::read(bytes)).first->second;
}

std::vector<Measurement> measured(const std::string& space_id, std::size_t count) {
  const Space& in = space(space_id);
  Rng rng(4);
  SimulatedDevice device(in, rng);
  std::vector<Measurement> measurements;
  for (std::size_t i = 0; i < count; ++i) {
    const auto architecture = in.random(rng);
    measurements.push_back({architecture, 0.05 * device.latency(in.graph(architecture))});
  }
  return measurements;
}

std::vector<Architecture> some(const std::string& space_id, int count) {
  Rng rng(8);
  std::vector<Architecture> architectures;
  for (int i = 0; i < count; ++i) architectures.push_back(space(space_id).random(rng));
  return architectures;
}

std::vector<Doubt> doubts(const std::vector<Measurement>& measurements) {
  return review(estimate(shipped("nb201"), measurements)).doubts;
}

}  // namespace

TEST_CASE("every shipped predictor transfers in closed form, and the result survives being saved",
          "[estimate]") {
  for (const char* id : {"nb201", "fbnet", "ofa"}) {
    const Predictor adapted = estimate(shipped(id), measured(id, 20), {"board", {}});
    CHECK(adapted.is_transferred());
    CHECK(adapted.devices() == std::vector<std::string>{"board"});
    CHECK(adapted.measurements().size() == 20);
    const auto asked = some(id, 40);
    const auto latency = adapted.latency_ms(asked);
    const auto beliefs = adapted.beliefs(asked);
    const Predictor read = Predictor::read(adapted.write());
    CHECK(read.latency_ms(asked) == latency);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto wide = beliefs[i].interval(0.9), narrow = beliefs[i].interval(0.5);
      CHECK(wide.median == Approx(latency[i]));
      CHECK(wide.low < narrow.low);
      CHECK(narrow.high < wide.high);
    }
    const Review said = review(adapted);
    CHECK(said.expected_spearman > 0.5);
    CHECK(said.expected_error < 0.5);
    CHECK(said.left_out.size() == 20);
  }
}

TEST_CASE("what measurements state of their errors counts, and survives being saved", "[estimate]") {
  auto measurements = measured("nb201", 20);
  const auto asked = some("nb201", 40);
  const auto unstated = estimate(shipped("nb201"), measurements).latency_ms(asked);
  measurements[5].relative_error = 0.7;
  const Predictor adapted = estimate(shipped("nb201"), measurements), read = Predictor::read(adapted.write());
  CHECK(adapted.latency_ms(asked) != unstated);
  CHECK(read.latency_ms(asked) == adapted.latency_ms(asked));
  CHECK(read.measurements()[5].relative_error == 0.7);
  CHECK(read.measurements()[6].relative_error == 0);
}

TEST_CASE("readings of one architecture may differ by what they state", "[estimate]") {
  auto measurements = measured("nb201", 20);
  measurements.push_back(measurements[0]);
  measurements.back().latency_ms *= 1.9;
  const auto doubted = [&] {
    const auto found = doubts(measurements);
    return std::any_of(found.begin(), found.end(),
                       [](const Doubt& one) { return one.kind == Doubt::Kind::duplicate; });
  };
  CHECK(doubted());
  measurements.back().relative_error = 0.6;
  CHECK_FALSE(doubted());
}

TEST_CASE("a pre-trained predictor keeps its prior when it is saved", "[estimate]") {
  const Predictor read = Predictor::read(shipped("fbnet").write());
  CHECK(read.has_prior());
  CHECK(read.write() == shipped("fbnet").write());
  const auto asked = some("fbnet", 5);
  CHECK(estimate(read, measured("fbnet", 8)).latency_ms(asked) ==
        estimate(shipped("fbnet"), measured("fbnet", 8)).latency_ms(asked));
}

TEST_CASE("without measurements, and without a prior", "[estimate]") {
  const Predictor nothing = estimate(shipped("nb201"), {});
  for (const double ms : nothing.latency_ms(some("nb201", 10))) CHECK(ms > 0);
  CHECK(review(nothing).doubts.empty());
  CHECK_THROWS_AS(review(shipped("nb201")), Error);
  CHECK_THROWS_AS(shipped("nb201").beliefs(some("nb201", 1)), Error);
  CHECK_THROWS_AS(estimate(shipped("nb201"), measured("nb201", 3), {"x", Quantity::latency, {3}}), Error);
}

TEST_CASE("odd measurements are named by what is odd about them", "[estimate]") {
  const auto clean = measured("nb201", 24);
  CHECK(doubts(clean).empty());

  auto slip = clean;
  slip[5].latency_ms *= 3;
  REQUIRE(doubts(slip).size() == 1);
  CHECK(doubts(slip)[0].kind == Doubt::Kind::outlier);
  CHECK(doubts(slip)[0].measurements == std::vector<std::size_t>{5});
  CHECK(doubts(slip)[0].factor == Approx(3).epsilon(0.3));
  CHECK(doubts(slip)[0].set_aside);
  CHECK(doubts(slip)[0].message.find("measurement 6 is") != std::string::npos);

  auto unit = clean;
  unit[7].latency_ms *= 1000;
  REQUIRE(doubts(unit).size() == 1);
  CHECK(doubts(unit)[0].kind == Doubt::Kind::unit);
  CHECK(doubts(unit)[0].factor == 1000);

  auto twice = clean;
  twice.push_back(clean[0]);
  twice.back().latency_ms *= 1.9;
  const auto found = doubts(twice);
  CHECK(std::any_of(found.begin(), found.end(), [](const Doubt& one) {
    return one.kind == Doubt::Kind::duplicate && one.measurements == std::vector<std::size_t>{0, 24};
  }));

  auto mixed = clean;
  for (const std::size_t i : {1u, 6u, 13u, 20u}) mixed[i].latency_ms *= 2.5;
  REQUIRE(doubts(mixed).size() == 1);
  CHECK(doubts(mixed)[0].kind == Doubt::Kind::mixture);
  CHECK(doubts(mixed)[0].measurements == std::vector<std::size_t>{1, 6, 13, 20});

  auto microseconds = clean;
  for (auto& one : microseconds) one.latency_ms *= 1e5;
  const auto scale = doubts(microseconds);
  REQUIRE(scale.size() == 1);
  CHECK(scale[0].kind == Doubt::Kind::scale);
  CHECK(scale[0].measurements.size() == 24);

  auto saturated = clean;
  std::vector<double> sorted;
  for (const auto& one : clean) sorted.push_back(one.latency_ms);
  std::sort(sorted.begin(), sorted.end());
  for (auto& one : saturated) one.latency_ms = std::max(one.latency_ms, sorted[9]);
  const auto floor = doubts(saturated);
  CHECK(std::any_of(floor.begin(), floor.end(), [](const Doubt& one) {
    return one.kind == Doubt::Kind::saturated && one.measurements.size() >= 10;
  }));
}

#ifndef __EMSCRIPTEN__  // no threads there
TEST_CASE("threads that share a predictor get what each would get alone", "[estimate]") {
  for (const char* id : {"nb201", "fbnet"}) {
    const Predictor& base = shipped(id);
    std::vector<std::vector<Measurement>> measurements;
    std::vector<std::vector<double>> alone;
    for (std::size_t i = 0; i < 4; ++i) measurements.push_back(measured(id, 18 + i));
    const auto asked = some(id, 60);
    for (const auto& of_one : measurements) alone.push_back(estimate(base, of_one).latency_ms(asked));
    // A copy that was read anew has embedded nothing yet.
    const Predictor fresh = Predictor::read(base.write());
    std::vector<std::size_t> wrong(measurements.size(), 0);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < measurements.size(); ++i)
      threads.emplace_back([&, i] {
        for (int round = 0; round < 25; ++round)
          wrong[i] += estimate(fresh, measurements[i]).latency_ms(asked) != alone[i];
      });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == std::vector<std::size_t>(measurements.size(), 0));
  }
}
#endif

TEST_CASE("suggestions are new, and refuse a pool that is too small", "[estimate]") {
  const auto pool = some("fbnet", 60);
  const Suggestion first = suggest(shipped("fbnet"), pool, 20);
  CHECK(first.chosen.size() == 20);
  std::vector<Measurement> measurements;
  Rng rng(2);
  SimulatedDevice device(space("fbnet"), rng);
  for (const auto i : first.chosen)
    measurements.push_back({pool[i], device.latency(space("fbnet").graph(pool[i]))});
  const Predictor adapted = estimate(shipped("fbnet"), measurements);
  const Suggestion next = suggest(adapted, pool, 3);
  for (const auto i : next.chosen)
    CHECK(std::find(first.chosen.begin(), first.chosen.end(), i) == first.chosen.end());
  CHECK(next.worth < first.worth);
  CHECK_THROWS_AS(suggest(adapted, pool, 50), Error);
}

TEST_CASE("a combination lies between its parts, has the closed form's spread and survives being saved",
          "[estimate]") {
  auto measurements = measured("nb201", 20);
  measurements[4].latency_ms *= 1000;
  const Predictor closed = estimate(shipped("nb201"), measurements, {"board", {}});
  const auto kept = to_fine_tune_on(closed);
  REQUIRE(kept.size() == 19);
  TransferOptions options;
  options.epochs = 2;
  const Predictor tuned = transfer(shipped("nb201"), kept, options), both = combine(closed, tuned);
  CHECK(both.devices() == std::vector<std::string>{"board"});
  CHECK(both.measurements().size() == 20);
  const auto asked = some("nb201", 30);
  const auto a = closed.latency_ms(asked), b = tuned.latency_ms(asked), mean = both.latency_ms(asked);
  const auto plain = closed.beliefs(asked), beliefs = both.beliefs(asked);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    CHECK(std::log(mean[i] / a[i]) == Approx(0.35 * std::log(b[i] / a[i])).margin(1e-6));
    CHECK(std::exp(beliefs[i].mean) == Approx(mean[i]));
    CHECK(beliefs[i].spread == plain[i].spread);
  }
  const Predictor again = Predictor::read(both.write());
  CHECK(again.latency_ms(asked) == mean);
  CHECK(again.write() == both.write());
  CHECK(both.quantity() == Quantity::latency);
  const Predictor energies =
      combine(estimate(shipped("nb201"), kept, {"board", Quantity::energy, {}}), tuned);
  CHECK(energies.quantity() == Quantity::energy);
  CHECK(Predictor::read(energies.write()).quantity() == Quantity::energy);
  CHECK_THROWS_AS(combine(tuned, closed), Error);
  CHECK_THROWS_AS(combine(closed, both), Error);
  CHECK_THROWS_AS(to_fine_tune_on(tuned), Error);
  CHECK_THROWS_AS(combine(estimate(shipped("fbnet"), measured("fbnet", 5)), tuned), Error);
}

TEST_CASE("nothing to fine-tune on in chain spaces, nor with too few readings or equal ones", "[estimate]") {
  CHECK(to_fine_tune_on(estimate(shipped("ofa"), measured("ofa", 20))).empty());
  auto measurements = measured("nb201", 3);
  CHECK(to_fine_tune_on(estimate(shipped("nb201"), measurements)).size() == 3);
  CHECK(to_fine_tune_on(estimate(shipped("nb201"), {measurements[0], measurements[1]})).empty());
  for (Measurement& one : measurements) one.latency_ms = 7;
  CHECK(to_fine_tune_on(estimate(shipped("nb201"), measurements)).empty());
}
