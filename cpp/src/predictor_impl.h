// What a Predictor holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "latencast/predictor.h"
#include "network.h"

namespace latencast {

struct PredictorImpl {
  const Space* space;
  Network network;
  std::vector<float> parameters;  ///< each exactly a half-precision number, so that writing loses nothing
  std::vector<std::string> devices;
  std::vector<Measurement> measurements;
  std::optional<Calibration> calibration;
  std::optional<Nearest> nearest;
};

/// Rounds to half precision, as PredictorImpl::parameters must be.
template <class S>
std::vector<float> rounded_to_half(const std::vector<S>& values) {
  std::vector<float> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = round_to_half(static_cast<float>(values[i]));
  return rounded;
}

/// "dgf", "gat", "ensemble" <-> Gnn. Throws `argument` on another name.
Gnn gnn_from_name(const std::string& name);
const char* name_of(Gnn gnn);

}  // namespace latencast
