#include "profiles.h"

#include <algorithm>
#include <cmath>

namespace latencast {
namespace {

using Index = Eigen::Index;

// Standard deviations of log latency: of what all platforms have in common, of what depends on the profile
// beyond a line, on the processor alone, on the board alone, and of noise. Slopes are of size one.
constexpr double kCommon = 0.15, kBent = 0.3, kOfProcessor = 0.1, kOfBoard = 0.05, kNoise = 0.16;
constexpr double kReach = 0.25;  // of a profile, within which platforms are alike

// How much of the likeness is lost between processors of two kinds, and between one thread and very many;
// half of the latter at about three times as many.
constexpr double kOtherProcessor = 0.7, kOtherThreads = 0.5;

// A model that is long where the asked one is counts for more: by the variance of their difference, plus
// this, to this power.
constexpr double kLeastDifference = 0.01, kSharply = 1.3;

// What platforms are off by is Student's t of so many degrees of freedom: one whose model took what no other
// platform explains counts for little.
constexpr double kFreedom = 2;

double square(double value) { return value * value; }

// Share of the likeness of two platforms that their kinds leave, as far as the new platform's is told.
double kinship(const PlatformKind& told, const PlatformKind& one, const PlatformKind& other) {
  double left = 1;
  if (!told.processor.empty() && one.processor != other.processor) left *= 1 - kOtherProcessor;
  if (told.threads > 0) {
    const double apart = std::abs(std::log2(double(one.threads) / other.threads));
    left *= 1 - kOtherThreads * (1 - std::exp(-apart / 2));
  }
  return left;
}

}  // namespace

PlatformCovariance::PlatformCovariance(const ProfileTable& table, const std::vector<std::size_t>& rows,
                                       const DoubleMatrix& profiles, const PlatformKind& told)
    : known(DoubleMatrix::Zero(static_cast<Index>(rows.size()), static_cast<Index>(rows.size()))),
      cross(static_cast<Index>(rows.size())) {
  const auto t = static_cast<Index>(rows.size());
  const auto kind = [&](Index row) -> const PlatformKind& {
    return row < t ? table.kind[rows[static_cast<std::size_t>(row)]] : told;
  };
  const auto covariance = [&](Index row, Index column) {
    const bool same_board = row < t && column < t &&
                            table.board[rows[static_cast<std::size_t>(row)]] ==
                                table.board[rows[static_cast<std::size_t>(column)]];
    const bool same_processor = kind(row).processor == kind(column).processor;
    const double apart = (profiles.row(row) - profiles.row(column)).squaredNorm();
    return square(kCommon) + profiles.row(row).dot(profiles.row(column)) +
           square(kBent) * std::exp(-apart / (2 * square(kReach))) * kinship(told, kind(row), kind(column)) +
           (!told.processor.empty() && same_processor ? square(kOfProcessor) : 0) +
           (same_board ? square(kOfBoard) : 0);
  };
  for (Index row = 0; row < t; ++row) {
    for (Index column = 0; column <= row; ++column)
      known(column, row) = known(row, column) = covariance(row, column);
    known(row, row) += square(kNoise);
    cross[row] = covariance(t, row);
  }
  own = covariance(t, t) + square(kOfBoard) + square(kNoise);
}

Profiles::Profiles(std::shared_ptr<const ProfileTable> table, const std::vector<bool>& keep,
                   std::vector<std::pair<std::ptrdiff_t, double>> measured, PlatformKind kind)
    : table_(std::move(table)), measured_(std::move(measured)), kind_(std::move(kind)) {
  for (std::size_t p = 0; p < keep.size(); ++p)
    if (keep[p]) platforms_.push_back(p);
}

std::optional<Belief> Profiles::predict(std::ptrdiff_t model) const {
  std::vector<std::pair<std::ptrdiff_t, double>> measured;
  for (const auto& one : measured_)
    if (one.first != model) measured.push_back(one);
  std::vector<std::size_t> rows;  // platforms that measured the model
  for (const std::size_t p : platforms_)
    if (table_->real[p][static_cast<std::size_t>(model)]) rows.push_back(p);
  if (measured.size() < kFewestMeasured || rows.size() < kFewestPlatforms) return std::nullopt;

  // How much each measured model counts.
  const auto n = static_cast<Index>(measured.size()), t = static_cast<Index>(rows.size());
  Eigen::VectorXd weights(n);
  for (Index i = 0; i < n; ++i) {
    const std::ptrdiff_t other = measured[static_cast<std::size_t>(i)].first;
    double count = 0, sum = 0, squares = 0;
    for (const std::size_t p : rows) {
      if (!table_->real[p][static_cast<std::size_t>(other)]) continue;
      const auto row = static_cast<Index>(p);
      const double difference = table_->log_ms(row, model) - table_->log_ms(row, other);
      count += table_->importance[p];
      sum += table_->importance[p] * difference;
      squares += table_->importance[p] * square(difference);
    }
    const double variance = count > 0 ? squares / count - square(sum / count) : 1;
    weights[i] = std::pow(std::max(variance, 0.0) + kLeastDifference, -kSharply);
  }
  weights /= weights.sum();

  // Profiles as rows, the new platform's last, around their mean; and what the model takes beyond.
  DoubleMatrix profiles(t + 1, n);
  Eigen::VectorXd level(t + 1), beyond(t);
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(n);
  double usual = 0, total = 0;
  for (Index row = 0; row <= t; ++row) {
    for (Index i = 0; i < n; ++i) {
      const auto& one = measured[static_cast<std::size_t>(i)];
      profiles(row, i) =
          row < t ? table_->log_ms(static_cast<Index>(rows[static_cast<std::size_t>(row)]), one.first)
                  : one.second;
    }
    level[row] = profiles.row(row).dot(weights);
    profiles.row(row).array() -= level[row];
    if (row == t) break;
    const std::size_t p = rows[static_cast<std::size_t>(row)];
    beyond[row] = table_->log_ms(static_cast<Index>(p), model) - level[row];
    mean += table_->importance[p] * profiles.row(row);
    usual += table_->importance[p] * beyond[row];
    total += table_->importance[p];
  }
  mean /= total;
  usual /= total;
  for (Index row = 0; row <= t; ++row)
    profiles.row(row) = (profiles.row(row) - mean).cwiseProduct(weights.cwiseSqrt().transpose());

  const PlatformCovariance together(*table_, rows, profiles, kind_);
  DoubleMatrix known = together.known, columns(t, 2);
  columns.col(0) = beyond.array() - usual;
  columns.col(1) = together.cross;
  // Each platform from all others (Rasmussen and Williams, 2006, equation 5.12), and how far it is off for
  // its variance: the weight of its noise in a step of expectation maximisation over Student's t.
  const DoubleMatrix inverse = solve_lower(cholesky(known), DoubleMatrix::Identity(t, t));
  const Eigen::VectorXd whitened_beyond = inverse.triangularView<Eigen::Lower>() * columns.col(0);
  for (Index row = 0; row < t; ++row) {
    const auto column = inverse.col(row).tail(t - row);
    const double precision = column.squaredNorm();
    const double off = column.dot(whitened_beyond.tail(t - row)) / precision;
    known(row, row) += square(kNoise) * ((kFreedom + square(off) * precision) / (kFreedom + 1) - 1);
  }
  const DoubleMatrix whitened = solve_lower(cholesky(known), columns);
  const double variance = together.own - whitened.col(1).squaredNorm();
  return Belief{level[t] + usual + whitened.col(0).dot(whitened.col(1)),
                std::sqrt(std::max(variance, square(kNoise)))};
}

}  // namespace latencast
