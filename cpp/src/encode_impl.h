// What an Encoder holds.
#pragma once

#include <array>
#include <vector>

#include "encode_arch2vec.h"
#include "encode_cate.h"
#include "encode_proxies.h"
#include "latencast/encode.h"

namespace latencast {

/// Where the smallest and the largest architecture of a pool stand, by proxy_scale(): 0 and 1 of an exact
/// column.
struct ProxyRange {
  double low = 0, high = 1;
};

struct EncoderImpl {
  explicit EncoderImpl(const Space& of)
      : space(&of),
        inputs(of),
        arch2vec(inputs, false),
        cate(inputs, false),
        surrogate(inputs, kComputedCount) {}

  /// (graphs, 2), scaled flops and params.
  Matrix<float> exact(const std::vector<Architecture>& architectures) const;

  const Space* space;
  NodeInputs inputs;
  Arch2Vec arch2vec;
  Cate cate;
  Surrogate surrogate;
  /// Each exactly a half-precision number. surrogate_parameters is empty where there is a table.
  Flat<float> arch2vec_parameters, cate_parameters, surrogate_parameters;
  ProxyTable table;
  ProxyRange flops, params;
};

}  // namespace latencast
