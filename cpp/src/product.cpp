#include "product.h"

#include <algorithm>
#include <cstring>

namespace latencast {
namespace {

using Eigen::Index;

// One tile of C stays in registers while k runs: 8 sums, 2 vectors of B and a
// spread element of A fit the 16 vector registers of x86-64.
constexpr Index kTileRows = 4;
constexpr Index kTileVectors = 2;
// Rows of A that stay in the first-level cache while the panels of B pass by.
constexpr Index kRowBlock = 4 * kTileRows;

template <class S>
using Vector __attribute__((vector_size(16))) = S;
template <class S>
constexpr Index kLanes = 16 / static_cast<Index>(sizeof(S));
template <class S>
constexpr Index kPanel = kTileVectors* kLanes<S>;

template <class S>
Vector<S> load(const S* from) {
  Vector<S> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

// B in panels of kPanel columns, each panel row by row. Columns beyond the last
// repeat it; their sums are not stored.
template <class S>
void pack(const Factor<S>& b, S* to) {
  for (Index from = 0; from < b.cols; from += kPanel<S>) {
    const Index last = b.cols - 1 - from;
    for (Index k = 0; k < b.rows; ++k, to += kPanel<S>) {
      const S* row = b.data + k * b.row_stride + from * b.col_stride;
      if (last < kPanel<S> - 1) {
        for (Index j = 0; j < kPanel<S>; ++j) to[j] = row[std::min(j, last) * b.col_stride];
      } else {
        for (Index j = 0; j < kPanel<S>; ++j) to[j] = row[j * b.col_stride];
      }
    }
  }
}

// `rows` (1 to kTileRows) rows of A times one panel. c: (rows, width)
template <class S>
void multiply_tile(const Factor<S>& a, Index first, Index rows, const S* panel, S* c, Index c_stride,
                   Index width, bool add) {
  Vector<S> sum[kTileRows][kTileVectors] = {};
  const S* element[kTileRows];
  // Rows beyond the last repeat it; their sums are not stored.
  for (Index r = 0; r < kTileRows; ++r) element[r] = a.data + (first + std::min(r, rows - 1)) * a.row_stride;
  const Index step = a.col_stride;
#ifdef __clang__
#pragma clang loop unroll_count(4)
#endif
  for (Index k = 0; k < a.cols; ++k, panel += kPanel<S>) {
    Vector<S> b[kTileVectors];
    for (Index v = 0; v < kTileVectors; ++v) b[v] = load(panel + v * kLanes<S>);
    for (Index r = 0; r < kTileRows; ++r) {
      const Vector<S> spread = Vector<S>{} + element[r][k * step];
      for (Index v = 0; v < kTileVectors; ++v) sum[r][v] += spread * b[v];
    }
  }
  // The sums are only ever indexed by loops of constant length, or they would
  // live in memory.
  if (rows == kTileRows && width == kPanel<S>) {
    for (Index r = 0; r < kTileRows; ++r) {
      for (Index v = 0; v < kTileVectors; ++v) {
        S* at = c + r * c_stride + v * kLanes<S>;
        const Vector<S> value = add ? load(at) + sum[r][v] : sum[r][v];
        std::memcpy(at, &value, sizeof value);
      }
    }
    return;
  }
  S value[kTileRows][kPanel<S>];
  for (Index r = 0; r < kTileRows; ++r)
    for (Index v = 0; v < kTileVectors; ++v)
      std::memcpy(value[r] + v * kLanes<S>, &sum[r][v], sizeof sum[r][v]);
  for (Index r = 0; r < rows; ++r)
    for (Index j = 0; j < width; ++j) c[r * c_stride + j] = value[r][j] + (add ? c[r * c_stride + j] : S(0));
}

}  // namespace

template <class S>
void simd_product(const Factor<S>& a, const Factor<S>& b, S* c, Index c_stride, bool add) {
  const Index panels = (b.cols + kPanel<S> - 1) / kPanel<S>;
  Eigen::Array<S, Eigen::Dynamic, 1> packed(panels * kPanel<S> * b.rows);
  pack(b, packed.data());
  for (Index block = 0; block < a.rows; block += kRowBlock) {
    const Index end = std::min(block + kRowBlock, a.rows);
    for (Index p = 0; p < panels; ++p) {
      const S* panel = packed.data() + p * kPanel<S> * b.rows;
      const Index from = p * kPanel<S>, width = std::min(kPanel<S>, b.cols - from);
      for (Index i = block; i < end; i += kTileRows)
        multiply_tile(a, i, std::min(kTileRows, end - i), panel, c + i * c_stride + from, c_stride, width,
                      add);
    }
  }
}

template void simd_product<float>(const Factor<float>&, const Factor<float>&, float*, Index, bool);
template void simd_product<double>(const Factor<double>&, const Factor<double>&, double*, Index, bool);

}  // namespace latencast
