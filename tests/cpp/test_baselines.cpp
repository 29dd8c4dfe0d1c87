#include <Eigen/Dense>
#include <cmath>

#include "baselines.h"
#include "catch.h"
#include "fixture.h"
#include "latencast/metrics.h"

using namespace latencast;

namespace {

LatencyTable without_gaps(std::size_t devices, std::size_t cells) {
  LatencyTable table = synthetic_table(devices, cells);
  for (std::size_t d = 0; d < devices; ++d)
    for (std::size_t i = 0; i < cells; ++i)
      table.latency_ms[d][i] = synthetic_latency_ms(table.architectures[i], d);
  return table;
}

// `count` cells of the table with the latencies of a device.
std::vector<Measurement> measure(const LatencyTable& table, std::size_t count,
                                 const std::function<double(std::size_t)>& latency_ms) {
  std::vector<Measurement> measured;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = (i * 37 + 5) % table.architectures.size();
    measured.push_back({table.architectures[row], latency_ms(row)});
  }
  return measured;
}

std::vector<double> truth(const LatencyTable& table, const std::function<double(std::size_t)>& latency_ms) {
  std::vector<double> values;
  for (std::size_t i = 0; i < table.architectures.size(); ++i) values.push_back(latency_ms(i));
  return values;
}

}  // namespace

TEST_CASE("the closed form of leave-one-out is what leaving rows out gives", "[baselines]") {
  Rng rng(5);
  constexpr Eigen::Index kRows = 9, kColumns = 4;
  Eigen::MatrixXd x(kRows, kColumns);
  Eigen::VectorXd y(kRows);
  for (Eigen::Index i = 0; i < kRows; ++i) {
    for (Eigen::Index j = 0; j < kColumns; ++j) x(i, j) = rng.normal();
    y(i) = 3 + x.row(i).sum() + rng.normal();
  }
  const Ridge fitted = fit_ridge(x, y);
  double total = 0;
  for (Eigen::Index out = 0; out < kRows; ++out) {
    // Normal equations of the others, with a column of ones that is not penalised.
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(kColumns + 1, kColumns + 1);
    Eigen::VectorXd moment = Eigen::VectorXd::Zero(kColumns + 1);
    Eigen::VectorXd row(kColumns + 1);
    for (Eigen::Index i = 0; i < kRows; ++i) {
      if (i == out) continue;
      row << x.row(i).transpose(), 1;
      gram += row * row.transpose();
      moment += row * y(i);
    }
    for (Eigen::Index j = 0; j < kColumns; ++j) gram(j, j) += fitted.strength;
    row << x.row(out).transpose(), 1;
    total += std::pow(y(out) - row.dot(gram.inverse() * moment), 2);
  }
  CHECK(fitted.leave_one_out == Approx(total / double(kRows)).epsilon(1e-9));
}

TEST_CASE("ridge recovers what is linear, through its intercept", "[baselines]") {
  Eigen::MatrixXd x(6, 2);
  x << 1, 0, 0, 1, 2, 1, 1, 3, -1, 2, 0, -2;
  const Eigen::VectorXd y = (x * Eigen::Vector2d(2, -1)).array() + 100;
  const Ridge fitted = fit_ridge(x, y);
  CHECK(fitted.weights(0) == Approx(2).epsilon(1e-3));
  CHECK(fitted.weights(1) == Approx(-1).epsilon(1e-3));
  CHECK(fitted.intercept == Approx(100).epsilon(1e-3));
}

TEST_CASE("source ridge recovers a device that is a mix of two sources", "[baselines]") {
  const LatencyTable sources = without_gaps(4, 150);
  const auto mix = [&](std::size_t i) {
    return std::pow(sources.latency_ms[0][i], 0.7) * std::pow(sources.latency_ms[2][i], 0.9);
  };
  const auto expected = truth(sources, mix);
  const auto measured = measure(sources, 12, mix);
  CHECK(spearman(by_source_ridge(sources, measured)(sources.architectures), expected) > 0.999);
  CHECK(spearman(by_best_source(sources, measured)(sources.architectures), expected) < 0.99);
}

TEST_CASE("the best source is the one that ranks the measurements as the target does", "[baselines]") {
  const LatencyTable sources = without_gaps(4, 100);
  const auto like_third = [&](std::size_t i) { return std::sqrt(sources.latency_ms[2][i]); };
  CHECK(best_source(sources, measure(sources, 8, like_third)) == 2);
  CHECK(by_best_source(sources, measure(sources, 8, like_third))(sources.architectures) ==
        sources.latency_ms[2]);
}

TEST_CASE("one-hot columns tell an architecture from all its neighbours, in every space", "[baselines]") {
  for (const auto& id : space_ids()) {
    const Space& of = space(id);
    Rng rng(3);
    const Architecture centre = of.random(rng);
    std::vector<Architecture> known = of.neighbours(centre);
    known.push_back(centre);
    const Features features = one_hot_features(of, known);
    const FeatureRows rows = features(known);
    for (std::size_t i = 0; i < known.size(); ++i) {
      CAPTURE(id, known[i]);
      const auto row = rows.row(static_cast<Eigen::Index>(i));
      CHECK(row.sum() == Approx(double(of.graph(known[i]).op.size())));
      if (known[i] != centre) CHECK(row != rows.row(rows.rows() - 1));
    }
    // What was not known has no column.
    CHECK(one_hot_features(of, {centre})(known).cols() == Approx(double(of.graph(centre).op.size())));
  }
}

TEST_CASE("one-hot ridge learns a device whose latency is additive", "[baselines]") {
  const LatencyTable table = without_gaps(1, 300);
  const auto product = [&](std::size_t i) { return std::exp(0.3 * double(table.architectures[i][0] - '0')); };
  const auto predicted = by_one_hot_ridge(space("nb201"), measure(table, 60, product))(table.architectures);
  CHECK(spearman(predicted, truth(table, product)) > 0.95);
}

TEST_CASE("MultiPredict learns its sources and follows a new device", "[baselines]") {
  const LatencyTable sources = without_gaps(3, 120);
  const MultiPredict trained(sources, one_hot_features(space("nb201"), sources.architectures), 1);
  // A device unlike any source: the order of one, mixed with another's.
  const auto target = [&](std::size_t i) { return sources.latency_ms[0][i] + 2 * sources.latency_ms[1][i]; };
  const auto measured = measure(sources, 30, target);
  const auto expected = truth(sources, target);
  const auto ours = trained.adapt(measured, 1)(sources.architectures);
  CHECK(spearman(ours, expected) > 0.95);
  CHECK(spearman(ours, expected) >
        spearman(by_best_source(sources, measured)(sources.architectures), expected));
  CHECK(trained.adapt(measured, 1)(sources.architectures) == ours);
}
