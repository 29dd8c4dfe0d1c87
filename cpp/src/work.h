// The work of a kernel by kind: what a platform has a rate for. A model's latency is the sum over kinds of
// work times the platform's ms for a unit of it.
#pragma once

#include <Eigen/Core>
#include <array>

#include "latencast/decompose.h"

namespace latencast {

/// Raise it whenever the same kernels come to have other work.
constexpr int kWorkVersion = 1;

/// Number of kinds.
int work_kinds();

/// Of a kind: a word for people, e.g. "3x3 convolution", and what a unit of it takes on a processor of no
/// particular make, in ms; only ratios between kinds matter.
const char* work_name(int kind);
double typical_ms(int kind);

/// Work of each kind in one kernel, or in a whole model. Units: millions of multiply-adds, megabytes, or one
/// for each kernel.
Eigen::VectorXd work_of(const FusedKernel& kernel);
Eigen::VectorXd work_of(const Decomposition& model);

/// What models are compared by, from their work: logarithms of all multiply-adds, activations, weights and
/// kernels, and roots of the shares that groups of kinds have in these. Those of two models are about as far
/// apart, squared, as the models are unlike.
Eigen::VectorXd traits_of(const Eigen::VectorXd& work);

}  // namespace latencast
