// Measurements chosen by expected improvement under a constraint (Gardner et al., ICML 2014): how much better
// a candidate would be times how likely it meets the limit, summed over the limits. The likelihood is that of
// the transferred predictor's log latency, put right by a Gaussian process on what it missed at the measured
// ones.
#include "latencast/campaign.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "latencast/error.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

// The process's prior: a typical error of log latency, of which this share is common to all architectures and
// the rest to alike ones. The spread is the likeliest of a few under a log-normal prior, as devices differ.
constexpr double kCommon = 0.3;
constexpr double kSpreads[] = {0.03, 0.05, 0.08, 0.13, 0.2};
constexpr double kTypicalSpread = 0.07, kLogSpreadOfSpread = 0.7;
constexpr double kNoise = 0.01;
// The root of an improvement counts: of several limits none is forgotten for a large gain at another.
double gain(double quality, double best) { return quality > best ? std::sqrt(quality - best) : 0; }

double likeness(const Architecture& a, const Architecture& b) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different += a[i] != b[i];
  return kCommon +
         (1 - kCommon) * std::exp(-3.0 * static_cast<double>(different) / static_cast<double>(a.size()));
}

// Symmetric positive definite matrix as its Cholesky factor.
class Cholesky {
 public:
  explicit Cholesky(std::vector<std::vector<double>> matrix) : lower_(std::move(matrix)) {
    for (std::size_t i = 0; i < lower_.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double left = lower_[i][j];
        for (std::size_t k = 0; k < j; ++k) left -= lower_[i][k] * lower_[j][k];
        lower_[i][j] = i == j ? std::sqrt(left) : left / lower_[j][j];
      }
    }
  }

  // L^-1 b: its square is b' A^-1 b.
  std::vector<double> half_solved(std::vector<double> b) const {
    for (std::size_t i = 0; i < b.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) b[i] -= lower_[i][k] * b[k];
      b[i] /= lower_[i][i];
    }
    return b;
  }

  double half_log_determinant() const {
    double sum = 0;
    for (std::size_t i = 0; i < lower_.size(); ++i) sum += std::log(lower_[i][i]);
    return sum;
  }

 private:
  std::vector<std::vector<double>> lower_;
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double below(double standard_normal) { return 0.5 * std::erfc(-standard_normal / std::sqrt(2.0)); }

void check(const Predictor& base, const std::vector<Architecture>& candidates,
           const std::vector<double>& quality, const CampaignOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::argument, "campaign: " + what); };
  if (base.is_transferred()) refuse("found a transferred predictor; expected a pre-trained one");
  if (candidates.size() != quality.size())
    refuse("found " + std::to_string(quality.size()) + " qualities of " + std::to_string(candidates.size()) +
           " candidates; expected one each");
  if (options.limits_ms.empty()) refuse("found no limit; expected at least one");
  for (const double limit_ms : options.limits_ms)
    if (!std::isfinite(limit_ms) || limit_ms <= 0)
      refuse("found the limit " + std::to_string(limit_ms) + " ms; expected finite, positive ones");
  if (options.first < 3 || options.first > options.budget)
    refuse("found " + std::to_string(options.first) + " first measurements; expected 3 up to the budget of " +
           std::to_string(options.budget));
}

}  // namespace

struct Campaign::Impl {
  Predictor base;
  std::vector<Architecture> candidates;
  std::vector<double> quality;
  CampaignOptions options;
  double lowest_quality = 0;       // what a limit has before anything is known to meet it
  std::vector<std::size_t> first;  // candidates to begin with
  std::vector<std::size_t> chosen;
  std::vector<Measurement> measured;
  std::vector<double> predicted_ms;  // of each candidate, from the last transfer
  std::optional<Architecture> next;

  Impl(const Predictor& base_, std::vector<Architecture> candidates_, std::vector<double> quality_,
       const CampaignOptions& options_)
      : base(base_), candidates(std::move(candidates_)), quality(std::move(quality_)), options(options_) {
    choose_first();
    advance();
  }

  // From each of equal buckets by multiply-adds, one of its best quarter: all sizes, but of the kind that
  // matters.
  void choose_first() {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (!std::isnan(quality[i])) order.push_back(i);
    const auto count = static_cast<std::size_t>(options.first);
    if (order.size() < count)
      throw Error(ErrorCode::argument, "campaign: found " + std::to_string(order.size()) +
                                           " candidates of known quality; expected at least " +
                                           std::to_string(count));
    lowest_quality = quality[order.front()];
    for (const std::size_t i : order) lowest_quality = std::min(lowest_quality, quality[i]);
    std::vector<std::int64_t> macs(candidates.size());
    for (const std::size_t i : order) macs[i] = base.space().macs(candidates[i]);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return macs[a] < macs[b]; });
    Rng rng(options.transfer.seed);
    for (std::size_t bucket = 0; bucket < count; ++bucket) {
      const auto at = [&](std::size_t b) {
        return order.begin() + static_cast<std::ptrdiff_t>(b * order.size() / count);
      };
      std::vector<std::size_t> members(at(bucket), at(bucket + 1));
      std::stable_sort(members.begin(), members.end(),
                       [&](std::size_t a, std::size_t b) { return quality[a] > quality[b]; });
      first.push_back(members[rng.below((members.size() + 3) / 4)]);
    }
  }

  void tell(double latency_ms) {
    if (!next) throw Error(ErrorCode::argument, "campaign: found a latency though nothing is to be measured");
    if (!std::isfinite(latency_ms) || latency_ms <= 0)
      throw Error(ErrorCode::measurement, "campaign: found a latency of " + std::to_string(latency_ms) +
                                              " ms for " + *next + "; expected a finite, positive number");
    measured.push_back({*next, latency_ms});
    const int count = static_cast<int>(measured.size());
    if (count == options.first || (count == options.second && count > options.first))
      predicted_ms = transfer(base, measured, options.transfer).latency_ms(candidates);
    advance();
  }

  void advance() {
    next.reset();
    if (static_cast<int>(measured.size()) >= options.budget) return;
    const auto at = measured.size() < first.size() ? first[measured.size()] : most_promising();
    if (at == candidates.size()) return;
    chosen.push_back(at);
    next = candidates[at];
  }

  // Some phones report whole milliseconds; theirs are up to half a one off, also at the limit.
  bool whole_ms() const {
    return std::all_of(measured.begin(), measured.end(),
                       [](const Measurement& one) { return one.latency_ms == std::floor(one.latency_ms); });
  }

  // The index of a candidate, or candidates.size() where none is expected to improve anything.
  std::size_t most_promising() const {
    const std::size_t count = measured.size();
    const bool rounded = whole_ms();
    std::vector<double> missed, noise;
    for (std::size_t i = 0; i < count; ++i) {
      const double ms = measured[i].latency_ms, off = rounded ? std::sqrt(1.0 / 12) / ms : 0;
      missed.push_back(std::log(ms / predicted_ms[chosen[i]]));
      noise.push_back(kNoise * kNoise + off * off);
    }
    const auto covariance = [&](double spread) {
      std::vector<std::vector<double>> matrix(count, std::vector<double>(count));
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < count; ++j)
          matrix[i][j] = spread * spread * likeness(measured[i].architecture, measured[j].architecture) +
                         (i == j ? noise[i] : 0);
      return Cholesky(std::move(matrix));
    };
    double spread = 0, likeliest = 0;
    for (const double one : kSpreads) {
      const Cholesky factor = covariance(one);
      const auto whitened = factor.half_solved(missed);
      const double surprise = std::log(one / kTypicalSpread) / kLogSpreadOfSpread;
      const double likelihood =
          -0.5 * dot(whitened, whitened) - factor.half_log_determinant() - 0.5 * surprise * surprise;
      if (spread == 0 || likelihood > likeliest) {
        spread = one;
        likeliest = likelihood;
      }
    }
    const Cholesky factor = covariance(spread);
    const auto whitened = factor.half_solved(missed);

    std::vector<double> best, log_limit;
    for (const double limit_ms : options.limits_ms) {
      best.push_back(lowest_quality);
      log_limit.push_back(std::log(rounded ? std::floor(limit_ms) + 0.5 : limit_ms));
      for (std::size_t i = 0; i < count; ++i)
        if (measured[i].latency_ms <= limit_ms) best.back() = std::max(best.back(), quality[chosen[i]]);
    }
    const std::vector<bool> is_measured = [&] {
      std::vector<bool> flags(candidates.size());
      for (const std::size_t at : chosen) flags[at] = true;
      return flags;
    }();

    std::size_t most = candidates.size();
    double promise = 0;
    std::vector<double> alike(count);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (is_measured[i] || std::isnan(quality[i])) continue;
      double at_most = 0;
      for (const double known : best) at_most += gain(quality[i], known);
      if (at_most <= promise) continue;
      for (std::size_t j = 0; j < count; ++j)
        alike[j] = spread * spread * likeness(candidates[i], measured[j].architecture);
      const auto seen = factor.half_solved(alike);
      const double mean = std::log(predicted_ms[i]) + dot(seen, whitened);
      const double deviation = std::sqrt(std::max(0.0, spread * spread - dot(seen, seen)) + kNoise * kNoise);
      double expected = 0;
      for (std::size_t limit = 0; limit < best.size(); ++limit)
        expected += gain(quality[i], best[limit]) * below((log_limit[limit] - mean) / deviation);
      if (expected <= promise) continue;
      promise = expected;
      most = i;
    }
    return most;
  }
};

Campaign::Campaign(const Predictor& base, std::vector<Architecture> candidates, std::vector<double> quality,
                   const CampaignOptions& options) {
  check(base, candidates, quality, options);
  impl_ = std::make_unique<Impl>(base, std::move(candidates), std::move(quality), options);
}

Campaign::~Campaign() = default;
Campaign::Campaign(Campaign&&) noexcept = default;
Campaign& Campaign::operator=(Campaign&&) noexcept = default;

const std::optional<Architecture>& Campaign::next() const { return impl_->next; }

void Campaign::tell(double latency_ms) { impl_->tell(latency_ms); }

const std::vector<Measurement>& Campaign::measured() const { return impl_->measured; }

std::vector<std::optional<Measurement>> Campaign::best() const {
  std::vector<std::optional<Measurement>> best;
  for (const double limit_ms : impl_->options.limits_ms) {
    best.emplace_back();
    double highest = 0;
    for (std::size_t i = 0; i < impl_->measured.size(); ++i) {
      const Measurement& one = impl_->measured[i];
      const double quality = impl_->quality[impl_->chosen[i]];
      const bool better = !best.back() || quality > highest ||
                          (quality == highest && one.latency_ms < best.back()->latency_ms);
      if (one.latency_ms > limit_ms || !better) continue;
      best.back() = one;
      highest = quality;
    }
  }
  return best;
}

}  // namespace latencast
