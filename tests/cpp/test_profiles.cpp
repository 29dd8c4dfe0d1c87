// What a known model takes on a new platform, by regression over platforms: laws of it, on invented tables.
#include <cmath>
#include <functional>

#include "catch.h"
#include "latencast/rng.h"
#include "profiles.h"

using namespace latencast;

namespace {

// Model 0 is the one that is asked for; the others lie on a line through the platforms, `place` on it.
struct Line {
  std::vector<double> place;
  std::vector<double> beyond;  // of model 0, in log
  std::vector<PlatformKind> kind;
  std::vector<std::string> board;
  int models = 6;

  void add(double at, double own, PlatformKind of = {"arm64", 1}, const std::string& called = {}) {
    place.push_back(at), beyond.push_back(own), kind.push_back(std::move(of));
    board.push_back(called.empty() ? "board" + std::to_string(board.size()) : called);
  }

  // Log ms of model m (from 1) at a place: their mean is 0, whatever the place.
  double log_ms(double at, int m) const { return at * (m - models / 2. - 0.5) / models; }

  std::shared_ptr<const ProfileTable> table() const {
    ProfileTable made;
    made.log_ms.resize(Eigen::Index(place.size()), models + 1);
    for (std::size_t p = 0; p < place.size(); ++p) {
      made.log_ms(Eigen::Index(p), 0) = beyond[p];
      for (int m = 1; m <= models; ++m) made.log_ms(Eigen::Index(p), m) = log_ms(place[p], m);
      made.real.emplace_back(std::size_t(models) + 1, true);
      made.importance.push_back(1);
    }
    made.board = board, made.kind = kind;
    return std::make_shared<const ProfileTable>(std::move(made));
  }

  // What model 0 takes on a platform of which nothing is told but the others' latencies, `level` over.
  double predicted(double at, const PlatformKind& told = {}, double level = 0) const {
    std::vector<std::pair<std::ptrdiff_t, double>> measured;
    for (int m = 1; m <= models; ++m) measured.emplace_back(m, level + log_ms(at, m));
    const auto found = Profiles(table(), std::vector<bool>(place.size(), true), measured, told).predict(0);
    REQUIRE(found);
    return found->mean - level;
  }
};

}  // namespace

TEST_CASE("what a model takes beyond others follows their profile, along no line", "[fleet][profiles]") {
  Line line;
  const auto beyond = [](double at) { return 0.4 * std::sin(2 * at); };
  for (int p = 0; p < 40; ++p) line.add(-2 + 0.1 * p, beyond(-2 + 0.1 * p));
  for (const double at : {-1.55, -0.8, 0.75, 1.55}) {
    // The noise that is reckoned with draws the peaks in; a line is off by .34 at -0.8 and 0.75.
    CHECK(line.predicted(at) == Approx(beyond(at)).margin(0.1));
    CHECK(line.predicted(at, {}, 3) == Approx(line.predicted(at)));
  }
}

TEST_CASE("a model's own reading says nothing of it", "[fleet][profiles]") {
  Line line;
  for (int p = 0; p < 12; ++p) line.add(0.1 * p, 0.02 * p);
  const auto left_out = [&](double own) {
    std::vector<std::pair<std::ptrdiff_t, double>> measured = {{0, own}};
    for (int m = 1; m <= line.models; ++m) measured.emplace_back(m, line.log_ms(0.5, m));
    return Profiles(line.table(), std::vector<bool>(12, true), measured, {}).predict(0)->mean;
  };
  CHECK(left_out(0.1) == left_out(2));
}

TEST_CASE("kind of processor and number of threads tell platforms of one profile apart",
          "[fleet][profiles]") {
  Line processors, threads;
  for (int p = 0; p < 10; ++p) {
    const bool odd = p % 2 == 1;
    processors.add(0, odd ? 0.4 : 0, {odd ? "x86" : "arm64", 1});
    threads.add(0, odd ? 0.4 : 0, {"arm64", odd ? 16 : 1});
  }
  CHECK(processors.predicted(0, {"x86", 0}) > processors.predicted(0) + 0.17);
  CHECK(processors.predicted(0, {"arm64", 0}) < processors.predicted(0) - 0.17);
  CHECK(threads.predicted(0, {"", 16}) > threads.predicted(0) + 0.05);
  CHECK(threads.predicted(0, {"", 1}) < threads.predicted(0) - 0.05);
}

TEST_CASE("what a kind of processor has of its own holds for platforms of any profile", "[fleet][profiles]") {
  Line line;
  for (int p = 0; p < 40; ++p) line.add(10 * p, p % 2 == 1 ? 0.3 : 0, {p % 2 == 1 ? "x86" : "arm64", 1});
  const double at = 195;  // far from all
  CHECK(line.predicted(at, {"x86", 0}) - line.predicted(at, {"arm64", 0}) > 0.15);
}

TEST_CASE("settings of one board count as fewer platforms", "[fleet][profiles]") {
  const auto with_boards = [](const std::function<std::string(int)>& board) {
    Line line;
    for (int p = 0; p < 10; ++p) line.add(0, 0), line.add(0, 0.4, {"arm64", 1}, board(p));
    return line.predicted(0);
  };
  CHECK(with_boards([](int) { return std::string(); }) == Approx(0.2).margin(0.01));
  CHECK(with_boards([](int) { return std::string("one"); }) < 0.15);
}

TEST_CASE("models that go with the asked one count for more", "[fleet][profiles]") {
  // Model 1 does, on few platforms; the others go their own ways.
  constexpr int kModels = 20, kPlatforms = 8, kDraws = 10;
  Rng rng(3);
  double missed = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    Line line;
    line.models = kModels;
    for (int p = 0; p < kPlatforms; ++p) line.add(0, 0);
    ProfileTable table = *line.table();
    for (Eigen::Index p = 0; p < kPlatforms; ++p) {
      for (int m = 1; m <= kModels; ++m) table.log_ms(p, m) = rng.normal();
      table.log_ms(p, 0) = table.log_ms(p, 1) + 0.7;
    }
    std::vector<std::pair<std::ptrdiff_t, double>> measured;
    for (int m = 1; m <= kModels; ++m) measured.emplace_back(m, rng.normal());
    const Profiles profiles(std::make_shared<const ProfileTable>(table), std::vector<bool>(kPlatforms, true),
                            measured, {});
    missed += std::abs(profiles.predict(0)->mean - measured[0].second - 0.7) / kDraws;
  }
  CHECK(missed < 0.15);
}

TEST_CASE("too little is no opinion", "[fleet][profiles]") {
  Line line;
  for (int p = 0; p < 8; ++p) line.add(0.1 * p, 0);
  const auto opinion = [&](std::size_t models, std::size_t platforms) {
    std::vector<std::pair<std::ptrdiff_t, double>> measured;
    for (std::size_t m = 1; m <= models; ++m) measured.emplace_back(m, 0);
    std::vector<bool> keep(8, false);
    std::fill_n(keep.begin(), platforms, true);
    return Profiles(line.table(), keep, measured, {}).predict(0).has_value();
  };
  CHECK(opinion(4, 8));
  CHECK_FALSE(opinion(3, 8));
  CHECK_FALSE(opinion(4, 7));
}
