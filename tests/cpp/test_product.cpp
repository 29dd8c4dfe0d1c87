// The matrix kernel that WebAssembly uses, natively too, against sums in a
// plain loop.
#include <cmath>

#include "catch.h"
#include "latencast/rng.h"
#include "layers.h"
#include "product.h"

using namespace latencast;

namespace {

template <class S>
Matrix<S> random_matrix(int rows, int cols, Rng& rng) {
  Matrix<S> m(rows, cols);
  for (auto& value : m.reshaped()) value = static_cast<S>(rng.normal());
  return m;
}

// c + a b (with `add`) or a b, by `simd_product`, less the same by definition:
// the largest difference.
template <class S, class A, class B>
double error_of(const A& a, const B& b, Matrix<S> c, bool add) {
  Matrix<S> expected(a.rows(), b.cols());
  for (Eigen::Index i = 0; i < a.rows(); ++i)
    for (Eigen::Index j = 0; j < b.cols(); ++j) {
      double sum = add ? static_cast<double>(c(i, j)) : 0;
      for (Eigen::Index k = 0; k < a.cols(); ++k)
        sum += static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
      expected(i, j) = static_cast<S>(sum);
    }
  simd_product(factor(a), factor(b), c.data(), c.outerStride(), add);
  return static_cast<double>((c - expected).cwiseAbs().maxCoeff());
}

template <class S>
void check_products(double tolerance) {
  Rng rng(3);
  // Around the kernel's tiles of 4 rows and 4 or 8 columns, and beyond its
  // blocks of rows.
  for (const int rows : {1, 2, 3, 4, 5, 16, 17, 70})
    for (const int cols : {1, 3, 4, 5, 8, 9, 24})
      for (const int depth : {1, 2, 4, 7, 33}) {
        CAPTURE(rows, cols, depth);
        const auto a = random_matrix<S>(rows, depth, rng), b = random_matrix<S>(depth, cols, rng),
                   c = random_matrix<S>(rows, cols, rng);
        const Matrix<S> a_turned = a.transpose(), b_turned = b.transpose();
        for (const bool add : {false, true}) {
          CHECK(error_of<S>(a, b, c, add) < tolerance);
          CHECK(error_of<S>(a_turned.transpose(), b, c, add) < tolerance);
          CHECK(error_of<S>(a, b_turned.transpose(), c, add) < tolerance);
        }
      }
}

}  // namespace

TEST_CASE("the kernel multiplies matrices of every size, transposed or not") {
  check_products<float>(1e-4);
  check_products<double>(1e-12);
}

TEST_CASE("the kernel multiplies parts of matrices and leaves the rest alone") {
  Rng rng(4);
  const auto a = random_matrix<double>(9, 12, rng), b = random_matrix<double>(12, 6, rng);
  Matrix<double> c = Matrix<double>::Constant(9, 6, 7);
  add_product(a.topRows(5).leftCols(3), b.topRows(3), c.topRows(5));
  const Matrix<double> expected = a.topRows(5).leftCols(3).lazyProduct(b.topRows(3));
  CHECK((c.topRows(5).array() - 7 - expected.array()).abs().maxCoeff() < 1e-12);
  CHECK((c.bottomRows(4).array() == 7).all());

  simd_product(factor(a.topRows(5).leftCols(3)), factor(b.topRows(3)), c.data(), c.outerStride(), false);
  CHECK((c.topRows(5) - expected).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((c.bottomRows(4).array() == 7).all());
}
