// Supplementary encodings of architectures: Arch2Vec, CATE, zero-cost proxies (NASFLAT, arXiv 2403.02446,
// section 3.3), for any architecture of a space, listed anywhere or not.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
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

/// The zero-cost proxies in column order.
constexpr std::array<const char*, 13> kProxies = {"epe_nas", "fisher", "flops", "grad_norm", "grasp",
                                                  "jacov",   "l2_norm", "nwot",  "params",   "plain",
                                                  "snip",    "synflow", "zen"};

struct EncoderImpl;

/// Trained encoders of one space. Immutable; copying is cheap and shares.
class Encoder {
 public:
  /// From bytes of write(). Recomputes the self-test stored in them; throws `checkpoint` on any disagreement.
  static Encoder read(std::string_view bytes);
  std::string write() const;

  const Space& space() const;

  /// (architectures.size() * width_of(encoding)), row after row; each column roughly within -3..3, proxies in
  /// 0..1 but grasp. architectures: canonical.
  std::vector<float> encode(Encoding encoding, const std::vector<Architecture>& architectures) const;

  explicit Encoder(std::shared_ptr<const EncoderImpl> impl) : impl_(std::move(impl)) {}
  const EncoderImpl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const EncoderImpl> impl_;
};

}  // namespace latencast
