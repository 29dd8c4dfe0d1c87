// What a known model takes on a new platform, by regression over the known platforms: a second opinion beside
// that of the rates (rates.h), which explain kinds of work and know nothing of what one model has of its own
// on platforms that are alike.
//
// A platform's profile are the log latencies of the measured models less their mean. What the asked model
// takes beyond that mean is a Gaussian process of the profile: linear, and beyond that alike where profiles,
// kind of processor and number of threads are (Rasmussen and Williams, 2006, chapter 2). Its residuals are
// Student's t, by one reweighting.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "latencast/posterior.h"
#include "linear.h"

namespace latencast {

/// What is known of a platform without a measurement. What is not told counts for nothing.
struct PlatformKind {
  std::string processor;  ///< "gpu", or the instruction set; empty: not told
  int threads = 0;        ///< 0: not told
};

/// Known models on known platforms; a row for each platform.
struct ProfileTable {
  DoubleMatrix log_ms;                  ///< platforms x models, complete
  std::vector<std::vector<bool>> real;  ///< measured, not filled in
  std::vector<double> importance;       ///< of each platform
  std::vector<std::string> board;       ///< the same where platforms are settings of one board
  std::vector<PlatformKind> kind;       ///< all told
};

/// Of fewer known models measured on the new platform, or of fewer platforms, a profile says nothing.
constexpr std::size_t kFewestMeasured = 4, kFewestPlatforms = 8;

/// How what is not known of a model's latency goes together over platforms: where their profiles, their kinds
/// of processors and their numbers of threads are alike.
struct PlatformCovariance {
  DoubleMatrix known;     ///< between known platforms, with noise
  Eigen::VectorXd cross;  ///< between these and the new one
  double own;             ///< variance on the new one, with noise

  /// rows: platforms of the table. profiles: a row for each, and the new one's last; scaled so that squared
  /// distances are mean ones of log latencies. told: kind of the new one.
  PlatformCovariance(const ProfileTable& table, const std::vector<std::size_t>& rows,
                     const DoubleMatrix& profiles, const PlatformKind& told);
};

class Profiles {
 public:
  /// keep: platforms of the table that count. measured: models by their column and log ms; none twice.
  Profiles(std::shared_ptr<const ProfileTable> table, const std::vector<bool>& keep,
           std::vector<std::pair<std::ptrdiff_t, double>> measured, PlatformKind kind);

  /// Log ms of a model from all measured ones but itself. Nothing where these, or the platforms that measured
  /// it, are too few to tell.
  std::optional<Belief> predict(std::ptrdiff_t model) const;

 private:
  std::shared_ptr<const ProfileTable> table_;
  std::vector<std::size_t> platforms_;
  std::vector<std::pair<std::ptrdiff_t, double>> measured_;
  PlatformKind kind_;
};

}  // namespace latencast
