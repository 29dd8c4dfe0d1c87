// What a Predictor holds.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "latencast/encode.h"
#include "latencast/posterior.h"
#include "latencast/predictor.h"
#include "network.h"

namespace latencast {

/// A prior with the architectures that were last embedded: a page asks for the same thousands over and over.
/// Predictors share it, threads too.
class Embedding {
 public:
  Embedding(const Space& space, Prior prior) : space_(space), prior_(std::move(prior)) {}

  const Prior& prior() const { return prior_; }

  /// psi of each architecture, a row each.
  std::shared_ptr<const RowMatrix> operator()(const std::vector<Architecture>& architectures) const;

 private:
  struct Known {
    std::vector<Architecture> architectures;
    RowMatrix psi;
  };

  RowMatrix embed(const std::vector<Architecture>& architectures) const;

  const Space& space_;
  Prior prior_;
  mutable std::mutex mutex_;  ///< of known_, not of what it points at
  mutable std::shared_ptr<const Known> known_;
};

/// A transfer in closed form.
struct ClosedForm {
  Posterior posterior;
  std::vector<std::size_t> trusted;
};

struct PredictorImpl {
  const Space* space;
  Network network;
  Flat<float> parameters;  ///< each exactly a half-precision number, so that writing loses nothing
  std::vector<std::string> devices;
  Encoding supplement = Encoding::none;
  std::optional<Encoder> encoder = {};  ///< present where there is a supplement
  std::vector<Measurement> measurements = {};
  Quantity quantity = Quantity::latency;
  std::optional<Calibration> calibration = {};
  std::optional<Nearest> nearest = {};
  std::shared_ptr<const Embedding> embedding = {};  ///< where it has a prior
  /// Then there is no network, unless it is a combination (combine() in latencast/estimate.h): calibration is
  /// there as well, and the network's log latency counts by network_share.
  std::shared_ptr<const ClosedForm> closed_form = {};
  double network_share = 0;
  /// Of the file it was read from; empty where there is none, or no network.
  std::vector<Architecture> tested = {};
  std::vector<double> expected = {};  ///< their scores on the first device

  bool has_network() const { return !closed_form || calibration; }
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

/// The result of a transfer in closed form.
std::shared_ptr<PredictorImpl> closed_form(const Space& space, std::shared_ptr<const Embedding> embedding,
                                           const std::vector<Measurement>& measurements,
                                           const std::string& device, const std::vector<std::size_t>& trusted,
                                           Quantity quantity);

/// The predictor with its first `count` devices.
PredictorImpl with_devices(const PredictorImpl& impl, std::size_t count);

/// Rounds to half precision, as PredictorImpl::parameters must be.
template <class S>
Flat<float> rounded_to_half(const Flat<S>& values) {
  Flat<float> rounded(values.size());
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
