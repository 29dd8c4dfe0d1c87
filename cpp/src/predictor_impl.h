// What a Predictor holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "latencast/encode.h"
#include "latencast/predictor.h"
#include "network.h"

namespace latencast {

struct PredictorImpl {
  const Space* space;
  Network network;
  std::vector<float> parameters;  ///< each exactly a half-precision number, so that writing loses nothing
  std::vector<std::string> devices;
  Encoding supplement = Encoding::none;
  std::optional<Encoder> encoder = {};  ///< present where there is a supplement
  std::vector<Measurement> measurements = {};
  std::optional<Calibration> calibration = {};
  std::optional<Nearest> nearest = {};
};

/// The supplementary encoding of each architecture, row after row; empty where the network has none.
std::vector<float> supplements_of(const PredictorImpl& impl, const std::vector<Architecture>& architectures);

/// Where each of `count` rows of `width` numbers begins.
inline std::vector<const float*> rows_of(const std::vector<float>& values, std::size_t count, int width) {
  std::vector<const float*> rows(count, nullptr);
  for (std::size_t i = 0; i < count && width > 0; ++i)
    rows[i] = values.data() + i * static_cast<std::size_t>(width);
  return rows;
}

/// The predictor with its first `count` devices.
PredictorImpl with_devices(const PredictorImpl& impl, std::size_t count);

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

/// "operation", "head" <-> HardwarePlace. Throws `argument` on another name.
HardwarePlace hardware_place_from_name(const std::string& name);
const char* name_of(HardwarePlace place);

/// What the space decides of a network's shape.
NetworkShape shape_for(const Space& space);

}  // namespace latencast
