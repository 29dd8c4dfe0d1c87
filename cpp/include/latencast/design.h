// Features of an architecture in which the log latency of real devices is close to linear: what a closed-form
// transfer (latencast/posterior.h) regresses on.
#pragma once

#include <memory>
#include <vector>

#include "latencast/space.h"

namespace latencast {

class Design {
 public:
  virtual ~Design() = default;

  virtual const Space& space() const = 0;

  /// Length of a row.
  virtual int width() const = 0;

  /// The last so many features are physical totals of the whole network: multiply-adds by kind, traffic,
  /// parameters, kernels, depth, counts of operations. Those before say which operation is where.
  virtual int physical() const = 0;

  /// Features of one architecture, in units of their own. row: of length width().
  virtual void write_row(const Architecture& architecture, float* row) const = 0;
};

/// Of the space; shared, lives for ever. Throws `argument` where none is known.
const Design& design_of(const Space& space);

}  // namespace latencast
