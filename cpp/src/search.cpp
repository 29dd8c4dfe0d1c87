// Latency-constrained search: all architectures where a space can be listed, else regularised evolution (Real
// et al., AAAI 2019), whose every child is bred for one of the limits in turn.
#include "latencast/search.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <unordered_set>
#include <utility>

#include "latencast/error.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

// A whole listed space in one call, where it is no larger than NAS-Bench-201: the predictor shares work
// between architectures.
constexpr std::size_t kListed = 16384;
constexpr std::size_t kChildren = 32;  // of one generation, predicted together
// Share of the children whose parent is the best of all so far, which the population may have outlived. On
// random knapsacks of 22 blocks, 5,000 evaluations for four limits, .25 reaches .95 of the optimum, 0 reaches
// .94.
constexpr double kFromBest = 0.25;

void check(const SearchOptions& options) {
  const auto at_least = [](const char* name, int value, int least) {
    if (value < least)
      throw Error(ErrorCode::argument, std::string("search: ") + name + " is " + std::to_string(value) +
                                           "; expected at least " + std::to_string(least));
  };
  at_least("population", options.population, 2);
  at_least("tournament", options.tournament, 1);
  at_least("evaluations", options.evaluations, 1);
  if (options.limits_ms.empty())
    throw Error(ErrorCode::argument, "search: found no limit; expected at least one");
  for (std::size_t i = 0; i < options.limits_ms.size(); ++i)
    if (!std::isfinite(options.limits_ms[i]) || options.limits_ms[i] <= 0)
      throw Error(ErrorCode::argument, "search: limit " + std::to_string(i + 1) + " is " +
                                           std::to_string(options.limits_ms[i]) +
                                           " ms; expected a finite, positive number");
}

// Whether `a` is to be preferred at `limit_ms`: within it the better one, beyond it the faster one.
bool preferred(const Candidate& a, const Candidate& b, double limit_ms) {
  const bool a_fits = a.latency_ms <= limit_ms, b_fits = b.latency_ms <= limit_ms;
  if (a_fits != b_fits) return a_fits;
  if (a_fits && a.quality != b.quality) return a.quality > b.quality;
  return a.latency_ms < b.latency_ms;
}

}  // namespace

struct Search::Impl {
  const Space& space;
  Estimate latency_ms, quality;
  SearchOptions options;
  Rng rng;
  bool listed;
  std::size_t budget, spent = 0;
  std::vector<Candidate> found;  // with finite values
  std::unordered_set<Architecture> seen;
  std::vector<std::optional<Candidate>> best;  // per limit
  std::deque<Candidate> population;            // oldest first
  std::size_t next_limit = 0;

  Impl(const Space& space_, Estimate latency_ms_, Estimate quality_, const SearchOptions& options_)
      : space(space_),
        latency_ms(std::move(latency_ms_)),
        quality(std::move(quality_)),
        options(options_),
        rng(options_.seed),
        listed(options_.exhaustive_if_possible && space_.size() > 0),
        budget(listed ? space_.size() : static_cast<std::size_t>(options_.evaluations)),
        best(options_.limits_ms.size()) {}

  void look_at(const std::vector<Architecture>& architectures) {
    const auto values = [&](const Estimate& estimate, const char* what) {
      auto all = estimate(architectures);
      if (all.size() != architectures.size())
        throw Error(ErrorCode::argument, std::string("search: the ") + what + " estimate gave " +
                                             std::to_string(all.size()) + " values; expected " +
                                             std::to_string(architectures.size()));
      return all;
    };
    const auto latencies = values(latency_ms, "latency"), qualities = values(quality, "quality");
    for (std::size_t i = 0; i < architectures.size(); ++i) {
      const bool is_new = listed || seen.insert(architectures[i]).second;
      if (!std::isfinite(latencies[i]) || !std::isfinite(qualities[i])) continue;
      const Candidate candidate{architectures[i], latencies[i], qualities[i]};
      if (!listed) population.push_back(candidate);
      if (!is_new) continue;
      found.push_back(candidate);
      for (std::size_t limit = 0; limit < best.size(); ++limit)
        if (candidate.latency_ms <= options.limits_ms[limit] &&
            (!best[limit] || preferred(candidate, *best[limit], options.limits_ms[limit])))
          best[limit] = candidate;
    }
    spent += architectures.size();
  }

  std::vector<Architecture> listed_chunk() const {
    const auto& all = space.enumerate();
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(spent);
    return {from, from + static_cast<std::ptrdiff_t>(std::min(kListed, budget - spent))};
  }

  std::vector<Architecture> generation() {
    std::vector<Architecture> children;
    const std::size_t count = std::min(kChildren, budget - spent);
    const auto wanted = static_cast<std::size_t>(options.population);
    for (std::size_t i = spent; i < options.start.size() && children.size() < count; ++i)
      children.push_back(options.start[i]);
    const bool bred = spent >= std::max(wanted, options.start.size()) && !population.empty();
    while (children.size() < count) children.push_back(bred ? child() : space.random(rng));
    return children;
  }

  Architecture child() {
    const std::size_t limit = next_limit++ % options.limits_ms.size();
    const double limit_ms = options.limits_ms[limit];
    const Candidate* parent = &population[rng.below(population.size())];
    for (int i = 1; i < options.tournament; ++i) {
      const Candidate& other = population[rng.below(population.size())];
      if (preferred(other, *parent, limit_ms)) parent = &other;
    }
    if (best[limit] && rng.uniform() < kFromBest) parent = &*best[limit];
    // A step further where the next one has been seen; not for ever, as a small space may have been seen
    // whole.
    Architecture changed = parent->architecture;
    for (int steps = 0; steps < 8 && (steps == 0 || seen.count(changed)); ++steps) {
      const auto near = space.neighbours(changed);
      changed = near[rng.below(near.size())];
    }
    return changed;
  }

  bool step() {
    if (spent >= budget) return false;
    look_at(listed ? listed_chunk() : generation());
    while (population.size() > static_cast<std::size_t>(options.population)) population.pop_front();
    return spent < budget;
  }
};

Search::Search(const Space& space, Estimate latency_ms, Estimate quality, const SearchOptions& options) {
  check(options);
  impl_ = std::make_unique<Impl>(space, std::move(latency_ms), std::move(quality), options);
}

Search::Search(const Predictor& predictor, Estimate quality, const SearchOptions& options)
    : Search(
          predictor.space(),
          [predictor](const std::vector<Architecture>& all) { return predictor.latency_ms(all); },
          std::move(quality), options) {
  if (!predictor.is_transferred())
    throw Error(ErrorCode::argument,
                "search: found a predictor of scores; expected one transferred to a device");
}

Search::~Search() = default;
Search::Search(Search&&) noexcept = default;
Search& Search::operator=(Search&&) noexcept = default;

bool Search::step() { return impl_->step(); }

double Search::done() const { return static_cast<double>(impl_->spent) / static_cast<double>(impl_->budget); }

std::size_t Search::evaluated() const { return impl_->listed ? impl_->spent : impl_->seen.size(); }

std::vector<std::optional<Candidate>> Search::best() const { return impl_->best; }

std::vector<Candidate> Search::front() const {
  std::vector<Candidate> all = impl_->found;
  std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    if (a.latency_ms != b.latency_ms) return a.latency_ms < b.latency_ms;
    return a.quality != b.quality ? a.quality > b.quality : a.architecture < b.architecture;
  });
  std::vector<Candidate> front;
  for (auto& candidate : all)
    if (front.empty() || candidate.quality > front.back().quality) front.push_back(std::move(candidate));
  return front;
}

}  // namespace latencast
