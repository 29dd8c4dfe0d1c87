// What a model that no platform measured takes, by its likeness to others: laws of it, on invented platforms.
#include <cmath>

#include "catch.h"
#include "latencast/rng.h"
#include "resemblance.h"
#include "work.h"

using namespace latencast;

namespace {

// Kinds of work by their names.
int kind(const std::string& called) {
  for (int k = 0; k < work_kinds(); ++k)
    if (work_name(k) == called) return k;
  FAIL("no kind of work is called " << called);
  return 0;
}

// Models of pointwise and of 3x3 convolutions; on a platform the logarithm of what a model takes is a level,
// a slope times that of its multiply-adds, and a price of 3x3 convolutions. No sum over kinds of work is
// that.
Eigen::VectorXd model(double macs, double share) {
  Eigen::VectorXd work = Eigen::VectorXd::Zero(work_kinds());
  work[kind("3x3 convolution, stride 1")] = share * macs;
  work[kind("1x1 convolution")] = (1 - share) * macs;
  work[kind("activations of convolutions")] = 10;
  work[kind("weights of convolutions")] = 10;
  work[kind("any kernel")] = 30;
  return work;
}

struct Place {
  double level, slope, price;

  double log_ms(const Eigen::VectorXd& work) const {
    const double dense = work[kind("3x3 convolution, stride 1")],
                 macs = dense + work[kind("1x1 convolution")];
    return level + slope * std::log(macs) + price * dense / macs;
  }
};

struct Invented {
  DoubleMatrix work;
  std::shared_ptr<const ProfileTable> table;

  explicit Invented(int platforms = 30, int models = 20) : work(models, work_kinds()) {
    Rng rng(5);
    for (int m = 0; m < models; ++m)
      work.row(m) = model(std::exp(3 + 4 * rng.uniform()), rng.uniform()).transpose();
    ProfileTable made;
    made.log_ms.resize(platforms, models);
    for (int p = 0; p < platforms; ++p) {
      const Place place{rng.normal(), 0.3 + 0.7 * rng.uniform(), rng.normal()};
      for (int m = 0; m < models; ++m) made.log_ms(p, m) = place.log_ms(work.row(m).transpose());
      made.real.emplace_back(models, true);
      made.importance.push_back(1);
      made.board.push_back("board" + std::to_string(p));
      made.kind.push_back({"arm64", 1});
    }
    table = std::make_shared<const ProfileTable>(std::move(made));
  }

  // The first `count` known models, `more` over what they take there.
  std::vector<std::pair<ModelWork, double>> measured(const Place& place, int count, double more = 0) const {
    std::vector<std::pair<ModelWork, double>> all;
    for (int m = 0; m < count; ++m) {
      const Eigen::VectorXd one = work.row(m).transpose();
      all.push_back({{one, m, std::uint64_t(m) + 1}, place.log_ms(one) + more});
    }
    return all;
  }

  std::optional<Belief> predicted(const std::vector<std::pair<ModelWork, double>>& measured,
                                  const Eigen::VectorXd& asked, std::uint64_t identity = 999) const {
    const std::vector<bool> keep(std::size_t(table->log_ms.rows()), true);
    return Resemblance(table, work, keep, measured, {}).predict({asked, -1, identity});
  }
};

const Invented& invented() {
  static const Invented one;
  return one;
}

}  // namespace

TEST_CASE("an unknown model takes what models of its size and style take", "[fleet][resemblance]") {
  Rng rng(11);
  for (int trial = 0; trial < 8; ++trial) {
    const Place place{rng.normal(), 0.3 + 0.7 * rng.uniform(), rng.normal()};
    const Eigen::VectorXd asked = model(std::exp(3 + 4 * rng.uniform()), rng.uniform());
    const auto found = invented().predicted(invented().measured(place, 8), asked);
    REQUIRE(found);
    CHECK(found->mean == Approx(place.log_ms(asked)).margin(0.12));
  }
}

TEST_CASE("a platform half as fast takes an unknown model twice as long", "[fleet][resemblance]") {
  const Place place{0, 0.6, 0.5};
  const Eigen::VectorXd asked = model(200, 0.4);
  const auto one = invented().predicted(invented().measured(place, 8), asked),
             other = invented().predicted(invented().measured(place, 8, 0.7), asked);
  CHECK(other->mean == Approx(one->mean + 0.7).margin(1e-6));
  CHECK(other->spread == Approx(one->spread));
}

TEST_CASE("an unknown model that is measured speaks for one like it, not for itself",
          "[fleet][resemblance]") {
  const Place place{0, 0.6, 0.5};
  auto measured = invented().measured(place, 8);
  const Eigen::VectorXd asked = model(200, 0.4), twin = model(210, 0.42);
  const double before = invented().predicted(measured, asked)->mean;
  measured.push_back({{twin, -1, 500}, place.log_ms(twin) + 0.6});
  CHECK(invented().predicted(measured, asked)->mean > before + 0.05);
  CHECK(invented().predicted(measured, asked, 500)->mean == Approx(before));
}

TEST_CASE("a model unlike all others is less certain than one like them", "[fleet][resemblance]") {
  const auto measured = invented().measured({0, 0.6, 0.5}, 8);
  Eigen::VectorXd stranger = Eigen::VectorXd::Zero(work_kinds());
  stranger[kind("layer norm, GELU")] = 1;
  stranger[kind("any kernel")] = 1;
  CHECK(invented().predicted(measured, stranger)->spread >
        2 * invented().predicted(measured, model(200, 0.4))->spread);
}

TEST_CASE("few models or few platforms tell nothing of resemblance", "[fleet][resemblance]") {
  const Place place{0, 0.6, 0.5};
  const Eigen::VectorXd asked = model(200, 0.4);
  CHECK_FALSE(invented().predicted(invented().measured(place, 3), asked));
  CHECK(invented().predicted(invented().measured(place, 4), asked));
  const Invented small(7);
  CHECK_FALSE(small.predicted(small.measured(place, 8), asked));
}

TEST_CASE("traits are finite whatever a model lacks, and tell size from style", "[fleet][resemblance]") {
  Eigen::VectorXd nothing = Eigen::VectorXd::Zero(work_kinds());
  CHECK(traits_of(nothing).allFinite());
  const Eigen::VectorXd one = traits_of(model(100, 0.5)), larger = traits_of(2 * model(100, 0.5)),
                        denser = traits_of(model(100, 0.6));
  CHECK((larger - one).head(4).minCoeff() > 0.3);
  CHECK((larger - one).tail(one.size() - 4).cwiseAbs().maxCoeff() < 1e-9);
  CHECK((denser - one).head(4).cwiseAbs().maxCoeff() < 1e-9);
  CHECK((denser - one).norm() > 0.1);
}
