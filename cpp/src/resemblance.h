// What a model that no platform measured takes on a new platform, by regression over pairs of a platform and
// a model: a second opinion beside that of the rates (rates.h), which must explain every model by one sum
// over its kinds of work and err where a model's size or style is not of that form.
//
// Log latencies, less the mean of the measured models on each platform, are a Gaussian process whose
// covariance is a product: of platforms, as profiles.h has it, and of models by their traits (work.h), linear
// and bent (Bonilla, Chai and Williams, 2007: multi-task Gaussian process prediction). With all known models
// on all known platforms, as measured or filled in, it takes one factor for each of the two in place of one
// for all pairs.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "profiles.h"
#include "rates.h"

namespace latencast {

class Resemblance {
 public:
  /// work: of the table's models, a row each. keep: platforms of the table that count. measured: on the new
  /// platform, known there or not, with log ms; none twice.
  Resemblance(std::shared_ptr<const ProfileTable> table, const DoubleMatrix& work,
              const std::vector<bool>& keep, std::vector<std::pair<ModelWork, double>> measured,
              PlatformKind kind);

  /// Log ms of a model from all measured ones but itself. Nothing where too few known ones are among these.
  std::optional<Belief> predict(const ModelWork& model) const;

 private:
  std::shared_ptr<const ProfileTable> table_;
  DoubleMatrix traits_;  // of known models, a row each
  std::vector<std::size_t> platforms_;
  std::vector<std::pair<ModelWork, double>> measured_;
  PlatformKind kind_;
};

}  // namespace latencast
