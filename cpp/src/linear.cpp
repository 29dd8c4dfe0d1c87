#include "linear.h"

#include <algorithm>
#include <cmath>

#include "latencast/rng.h"
#include "product.h"

namespace latencast {

using Index = Eigen::Index;

DoubleMatrix cholesky(const DoubleMatrix& a) {
  const Index n = a.rows();
  DoubleMatrix lower = DoubleMatrix::Zero(n, n);
  const double smallest = n > 0 ? 1e-12 * a.diagonal().maxCoeff() : 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j <= i; ++j) {
      double rest = a(i, j);
      const double *row_i = &lower(i, 0), *row_j = &lower(j, 0);
      for (Index k = 0; k < j; ++k) rest -= row_i[k] * row_j[k];
      lower(i, j) = i == j ? std::sqrt(std::max(rest, smallest)) : rest / lower(j, j);
    }
  }
  return lower;
}

DoubleMatrix upper_triangle(DoubleMatrix a) {
  const Index n = a.rows(), columns = a.cols();
  Eigen::VectorXd along(columns);
  for (Index k = 0; k < columns; ++k) {
    double square = 0;
    for (Index i = k; i < n; ++i) square += a(i, k) * a(i, k);
    if (!(square > 0)) continue;
    // The reflection that takes what is left of column k to its first element alone: along v, the column with
    // that much more at its beginning.
    const double diagonal = a(k, k) > 0 ? -std::sqrt(square) : std::sqrt(square);
    a(k, k) -= diagonal;
    const double half = square - diagonal * (a(k, k) + diagonal);  // of v . v
    along.setZero();
    for (Index i = k; i < n; ++i) along.tail(columns - k - 1) += a(i, k) * a.row(i).tail(columns - k - 1);
    along /= half;
    for (Index i = k; i < n; ++i)
      a.row(i).tail(columns - k - 1) -= a(i, k) * along.tail(columns - k - 1).transpose();
    a(k, k) = diagonal;
  }
  return a.topRows(columns).triangularView<Eigen::Upper>();
}

DoubleMatrix solve_lower(const DoubleMatrix& lower, DoubleMatrix b) {
  for (Index i = 0; i < lower.rows(); ++i) {
    double* row = b.data() + i * b.cols();
    for (Index k = 0; k < i; ++k) {
      const double factor = lower(i, k);
      const double* other = b.data() + k * b.cols();
      for (Index j = 0; j < b.cols(); ++j) row[j] -= factor * other[j];
    }
    for (Index j = 0; j < b.cols(); ++j) row[j] /= lower(i, i);
  }
  return b;
}

DoubleMatrix solve_lower_transposed(const DoubleMatrix& lower, DoubleMatrix b) {
  for (Index i = lower.rows() - 1; i >= 0; --i) {
    double* row = b.data() + i * b.cols();
    for (Index k = i + 1; k < lower.rows(); ++k) {
      const double factor = lower(k, i);
      const double* other = b.data() + k * b.cols();
      for (Index j = 0; j < b.cols(); ++j) row[j] -= factor * other[j];
    }
    for (Index j = 0; j < b.cols(); ++j) row[j] /= lower(i, i);
  }
  return b;
}

Eigenpairs leading_eigenpairs(const DoubleMatrix& a, int count) {
  const Index n = a.rows(), r = std::min<Index>(count, n);
  Rng rng(1);
  DoubleMatrix basis(n, r), next;
  for (Index i = 0; i < basis.size(); ++i) basis.data()[i] = rng.normal();
  Eigen::VectorXd values = Eigen::VectorXd::Zero(r);
  constexpr int kRounds = 40;
  for (int round = 0; round <= kRounds; ++round) {
    // Gram-Schmidt, twice over for accuracy. The columns come out in descending order.
    for (Index j = 0; j < r; ++j) {
      for (int again = 0; again < 2; ++again)
        for (Index k = 0; k < j; ++k) basis.col(j) -= basis.col(k).dot(basis.col(j)) * basis.col(k);
      const double norm = basis.col(j).norm();
      if (round > 0) values[j] = norm;
      if (norm > 0) basis.col(j) /= norm;
    }
    if (round == kRounds) break;
    set_product(a, basis, next);
    std::swap(basis, next);
  }
  return {values, basis};
}

}  // namespace latencast
