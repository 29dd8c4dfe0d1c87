// What is believed of a device before it is measured, learned from devices that were and from invented ones.
//
// Log latency is a + psi(x) . t: psi are the features of an architecture (latencast/design.h) in a basis in
// which any direction is equally likely, t says what the device finds slow. t is a priori near that of some
// known or invented device, a mixture of Gaussians with a centre on each. Ours; the method it stands in for
// is NASFLAT's transfer (arXiv 2403.02446).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

#include "latencast/checkpoint.h"
#include "latencast/space.h"

namespace latencast {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Raise it whenever the same data come to give another prior or the same measurements other estimates.
constexpr int kPriorVersion = 2;

struct Prior {
  // Features -> psi = basis^T (features - mean).
  Eigen::VectorXf mean;  ///< of each feature over the space, p numbers
  RowMatrix basis;       ///< p x q; psi has mean square 1 over the space, all its parts together

  RowMatrix centres;                 ///< one row of q numbers for each device, real ones first
  std::vector<std::string> devices;  ///< names of the real ones
  double real_mass = 0;              ///< prior probability of all real ones together; 0 where there is none

  // Mean log latency (ms) over the space: a new device's is normal with `level` and `level_spread`; those of
  // the real devices are between `level_low` and `level_high`.
  double level = 0, level_spread = 1, level_low = 0, level_high = 0;

  /// Prior probability of one centre.
  double mass(Eigen::Index centre) const;

  /// psi of each architecture, a row each. features: a row of p numbers each.
  RowMatrix embed(const RowMatrix& features) const;
};

/// Measured devices to learn from.
struct PriorSources {
  RowMatrix features;                           ///< a row for each architecture
  std::vector<std::string> devices;             ///< names
  std::vector<std::vector<double>> latency_ms;  ///< per device and architecture; NaN where not measured
};

struct PriorOptions {
  int invented = 600;                ///< invented devices; 0 where there is no simulator for the space
  int directions = 60;               ///< kept of what tells invented devices apart
  std::size_t architectures = 4000;  ///< of the space, drawn at random, stand for all of it
  double real_mass = 0.05;           ///< prior probability of all real devices together
  std::uint64_t seed = 1;
};

/// Of a built-in space.
Prior learn_prior(const Space& space, const PriorSources& sources, const PriorOptions& options = {});

/// Of a table: all rows of `sources.features` stand for the space, the last `physical` columns count as
/// physical. Devices may be none.
Prior learn_prior(const PriorSources& sources, int physical, const PriorOptions& options = {});

/// The same, to store: tensors "prior.mean", "prior.basis" and "prior.centres", exact in half precision, and
/// the rest as a JSON object's text. read_prior() throws `checkpoint` where they do not fit each other.
std::vector<Tensor> prior_tensors(const Prior& prior);
std::string prior_meta(const Prior& prior);
Prior read_prior(const std::vector<Tensor>& tensors, const std::string& meta);

/// Features of architectures of a built-in space, a row each (latencast/design.h).
RowMatrix features_of(const Space& space, const std::vector<Architecture>& architectures);

}  // namespace latencast
