#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "fixture.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "latencast/search.h"
#include "latencast/transfer.h"

using namespace latencast;

namespace {

// A problem whose optimum can be computed: each block costs whole microseconds and is worth something, both
// drawn at random per block and choice; the best for a limit is a knapsack's.
struct Knapsack {
  static constexpr std::size_t kBlocks = 22, kChoices = 9;
  int cost[kBlocks][kChoices];
  double worth[kBlocks][kChoices];

  explicit Knapsack(std::uint64_t seed) {
    Rng rng(seed);
    for (std::size_t block = 0; block < kBlocks; ++block) {
      for (std::size_t choice = 0; choice < kChoices; ++choice) {
        cost[block][choice] = 1 + rng.below(100);
        // Dearer blocks tend to be better, so the limit hurts.
        worth[block][choice] = std::sqrt(cost[block][choice]) * (0.5 + rng.uniform());
      }
    }
  }

  Estimate latency_ms() const {
    return [this](const std::vector<Architecture>& all) {
      std::vector<double> values;
      for (const auto& one : all) {
        int total = 0;
        for (std::size_t block = 0; block < kBlocks; ++block) total += cost[block][one[block] - '0'];
        values.push_back(total * 1e-3);
      }
      return values;
    };
  }

  Estimate quality() const {
    return [this](const std::vector<Architecture>& all) {
      std::vector<double> values;
      for (const auto& one : all) {
        double total = 0;
        for (std::size_t block = 0; block < kBlocks; ++block) total += worth[block][one[block] - '0'];
        values.push_back(total);
      }
      return values;
    };
  }

  double optimum(double limit_ms) const {
    const auto limit = static_cast<std::size_t>(std::lround(limit_ms * 1e3));
    std::vector<double> value(limit + 1, 0);
    for (std::size_t block = 0; block < kBlocks; ++block) {
      std::vector<double> next(limit + 1, -1e9);
      for (std::size_t used = 0; used <= limit; ++used)
        for (std::size_t choice = 0; choice < kChoices; ++choice)
          if (const auto left = static_cast<std::ptrdiff_t>(used) - cost[block][choice]; left >= 0)
            next[used] = std::max(next[used], value[static_cast<std::size_t>(left)] + worth[block][choice]);
      value = next;
    }
    return value[limit];
  }
};

SearchOptions with_limits(std::vector<double> limits) {
  SearchOptions options;
  options.limits_ms = std::move(limits);
  return options;
}

void run(Search& search) {
  while (search.step()) {
  }
}

}  // namespace

TEST_CASE("search: evolution comes close to the known optimum at every limit, far closer than chance") {
  const std::vector<double> limits = {0.4, 0.7, 1.0, 1.3};
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Knapsack problem(seed);
    SearchOptions options = with_limits(limits);
    options.seed = seed;
    Search search(space("fbnet"), problem.latency_ms(), problem.quality(), options);
    run(search);
    CHECK(search.evaluated() <= 5000);

    Rng rng(seed);
    std::vector<Architecture> drawn;
    for (int i = 0; i < 5000; ++i) drawn.push_back(space("fbnet").random(rng));
    const auto latency = problem.latency_ms()(drawn), quality = problem.quality()(drawn);
    const auto best = search.best();
    double reached = 0, by_chance = 0;
    for (std::size_t limit = 0; limit < limits.size(); ++limit) {
      const double optimum = problem.optimum(limits[limit]);
      double chance = 0;
      for (std::size_t i = 0; i < drawn.size(); ++i)
        if (latency[i] <= limits[limit]) chance = std::max(chance, quality[i]);
      REQUIRE(best[limit]);
      CHECK(best[limit]->latency_ms <= limits[limit]);
      CHECK(best[limit]->quality <= optimum + 1e-9);
      CHECK(best[limit]->quality >= 0.88 * optimum);
      reached += best[limit]->quality / optimum / static_cast<double>(limits.size());
      by_chance += chance / optimum / static_cast<double>(limits.size());
      // What it says of the candidate is so.
      CHECK(problem.latency_ms()({best[limit]->architecture})[0] == best[limit]->latency_ms);
      CHECK(problem.quality()({best[limit]->architecture})[0] == best[limit]->quality);
    }
    CHECK(reached > 0.93);
    CHECK(by_chance < 0.8);
  }
}

TEST_CASE("search: a space that can be listed is looked at whole") {
  const Predictor adapted = transfer(synthetic_base(), synthetic_measurements(), [] {
    TransferOptions options;
    options.epochs = 2;
    return options;
  }());
  const Space& nb201 = space("nb201");
  const auto params = [&](const std::vector<Architecture>& all) {
    std::vector<double> values;
    for (const auto& one : all) values.push_back(static_cast<double>(nb201.params(one)));
    return values;
  };
  const auto latency = adapted.latency_ms(nb201.enumerate()), quality = params(nb201.enumerate());
  std::vector<double> sorted = latency;
  std::sort(sorted.begin(), sorted.end());
  const std::vector<double> limits = {sorted[0] / 2, sorted[0], sorted[4000], sorted[15000]};
  Search search(adapted, params, with_limits(limits));
  CHECK(search.done() == 0);
  run(search);
  CHECK(search.done() == 1);
  CHECK_FALSE(search.step());
  CHECK(search.evaluated() == 15625);
  const auto best = search.best();
  CHECK_FALSE(best[0]);
  for (std::size_t limit = 1; limit < limits.size(); ++limit) {
    double highest = -1, fastest = 0;
    for (std::size_t i = 0; i < latency.size(); ++i) {
      if (latency[i] > limits[limit] || quality[i] < highest) continue;
      if (quality[i] > highest || latency[i] < fastest) fastest = latency[i];
      highest = quality[i];
    }
    REQUIRE(best[limit]);
    CHECK(best[limit]->quality == highest);
    CHECK(best[limit]->latency_ms == Approx(fastest).epsilon(1e-6));
  }
}

TEST_CASE("search: the front holds what nothing beats, and all of it") {
  const Knapsack problem(4);
  SearchOptions options = with_limits({0.8});
  options.evaluations = 600;
  std::vector<Candidate> all;
  const auto latency_ms = problem.latency_ms();
  Search search(
      space("fbnet"), latency_ms,
      [&](const std::vector<Architecture>& asked) {
        const auto latency = latency_ms(asked), quality = problem.quality()(asked);
        for (std::size_t i = 0; i < asked.size(); ++i) all.push_back({asked[i], latency[i], quality[i]});
        return quality;
      },
      options);
  run(search);
  const auto front = search.front();
  REQUIRE(front.size() > 3);
  for (std::size_t i = 1; i < front.size(); ++i) {
    CHECK(front[i].latency_ms > front[i - 1].latency_ms);
    CHECK(front[i].quality > front[i - 1].quality);
  }
  for (const auto& candidate : all)
    CHECK(std::any_of(front.begin(), front.end(), [&](const Candidate& one) {
      return one.latency_ms <= candidate.latency_ms && one.quality >= candidate.quality;
    }));
}

TEST_CASE("search: best grows better with every step, and one seed gives one result") {
  const Knapsack problem(5);
  SearchOptions options = with_limits({0.6, 1.1});
  options.evaluations = 1500;
  Search first(space("fbnet"), problem.latency_ms(), problem.quality(), options);
  Search second(space("fbnet"), problem.latency_ms(), problem.quality(), options);
  std::vector<double> before(2, 0);
  bool more = true;
  while (more) {
    const double done = first.done();
    more = first.step();
    CHECK(second.step() == more);
    CHECK(first.done() > done);
    for (std::size_t limit = 0; limit < 2; ++limit) {
      if (!first.best()[limit]) continue;
      CHECK(first.best()[limit]->quality >= before[limit]);
      before[limit] = first.best()[limit]->quality;
      CHECK(second.best()[limit]->architecture == first.best()[limit]->architecture);
    }
  }
  CHECK(first.done() == 1);
}

TEST_CASE("search: architectures to start from are looked at first; what has no value is never chosen") {
  const Knapsack problem(6);
  SearchOptions options = with_limits({10});
  options.evaluations = 300;
  Rng rng(1);
  for (int i = 0; i < 5; ++i) options.start.push_back(space("fbnet").random(rng));
  std::vector<Architecture> asked;
  Search search(
      space("fbnet"), problem.latency_ms(),
      [&](const std::vector<Architecture>& all) {
        asked.insert(asked.end(), all.begin(), all.end());
        auto quality = problem.quality()(all);
        for (std::size_t i = 0; i < all.size(); ++i)
          if (all[i][0] != '3') quality[i] = std::numeric_limits<double>::quiet_NaN();
        return quality;
      },
      options);
  run(search);
  CHECK(std::equal(options.start.begin(), options.start.end(), asked.begin()));
  CHECK(asked.size() == 300);
  REQUIRE(search.best()[0]);
  CHECK(search.best()[0]->architecture[0] == '3');
  for (const auto& candidate : search.front()) CHECK(candidate.architecture[0] == '3');
}

TEST_CASE("search: a small space without listing ends, though all of it has been seen") {
  SearchOptions options = with_limits({1});
  options.exhaustive_if_possible = false;
  options.evaluations = 20000;
  const auto constant = [](const std::vector<Architecture>& all) {
    return std::vector<double>(all.size(), 0.5);
  };
  Search search(space("nb201"), constant, constant, options);
  run(search);
  CHECK(search.evaluated() <= 15625);
  CHECK(search.best()[0]);
}

TEST_CASE("search: refusals") {
  const auto one = [](const std::vector<Architecture>& all) { return std::vector<double>(all.size(), 1.0); };
  const auto attempt = [&](const SearchOptions& options) { Search(space("fbnet"), one, one, options); };
  CHECK_THROWS_WITH(attempt(with_limits({})), ContainsSubstring("no limit"));
  CHECK_THROWS_WITH(attempt(with_limits({5, -1})), ContainsSubstring("limit 2") && ContainsSubstring("-1"));
  SearchOptions options = with_limits({5});
  options.population = 1;
  CHECK_THROWS_WITH(attempt(options),
                    ContainsSubstring("population is 1") && ContainsSubstring("at least 2"));
  CHECK_THROWS_WITH(Search(synthetic_base(), one, with_limits({5})), ContainsSubstring("transferred"));
  Search wrong(
      space("fbnet"), one, [](const std::vector<Architecture>&) { return std::vector<double>(3); },
      with_limits({5}));
  CHECK_THROWS_WITH(wrong.step(), ContainsSubstring("quality estimate gave 3 values; expected 32"));
}
