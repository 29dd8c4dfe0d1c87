#include "resemblance.h"

#include <algorithm>
#include <cmath>

#include "product.h"
#include "work.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

// Standard deviations of log latency over models, as multiples of those over platforms: of what is a line in
// a trait, of what is not, and of what is like no other model's.
constexpr double kLine = 3, kBent = 5, kOwn = 0.3;
constexpr double kReach = 3;  // of traits, within which models are alike

// Of a measurement on the new platform, and of the level of all of them: the mean of the measured models
// says it but for their noise.
constexpr double kNoise = 0.05, kLevel = 1;

// By so much less than the process supposes are models off that are left out: it allows for stranger ones.
constexpr double kSpread = 0.4;

double square(double value) { return value * value; }

}  // namespace

Resemblance::Resemblance(std::shared_ptr<const ProfileTable> table, const DoubleMatrix& work,
                         const std::vector<bool>& keep, std::vector<std::pair<ModelWork, double>> measured,
                         PlatformKind kind)
    : table_(std::move(table)), measured_(std::move(measured)), kind_(std::move(kind)) {
  for (std::size_t p = 0; p < keep.size(); ++p)
    if (keep[p]) platforms_.push_back(p);
  for (Index m = 0; m < work.rows(); ++m) {
    const Eigen::VectorXd traits = traits_of(work.row(m).transpose());
    if (m == 0) traits_.resize(work.rows(), traits.size());
    traits_.row(m) = traits.transpose();
  }
}

std::optional<Belief> Resemblance::predict(const ModelWork& model) const {
  std::vector<const ModelWork*> asked;  // what is measured, and the model last
  std::vector<double> log_ms;
  std::vector<std::pair<Index, double>> known;  // of what is measured
  for (const auto& [one, log] : measured_) {
    if (one.identity == model.identity) continue;
    asked.push_back(&one);
    log_ms.push_back(log);
    if (one.known >= 0) known.emplace_back(one.known, log);
  }
  asked.push_back(&model);
  if (known.size() < kFewestMeasured || platforms_.size() < kFewestPlatforms) return std::nullopt;

  // Profiles as rows, the new platform's last, around their mean; and what all known models take beyond the
  // known measured ones.
  const auto n = static_cast<Index>(log_ms.size()), t = static_cast<Index>(platforms_.size()),
             models = traits_.rows(), width = static_cast<Index>(known.size());
  DoubleMatrix profiles(t + 1, width), beyond(t, models);
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(width);
  double level = 0, total = 0;
  for (Index row = 0; row <= t; ++row) {
    const std::size_t p = row < t ? platforms_[static_cast<std::size_t>(row)] : 0;
    for (Index i = 0; i < width; ++i) {
      const auto& [column, log] = known[static_cast<std::size_t>(i)];
      profiles(row, i) = row < t ? table_->log_ms(static_cast<Index>(p), column) : log;
    }
    level = profiles.row(row).mean();
    profiles.row(row).array() -= level;
    if (row == t) break;
    beyond.row(row) = table_->log_ms.row(static_cast<Index>(p)).array() - level;
    mean += table_->importance[p] * profiles.row(row);
    total += table_->importance[p];
  }
  profiles = (profiles.rowwise() - mean / total) / std::sqrt(double(width));

  // What the platforms let expect of every known model on the new one, and how much of the variance there
  // they explain.
  const PlatformCovariance over_platforms(*table_, platforms_, profiles, kind_);
  const DoubleMatrix factor = cholesky(over_platforms.known);
  const DoubleMatrix weights =
      solve_lower_transposed(factor, solve_lower(factor, DoubleMatrix(over_platforms.cross)));
  DoubleMatrix expected, means;  // a row
  set_product(weights.transpose(), beyond, expected);
  const double explained = weights.col(0).dot(over_platforms.cross);

  // Covariances of models, lines from the middle of the known measured ones.
  Eigen::RowVectorXd middle = Eigen::RowVectorXd::Zero(traits_.cols());
  for (const auto& one : known) middle += traits_.row(one.first) / double(width);
  const DoubleMatrix of_known = traits_.rowwise() - middle;
  DoubleMatrix of_asked(n + 1, traits_.cols());
  for (Index i = 0; i <= n; ++i)
    of_asked.row(i) = traits_of(asked[static_cast<std::size_t>(i)]->work).transpose() - middle;
  const auto covariance = [](const auto& one, const auto& other, bool same) {
    return square(kLine) * one.dot(other) +
           square(kBent) * std::exp(-(one - other).squaredNorm() / (2 * square(kReach))) +
           (same ? square(kOwn) : 0);
  };
  DoubleMatrix among_known(models, models), across(models, n + 1), among_asked(n + 1, n + 1);
  for (Index m = 0; m < models; ++m) {
    for (Index other = 0; other <= m; ++other)
      among_known(other, m) = among_known(m, other) =
          covariance(of_known.row(m), of_known.row(other), m == other);
    for (Index i = 0; i <= n; ++i)
      across(m, i) =
          covariance(of_known.row(m), of_asked.row(i), asked[static_cast<std::size_t>(i)]->known == m);
  }
  const DoubleMatrix lower = cholesky(among_known), half = solve_lower(lower, across),
                     carried = solve_lower_transposed(lower, half);
  for (Index i = 0; i <= n; ++i)
    for (Index j = 0; j <= i; ++j)
      among_asked(i, j) = among_asked(j, i) =
          over_platforms.own * covariance(of_asked.row(i), of_asked.row(j), i == j) -
          explained * half.col(i).dot(half.col(j)) + square(kLevel) + (i == j ? square(kNoise) : 0);
  set_product(expected, carried, means);

  // The model from what is measured.
  DoubleMatrix columns(n, 2);
  for (Index i = 0; i < n; ++i) columns(i, 0) = log_ms[static_cast<std::size_t>(i)] - level - means(0, i);
  columns.col(1) = among_asked.col(n).head(n);
  const DoubleMatrix whitened = solve_lower(cholesky(among_asked.topLeftCorner(n, n)), columns);
  const double variance = among_asked(n, n) - whitened.col(1).squaredNorm();
  return Belief{level + means(0, n) + whitened.col(0).dot(whitened.col(1)),
                kSpread * std::sqrt(std::max(variance, square(kNoise)))};
}

}  // namespace latencast
