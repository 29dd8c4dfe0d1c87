// A prior and the measurements of one device -> log latency of any architecture, with its uncertainty, in
// closed form (latencast/prior.h says what is believed beforehand).
//
// y = level + psi . t + noise. t = centre + N(0, a^2 I), a mixture over centres; noise N(0, b^2), and what
// rounding to a timer's unit and errors stated of single measurements add. a and b are on a grid, and every
// combination of centre, a and b counts by its evidence, so nothing is tuned to a device. Measurements that
// the rest makes all but impossible are set aside and named.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "latencast/prior.h"

namespace latencast {

/// A normal distribution of log latency (ms).
struct Belief {
  double mean = 0;
  double spread = 0;  ///< standard deviation, of a measurement yet to be made (noise and all)

  /// Where the latency is with a probability of `coverage`, in ms: low, median, high.
  struct Interval {
    double low, median, high;
  };
  Interval interval(double coverage = 0.9) const;

  /// The same by what normal_reach() says of the coverage.
  Interval within(double reach) const;
};

/// How many standard deviations to both sides of its mean hold that share of a normal distribution. coverage:
/// in (0, 1).
double normal_reach(double coverage);

struct PosteriorOptions {
  std::vector<bool> trusted =
      {};  ///< per measurement: never set aside, whatever the rest says; empty: none is
  bool sets_aside = true;
  /// Per measurement: its relative error as stated, a standard deviation, 0 where unknown; empty: all are.
  /// Only by how much errors differ do measurements count for more or less; what all have in common is found
  /// as noise, and is the least that intervals allow for.
  std::vector<double> relative_error = {};
};

class Posterior {
 public:
  /// psi: a row for each measurement, prior.embed() of its features; none at all is allowed. latency_ms:
  /// finite, positive, else throws `measurement`; errors finite and not negative likewise. prior: outlives
  /// it.
  Posterior(const Prior& prior, const RowMatrix& psi, const std::vector<double>& latency_ms,
            const PosteriorOptions& options = {});
  ~Posterior();
  Posterior(Posterior&&) noexcept;

  /// Of architectures not measured. psi: a row for each.
  std::vector<Belief> predict(const RowMatrix& psi) const;

  /// The means alone, several times faster.
  std::vector<double> predict_log_ms(const RowMatrix& psi) const;

  /// Of each measurement, from all others.
  const std::vector<Belief>& left_out() const { return left_out_; }

  /// Whether a measurement is set aside.
  const std::vector<bool>& set_aside() const { return set_aside_; }

  /// Unit of the timer in ms, where the latencies are whole multiples of one that matters; else 0.
  double timer_unit_ms() const { return timer_unit_ms_; }

  /// Standard deviation of a measurement's noise, log; of one whose error is the least that is stated.
  double noise() const { return noise_; }

  /// Spearman's correlation to expect between the estimates of these architectures and measurements of them.
  double expected_spearman(const RowMatrix& psi) const;

  /// Real devices by the probability that this one is most like them, highest first.
  struct Likeness {
    std::string device;
    double probability;
  };
  const std::vector<Likeness>& likenesses() const { return likenesses_; }

  /// What to measure next.
  struct Next {
    std::vector<std::size_t> rows;  ///< distinct, best first
    double worth = 0;  ///< expected fall of the error over all candidates, as a share of the present one
  };

  /// Each time the candidate that lowers the mean variance of all of them most. psi: a row for each.
  Next next(const RowMatrix& psi, std::size_t count) const;

 private:
  struct Component;  // one choice of a and b

  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  void fit(const std::vector<bool>& ignored, bool last);
  Eigen::VectorXd mean_coefficients() const;  // t, then the level
  Matrix covariance() const;                  // of these

  const Prior& prior_;
  Matrix psi_;  // of the measurements
  std::vector<double> log_ms_;
  std::vector<double> rounding_;  // variance that the timer's unit adds to each
  std::vector<double> stated_;    // variance that its stated error adds to each, beyond the least of all
  double least_noise_ = 0;        // that least: the variance of a measurement yet to be made is no lower
  std::vector<bool> set_aside_;
  double timer_unit_ms_ = 0;

  // Of the last fit.
  bool is_final_ = false;  // what follows log_evidence_, without_ and left_out_ is there as well
  double log_evidence_ = 0;
  std::vector<double> without_;  // log evidence without each measurement
  std::vector<Belief> left_out_;
  std::vector<Component> components_;
  std::vector<Likeness> likenesses_;
  double noise_ = 0;
};

}  // namespace latencast
