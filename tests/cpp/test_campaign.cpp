#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "fixture.h"
#include "latencast/campaign.h"
#include "latencast/error.h"
#include "latencast/rng.h"

using namespace latencast;

namespace {

constexpr std::uint64_t kDevice = 77;  // none of those that synthetic_base() knows

// Every tenth cell.
const std::vector<Architecture>& cells() {
  static const std::vector<Architecture> some = [] {
    std::vector<Architecture> cells;
    for (std::size_t i = 0; i < 15625; i += 10) cells.push_back(space("nb201").enumerate()[i]);
    return cells;
  }();
  return some;
}

std::size_t position(const Architecture& cell) { return space("nb201").index(cell) / 10; }

// Larger cells are better, by and large; the rest is drawn.
const std::vector<double>& qualities() {
  static const std::vector<double> all = [] {
    Rng rng(9);
    std::vector<double> values;
    for (const auto& cell : cells())
      values.push_back(60 + 4 * std::log(1e-6 * static_cast<double>(space("nb201").macs(cell))) +
                       rng.normal());
    return values;
  }();
  return all;
}

double quality_of(const Architecture& cell) { return qualities()[position(cell)]; }

// The limits leave a tenth, a third and two thirds of the cells.
CampaignOptions three_limits() {
  std::vector<double> latencies;
  for (const auto& cell : cells()) latencies.push_back(synthetic_latency_ms(cell, kDevice));
  std::sort(latencies.begin(), latencies.end());
  CampaignOptions options;
  options.limits_ms = {latencies[150], latencies[500], latencies[1000]};
  options.transfer.epochs = 10;
  return options;
}

double best_possible(double limit_ms) {
  double best = 0;
  for (const auto& cell : cells())
    if (synthetic_latency_ms(cell, kDevice) <= limit_ms) best = std::max(best, quality_of(cell));
  return best;
}

Campaign finished(const CampaignOptions& options) {
  Campaign campaign(synthetic_base(), cells(), qualities(), options);
  while (campaign.next()) campaign.tell(synthetic_latency_ms(*campaign.next(), kDevice));
  return campaign;
}

}  // namespace

TEST_CASE("campaign: within the budget it finds what meets each limit and is near the best there is") {
  const CampaignOptions options = three_limits();
  const Campaign campaign = finished(options);
  std::set<Architecture> measured;
  for (const auto& one : campaign.measured()) measured.insert(one.architecture);
  CHECK(measured.size() == campaign.measured().size());
  CHECK(measured.size() <= 20);
  CHECK(measured.size() > 6);

  Rng rng(3);
  const auto drawn = rng.choose(cells().size(), 20);
  const auto best = campaign.best();
  REQUIRE(best.size() == 3);
  double short_of_best = 0, short_by_chance = 0;
  for (std::size_t limit = 0; limit < 3; ++limit) {
    const double limit_ms = options.limits_ms[limit], possible = best_possible(limit_ms);
    REQUIRE(best[limit]);
    CHECK(best[limit]->latency_ms <= limit_ms);
    CHECK(best[limit]->latency_ms == synthetic_latency_ms(best[limit]->architecture, kDevice));
    short_of_best += possible - quality_of(best[limit]->architecture);
    double chance = 0;
    for (const std::size_t i : drawn)
      if (synthetic_latency_ms(cells()[i], kDevice) <= limit_ms) chance = std::max(chance, qualities()[i]);
    short_by_chance += possible - chance;
    // No other measured one is better.
    for (const auto& one : campaign.measured())
      CHECK((one.latency_ms > limit_ms ||
             quality_of(one.architecture) <= quality_of(best[limit]->architecture)));
  }
  CHECK(short_of_best < 0.5 * short_by_chance);
}

TEST_CASE("campaign: one seed gives one course, another seed another") {
  CampaignOptions options = three_limits();
  options.budget = 8;
  options.second = 7;
  const auto course = [&] {
    std::vector<Architecture> all;
    const Campaign campaign = finished(options);
    for (const auto& one : campaign.measured()) all.push_back(one.architecture);
    return all;
  };
  const auto first = course();
  CHECK(course() == first);
  options.transfer.seed = 1;
  CHECK(course() != first);
}

TEST_CASE("campaign: candidates of unknown quality are never measured; it ends when nothing can improve") {
  CampaignOptions options = three_limits();
  options.limits_ms = {1e6};
  std::vector<double> quality = qualities();
  for (std::size_t i = 0; i < quality.size(); i += 2) quality[i] = std::numeric_limits<double>::quiet_NaN();
  Campaign campaign(synthetic_base(), cells(), quality, options);
  while (campaign.next()) {
    CHECK(position(*campaign.next()) % 2 == 1);
    campaign.tell(synthetic_latency_ms(*campaign.next(), kDevice));
  }
  // Everything meets the limit, so the seventh is the best of all and the last.
  CHECK(campaign.measured().size() <= 7);
  const double best = quality[position(campaign.best()[0]->architecture)];
  for (const double one : quality) CHECK_FALSE(one > best);
}

TEST_CASE("campaign: refusals") {
  const auto attempt = [](const CampaignOptions& options, std::size_t qualities_given) {
    Campaign(synthetic_base(), cells(), std::vector<double>(qualities_given, 1.0), options);
  };
  CampaignOptions options = three_limits();
  CHECK_THROWS_WITH(attempt(options, 3), ContainsSubstring("3 qualities of 1563"));
  options.first = 2;
  CHECK_THROWS_WITH(attempt(options, cells().size()), ContainsSubstring("2 first measurements"));
  options = three_limits();
  options.limits_ms.clear();
  CHECK_THROWS_WITH(attempt(options, cells().size()), ContainsSubstring("no limit"));
  options = three_limits();
  CHECK_THROWS_WITH(Campaign(synthetic_base(), {"000000"}, {1.0}, options),
                    ContainsSubstring("1 candidates"));
  Campaign campaign(synthetic_base(), cells(), qualities(), options);
  CHECK_THROWS_WITH(campaign.tell(-1), ContainsSubstring("-1") && ContainsSubstring("positive"));
}
