#include "process.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "adam.h"
#include "latencast/rng.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

constexpr double kConstant = 0.25;    // of all types together, and again of each
constexpr double kShorter = 5;        // the exponential covariance's lengths are so many times shorter
constexpr std::size_t kSubset = 250;  // timings that a step sees
constexpr int kSteps = 60;
constexpr AdamOptions kAdam{0.15, {}, 0, 0, 0.8, 0.95};

// Standard deviations of the logarithms beforehand.
constexpr double kOfWeights = 1.5, kOfLengths = 1, kOfNoises = 0.7, kOfSizes = 0.5;

double square(double value) { return value * value; }

}  // namespace

// With exponentials of the parameters, as all pairs of inputs need them.
struct Process::Covariance {
  double experts, shared, same, rough, noise;
  std::array<double, kProcessFeatures> inverse_length;
  std::array<double, kKernelTypes> noise_of, size_of;

  explicit Covariance(const Parameters& p)
      : experts(std::exp(p[kExperts])),
        shared(std::exp(p[kShared])),
        same(std::exp(p[kSame])),
        rough(std::exp(p[kRough])),
        noise(std::exp(p[kNoise])) {
    for (std::size_t f = 0; f < kProcessFeatures; ++f) inverse_length[f] = std::exp(-p[kLengths + f]);
    for (std::size_t t = 0; t < kKernelTypes; ++t)
      noise_of[t] = std::exp(p[kNoiseOf + t]), size_of[t] = std::exp(p[kSizeOf + t]);
  }

  // Of one pair: the sum of its terms, which the gradient needs one by one.
  struct Pair {
    double constant, together, size, distance, matern, exponential;
  };

  Pair pair(const ProcessInput& a, const ProcessInput& b) const {
    double together = 0, squares = 0;
    for (std::size_t j = 0; j < a.deviations.size(); ++j) together += a.deviations[j] * b.deviations[j];
    for (std::size_t f = 0; f < kProcessFeatures; ++f)
      squares += square((a.at[f] - b.at[f]) * inverse_length[f]);
    const bool alike = a.type == b.type;
    const double r = std::sqrt(3 * squares);
    return {kConstant * (alike ? 2 : 1),
            experts * together,
            size_of[std::size_t(a.type)] * size_of[std::size_t(b.type)],
            r,
            (shared + (alike ? same : 0)) * std::exp(-r),
            alike ? rough * std::exp(-kShorter * r) : 0};
  }

  double operator()(const ProcessInput& a, const ProcessInput& b) const {
    const Pair p = pair(a, b);
    return p.constant + p.together + p.size * ((1 + p.distance) * p.matern + p.exponential);
  }

  double noise_at(const ProcessInput& a) const { return noise * noise_of[std::size_t(a.type)]; }
};

Process::Parameters Process::expected() {
  Parameters p(kParameters, 0.0);
  p[kExperts] = std::log(0.3), p[kShared] = std::log(0.05), p[kSame] = std::log(0.1);
  p[kRough] = p[kNoise] = std::log(0.003);
  for (std::size_t f = 0; f < kProcessFeatures; ++f)
    p[kLengths + f] = std::log(f < kSmoothFeatures ? 6.0 : 12.0);
  return p;
}

// Of the parameters' improbability, minus the logarithm, given some of the timings.
Process::Parameters Process::gradient(const Parameters& at, const std::vector<std::size_t>& rows,
                                      const std::vector<double>& target) const {
  const auto n = Index(rows.size());
  const Covariance covariance(at);
  DoubleMatrix k(n, n), y(n, 1);
  for (Index i = 0; i < n; ++i) {
    const ProcessInput& a = inputs_[rows[std::size_t(i)]];
    y(i, 0) = target[rows[std::size_t(i)]];
    for (Index j = 0; j <= i; ++j) k(i, j) = k(j, i) = covariance(a, inputs_[rows[std::size_t(j)]]);
    k(i, i) += covariance.noise_at(a);
  }
  const DoubleMatrix lower = cholesky(k);
  const DoubleMatrix inverse =
      solve_lower_transposed(lower, solve_lower(lower, DoubleMatrix::Identity(n, n)));
  const DoubleMatrix alpha = solve_lower_transposed(lower, solve_lower(lower, y));
  Parameters slope(kParameters, 0.0);
  for (Index i = 0; i < n; ++i) {
    const ProcessInput& a = inputs_[rows[std::size_t(i)]];
    const auto of_a = std::size_t(a.type);
    for (Index j = 0; j <= i; ++j) {
      const ProcessInput& b = inputs_[rows[std::size_t(j)]];
      const auto of_b = std::size_t(b.type);
      // The evidence over this element of the covariance (Rasmussen and Williams, equation 5.9).
      const double over = (i == j ? 0.5 : 1.0) * (inverse(i, j) - alpha(i, 0) * alpha(j, 0));
      const Covariance::Pair p = covariance.pair(a, b);
      const double bell = over * p.size * p.matern, peak = over * p.size * p.exponential;
      const double matern = bell * (1 + p.distance);
      const double share = of_a == of_b ? covariance.same / (covariance.shared + covariance.same) : 0;
      slope[kExperts] += over * p.together;
      slope[kSame] += share * matern;
      slope[kShared] += (1 - share) * matern;
      slope[kRough] += peak;
      slope[kSizeOf + of_a] += matern + peak;
      slope[kSizeOf + of_b] += matern + peak;
      if (i == j) {
        const double noise = over * covariance.noise_at(a);
        slope[kNoise] += noise;
        slope[kNoiseOf + of_a] += noise;
      }
      if (!(p.distance > 0)) continue;
      const double nearer = 3 * (bell + kShorter * peak / p.distance);
      for (std::size_t f = 0; f < kProcessFeatures; ++f)
        slope[kLengths + f] += nearer * square((a.at[f] - b.at[f]) * covariance.inverse_length[f]);
    }
  }
  const Parameters mean = expected();
  for (std::size_t q = 0; q < kParameters; ++q) {
    const double deviation = q < kLengths   ? kOfWeights
                             : q < kNoiseOf ? kOfLengths
                             : q < kSizeOf  ? kOfNoises
                                            : kOfSizes;
    slope[q] += (at[q] - mean[q]) / square(deviation);
  }
  return slope;
}

Process::Process(std::vector<ProcessInput> inputs, const std::vector<double>& target, std::uint64_t seed)
    : inputs_(std::move(inputs)), parameters_(expected()) {
  std::vector<std::size_t> order(inputs_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng(seed).shuffle(order);
  Adam<double> adam(kParameters, kAdam, kSteps);
  std::size_t next = 0;
  for (int step = 0; step < kSteps; ++step) {
    std::vector<std::size_t> rows;
    while (rows.size() < std::min(kSubset, order.size())) rows.push_back(order[next++ % order.size()]);
    adam.step(parameters_, gradient(parameters_, rows, target));
  }
  solve(target);
}

double Process::mean(const ProcessInput& at) const {
  const Covariance covariance(parameters_);
  double sum = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) sum += weights_[Index(i)] * covariance(inputs_[i], at);
  return sum;
}

void Process::solve(const std::vector<double>& target) {
  const auto n = Index(inputs_.size());
  const Covariance covariance(parameters_);
  DoubleMatrix k(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j <= i; ++j)
      k(i, j) = k(j, i) = covariance(inputs_[std::size_t(i)], inputs_[std::size_t(j)]);
    k(i, i) += covariance.noise_at(inputs_[std::size_t(i)]);
  }
  // Columns: the inverse of the lower triangle, whose squared columns are the diagonal of the inverse.
  const DoubleMatrix inverse = solve_lower(cholesky(k), DoubleMatrix::Identity(n, n));
  Eigen::VectorXd y(n);
  for (Index i = 0; i < n; ++i) y[i] = target[std::size_t(i)];
  weights_ = inverse.transpose() * (inverse * y).eval();
  for (Index i = 0; i < n; ++i) left_out_.push_back(y[i] - weights_[i] / inverse.col(i).squaredNorm());
}

}  // namespace latencast
