// Named tensors and a JSON header in one self-checking byte string (docs/format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace latencast {

/// A named row-major array.
struct Tensor {
  std::string name;                ///< e.g. "stage1.0.dgf.w"
  std::vector<std::size_t> shape;  ///< e.g. {96, 128}; the product is values.size()
  std::vector<float> values;
};

/// How tensor values are stored in the bytes.
enum class Precision { float32, float16 };

struct Checkpoint {
  std::string meta;             ///< a JSON object as text: what the tensors mean; the reader's business
  std::vector<Tensor> tensors;  ///< names are distinct
};

/// Bytes of format version 2. float16 rounds to nearest even; throws `argument` where a value is not finite
/// or overflows, names repeat, or a shape does not match its values.
std::string write_checkpoint(const Checkpoint& checkpoint, Precision precision);

/// The inverse, and of format version 1. Throws `checkpoint` on anything else: wrong magic, unknown
/// version (says which it knows), cut short (says how many bytes are missing), checksum mismatch.
/// Never allocates more than a small multiple of bytes.size().
Checkpoint read_checkpoint(std::string_view bytes);

/// SHA-256 (FIPS 180-4) as 64 hex digits.
std::string sha256_hex(std::string_view bytes);

/// float -> IEEE 754 half -> float; what a weight becomes when stored as float16.
float round_to_half(float value);

}  // namespace latencast
