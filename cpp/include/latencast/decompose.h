// A model as a runtime executes it: operators fused into kernels, each with its size and its work. Rules of
// fusion are data (src/fusion_rules.cpp); the set of kernels is that of LitePred (Feng et al., NSDI 2024),
// and what transformers need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/model.h"

namespace latencast {

enum class KernelType : std::uint8_t {
  conv,
  dwconv,
  fc,
  maxpool,
  avgpool,
  gap,  ///< global average pool
  add,  ///< of two tensors of one shape
  se,   ///< squeeze-excite: pool, two small layers, gate and product
  swish,
  hswish,
  matmul,  ///< of two tensors, none of them a weight
  layernorm,
  softmax,
  attention,  ///< products with keys and values and the softmax between them; no projections
  other,      ///< anything else, known by its operator and its traffic
};

/// "conv", "dwconv", ...
const char* name(KernelType type);

/// What a runtime launches at once. Sizes are those of the first input:
/// - images: n, h, w and cin channels in; cout channels, out_h and out_w out. A sequence (batch, length,
///   channels) has h = length and w = 1;
/// - fc: n rows of cin features to cout; softmax, layernorm: n rows of cin;
/// - matmul: n products of (h, cin) with (cin, cout);
/// - attention: n sequences, h queries, w keys, cin channels of queries and keys in `groups` heads, cout of
/// values.
struct FusedKernel {
  KernelType type = KernelType::other;
  std::string op;  ///< the operator that decides the cost, e.g. "Conv"; what an `other` kernel is
  std::int64_t n = 1, h = 1, w = 1, cin = 1, cout = 1, out_h = 1, out_w = 1;
  std::int64_t kh = 1, kw = 1, stride_h = 1, stride_w = 1, dilation = 1, groups = 1;
  std::int64_t macs = 0;
  std::int64_t params = 0;    ///< weights read; one that two kernels share counts for both
  std::int64_t bytes_in = 0;  ///< of results of other kernels, or of the model's inputs
  std::int64_t bytes_weights = 0;
  std::int64_t bytes_out = 0;
  std::vector<int> nodes;  ///< indices into Model::nodes, ascending

  std::int64_t traffic() const { return bytes_in + bytes_weights + bytes_out; }

  /// Equal for kernels that cost the same: the columns kernel, n, h, w, cin, cout, kh, kw, stride, groups,
  /// comma between them and empty where one does not apply, e.g. "conv,1,56,56,64,128,3,3,2,1". Rare settings
  /// follow:
  /// ",d2" a dilation, ",o109x109" an output that is not the input divided by the stride, ",i8" 8-bit
  /// weights.
  std::string key() const;

  Element element = Element::f32;  ///< of the weights, or of the first input where there are none
};

/// Operators of one name that nobody knows.
struct UnknownOperator {
  std::string op;
  int count = 0;
  double traffic_share = 0;      ///< of the bytes that all kernels read and write
  double macs_beside_share = 0;  ///< of all multiply-adds: in the kernels that they read from or write to
};

struct Decomposition {
  std::vector<FusedKernel> kernels;  ///< in the order of execution
  std::vector<UnknownOperator> unknown;

  std::int64_t macs() const;
  std::int64_t traffic() const;
};

/// A whole model that was measured.
struct ModelMeasurement {
  Decomposition model;
  double latency_ms;
};

/// A family of runtimes that fuse alike.
struct RuntimeFamily {
  std::string id;      ///< "ncnn"
  std::string title;   ///< "ncnn"
  std::string source;  ///< where its fusions are documented
};

const std::vector<RuntimeFamily>& runtime_families();

/// The kernels of a model. runtime: id of a family, e.g. "onnxruntime"; "none" fuses nothing. Throws
/// `argument` and lists the known families otherwise. Operators that move no data are in no kernel.
Decomposition decompose(const Model& model, std::string_view runtime = "none");

}  // namespace latencast
