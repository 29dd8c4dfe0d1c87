// What a predictor has to beat: rankings by arithmetic, by what other devices say, and by small models.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <vector>

#include "latencast/encode.h"
#include "latencast/pretrain.h"
#include "layers.h"

namespace latencast {

/// Scores of architectures, larger is slower; only their order means anything.
using Score = std::function<std::vector<double>(const std::vector<Architecture>&)>;

/// Multiply-adds, or parameters, as they are.
Score by_macs(const Space& space);
Score by_params(const Space& space);

/// The source device whose latencies rank the measurements best (Spearman): its index. sources: the measured
/// architectures are among its own, and it has all latencies.
std::size_t best_source(const LatencyTable& sources, const std::vector<Measurement>& measured);

/// Latency on the best source.
Score by_best_source(const LatencyTable& sources, const std::vector<Measurement>& measured);

/// Ridge of log latency on which operation each node has.
Score by_one_hot_ridge(const Space& space, const std::vector<Measurement>& measured);

/// Ridge of log latency on the log latencies of all source devices.
Score by_source_ridge(const LatencyTable& sources, const std::vector<Measurement>& measured);

/// A linear model with an intercept that is not penalised.
struct Ridge {
  Eigen::VectorXd weights;
  double intercept = 0;
  double strength = 0;       ///< the penalty chosen among 1e-4, 1e-3, ... 100
  double leave_one_out = 0;  ///< mean squared error of predicting each row from the others
};

/// Ridge regression whose strength has the least leave-one-out error, which has a closed form (Golub, Heath
/// and Wahba, 1979). x: (n, columns), y: (n), n >= 2.
Ridge fit_ridge(const Eigen::MatrixXd& x, const Eigen::VectorXd& y);

/// Rows that describe architectures: (architectures, width), the same width for every call.
using FeatureRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Features = std::function<FeatureRows(const std::vector<Architecture>&)>;

/// A column for every (place, operation) that occurs in `known`; what does not occur there is left out.
Features one_hot_features(const Space& space, const std::vector<Architecture>& known);

/// An encoding, by a trained encoder.
Features encoded_features(const Encoder& encoder, Encoding encoding);

/// MultiPredict (Akhauri and Abdelfattah, arXiv 2306.02459): a perceptron on an encoding and a learned
/// 8-d device embedding, trained by squared error on latencies scaled to 0..1 per device. Sizes, rates and
/// epochs are those of the authors' program.
class MultiPredict {
 public:
  /// Trains on every device of `sources` (complete, at least two latencies each).
  MultiPredict(const LatencyTable& sources, Features features, std::uint64_t seed);

  /// Fine-tuned on measurements of a new device, whose embedding starts from that of the best source.
  Score adapt(const std::vector<Measurement>& measured, std::uint64_t seed) const;

 private:
  LatencyTable sources_;
  Features features_;
  Flat<float> parameters_;
};

}  // namespace latencast
