// Training by pairwise ranking (NASFLAT, arXiv 2403.02446): pre-training and transfer share it.
#pragma once

#include <utility>
#include <vector>

#include "adam.h"
#include "latencast/rng.h"
#include "network.h"

namespace latencast {

/// One labelled architecture on a device.
struct TrainingItem {
  const Graph* graph;
  int device;                         ///< row of the hardware table
  double label;                       ///< latency; only its order among items of the same device matters
  const float* supplement = nullptr;  ///< NetworkShape::supplement numbers
};

/// Pairs i < j of one device with different labels; all of them, or 4 * items.size() drawn without
/// replacement.
std::vector<std::pair<int, int>> ranking_pairs(const std::vector<TrainingItem>& items, Rng& rng);

/// By how much a slower item must outscore a faster one.
enum class Margin {
  constant,   ///< 0.1, as published
  log_ratio,  ///< the logarithm of their latencies' ratio, so that scores come to differ as log latencies do
};

/// Mean over pairs of max(0, margin_ij - sign(y_i - y_j) (s_i - s_j)); its gradient goes to d_scores.
double pairwise_hinge(const std::vector<TrainingItem>& items, const std::vector<std::pair<int, int>>& pairs,
                      Margin margin, const std::vector<double>& scores, std::vector<double>& d_scores);

template <class S>
class Trainer {
 public:
  Trainer(const Space& space, const Network& network, Flat<S> parameters, const AdamOptions& options,
          int total_steps, Margin margin, std::uint64_t seed)
      : space_(space),
        network_(network),
        margin_(margin),
        parameters_(std::move(parameters)),
        gradients_(parameters_.size()),
        adam_(parameters_.size(), options, total_steps),
        rng_(seed) {}

  /// One optimiser step on a batch; returns its loss. Without a pair to rank nothing is learnt (loss 0).
  double step(const std::vector<TrainingItem>& items);

  const Flat<S>& parameters() const { return parameters_; }

  /// The stream that decides batches, pairs and dropout.
  Rng& rng() { return rng_; }

 private:
  const Space& space_;
  const Network& network_;
  Margin margin_;
  Flat<S> parameters_, gradients_;
  Adam<S> adam_;
  Rng rng_;
  typename Network::Trace<S> trace_;
};

}  // namespace latencast
