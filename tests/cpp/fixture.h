// A synthetic family of devices for tests that train: latency = base + sum over edges of the operation's
// cost.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "latencast/pretrain.h"
#include "latencast/rng.h"
#include "latencast/space.h"

namespace latencast {

inline double synthetic_latency_ms(const Architecture& cell, std::uint64_t device) {
  Rng rng(1000 + device);
  const double cost[5] = {0.01, 0.1, 0.5 + 3 * rng.uniform(), 2 + 5 * rng.uniform(), 0.3 + 6 * rng.uniform()};
  double total = 1;
  for (const char digit : cell) total += cost[digit - '0'];
  return total;
}

/// `devices` synthetic devices on `cells` cells; device 1 lacks every third latency.
inline LatencyTable synthetic_table(std::size_t devices, std::size_t cells) {
  LatencyTable table;
  const auto& all = space("nb201").enumerate();
  table.architectures.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cells));
  for (std::size_t d = 0; d < devices; ++d) {
    table.devices.push_back("device " + std::to_string(d));
    table.latency_ms.emplace_back();
    for (std::size_t i = 0; i < cells; ++i)
      table.latency_ms.back().push_back(d == 1 && i % 3 == 0
                                            ? std::numeric_limits<double>::quiet_NaN()
                                            : synthetic_latency_ms(table.architectures[i], d));
  }
  return table;
}

/// Twenty measurements of a device that synthetic_table(devices <= 50) does not have.
inline std::vector<Measurement> synthetic_measurements(std::size_t count = 20, std::uint64_t device = 99) {
  std::vector<Measurement> measurements;
  const auto& all = space("nb201").enumerate();
  for (std::size_t i = 0; i < count; ++i) {
    const auto& cell = all[(i * 701 + 13) % all.size()];
    measurements.push_back({cell, synthetic_latency_ms(cell, device)});
  }
  return measurements;
}

/// Trained once per test run: 4 devices, 200 cells, a few epochs.
inline const Predictor& synthetic_base() {
  static const Predictor base = [] {
    PretrainOptions options;
    options.steps = 160;
    options.invented = 0;
    options.batch = 64;
    return pretrain(synthetic_table(4, 200), options, [](int, double) {});
  }();
  return base;
}

}  // namespace latencast
