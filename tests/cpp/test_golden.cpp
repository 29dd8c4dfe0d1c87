// The shipped weights against numbers written by a native build (tests/golden/make.sh): native and
// WebAssembly, optimised and sanitized, must give the same values and exactly the same order.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "latencast/estimate.h"
#include "latencast/predictor.h"
#include "latencast/transfer.h"

using namespace latencast;

namespace {

const std::string kTests = LATENCAST_TEST_DATA;

struct Golden {
  std::vector<Architecture> architectures;
  std::vector<double> values;
};

Golden read_golden(const std::string& name) {
  std::ifstream file(kTests + "/golden/" + name);
  REQUIRE(file);
  Golden golden;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string architecture, value;
    std::getline(fields, architecture, ',');
    std::getline(fields, value);
    golden.architectures.push_back(architecture);
    golden.values.push_back(std::stod(value));
  }
  return golden;
}

const Predictor& shipped() {
  static const Predictor predictor = [] {
    std::ifstream file(kTests + "/../weights/nb201.latencast", std::ios::binary);
    REQUIRE(file);
    return Predictor::read(std::string(std::istreambuf_iterator<char>(file), {}));
  }();
  return predictor;
}

std::vector<Measurement> measured() {
  const Golden golden = read_golden("raspi4-20.csv");
  std::vector<Measurement> measurements;
  for (std::size_t i = 0; i < golden.values.size(); ++i)
    measurements.push_back({golden.architectures[i], golden.values[i]});
  return measurements;
}

std::vector<std::size_t> order_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  return order;
}

void check_same(const std::vector<double>& found, const Golden& golden) {
  REQUIRE(golden.values.size() == 200);
  const auto [low, high] = std::minmax_element(golden.values.begin(), golden.values.end());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(golden.architectures[i]);
    // Relative to the value, or for scores near zero to their range.
    REQUIRE(std::abs(found[i] - golden.values[i]) <=
            1e-4 * std::max(std::abs(golden.values[i]), 0.1 * (*high - *low)));
  }
  CHECK(order_of(found) == order_of(golden.values));
}

}  // namespace

TEST_CASE("golden: scores of the shipped weights") {
  const Golden golden = read_golden("scores.csv");
  check_same(shipped().scores("pixel3", golden.architectures), golden);
}

TEST_CASE("golden: milliseconds after fine-tuning to raspi4") {
  TransferOptions options;
  options.seed = 3;
  const Golden golden = read_golden("latency_ms.csv");
  check_same(transfer(shipped(), measured(), options).latency_ms(golden.architectures), golden);
}

TEST_CASE("golden: milliseconds and intervals after a transfer to raspi4 in closed form") {
  const Predictor adapted = estimate(shipped(), measured());
  const Golden golden = read_golden("closed_form.csv"), golden_high = read_golden("closed_form_high.csv");
  check_same(adapted.latency_ms(golden.architectures), golden);
  std::vector<double> high;
  for (const Belief& belief : adapted.beliefs(golden.architectures)) high.push_back(belief.interval().high);
  check_same(high, golden_high);
}
