// Matrix products. Natively Eigen's; as WebAssembly our own kernel, because
// Eigen has none for SIMD128 and its portable one is slower and several times
// larger.
#pragma once

#include <Eigen/Core>
#include <type_traits>
#include <utility>

namespace latencast {

/// A matrix to be multiplied: element (i, j) is data[i * row_stride + j *
/// col_stride].
template <class S>
struct Factor {
  const S* data;
  Eigen::Index rows, cols, row_stride, col_stride;
};

/// C = A B, or C += A B with `add`. C: (a.rows, b.cols), its rows `c_stride`
/// apart; it must not overlap A or B. Instantiated for float and double.
template <class S>
void simd_product(const Factor<S>& a, const Factor<S>& b, S* c, Eigen::Index c_stride, bool add);

template <class E>
Factor<typename E::Scalar> factor(const E& e) {
  return {e.data(), e.rows(), e.cols(), e.rowStride(), e.colStride()};
}

/// c = a b; c is resized where it can be. a, b: matrices or parts of them,
/// transposed or not; c: a row-major matrix, or whole rows of one, that neither
/// overlaps.
template <class A, class B, class C>
void set_product(const A& a, const B& b, C&& c) {
#ifdef __wasm_simd128__
  c.resize(a.rows(), b.cols());
  simd_product(factor(a), factor(b), c.data(), c.outerStride(), false);
#else
  c.noalias() = a * b;
#endif
}

/// c += a b.
template <class A, class B, class C>
void add_product(const A& a, const B& b, C&& c) {
#ifdef __wasm_simd128__
  simd_product(factor(a), factor(b), c.data(), c.outerStride(), true);
#else
  c.noalias() += a * b;
#endif
}

}  // namespace latencast
