// Small dense linear algebra in double precision, for matrices of some hundred rows; plain loops, because
// Eigen's decompositions would double the WebAssembly module.
#pragma once

#include <Eigen/Core>

namespace latencast {

using DoubleMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The lower triangle L with A = L L^T. a: symmetric, positive definite up to rounding; what is left of a
/// pivot that rounding made smaller than 1e-12 of the largest is that.
DoubleMatrix cholesky(const DoubleMatrix& a);

/// The upper triangle R with A^T A = R^T R, by Householder's reflections: exact to rounding where columns
/// depend on each other too, which A^T A itself is not. a: at least as many rows as columns.
DoubleMatrix upper_triangle(DoubleMatrix a);

/// X with L X = B, L lower triangular.
DoubleMatrix solve_lower(const DoubleMatrix& lower, DoubleMatrix b);

/// X with L^T X = B.
DoubleMatrix solve_lower_transposed(const DoubleMatrix& lower, DoubleMatrix b);

/// The `count` largest eigenvalues of a symmetric positive matrix, descending, and their eigenvectors as
/// columns, by orthogonal iteration.
struct Eigenpairs {
  Eigen::VectorXd values;
  DoubleMatrix vectors;
};
Eigenpairs leading_eigenpairs(const DoubleMatrix& a, int count);

}  // namespace latencast
