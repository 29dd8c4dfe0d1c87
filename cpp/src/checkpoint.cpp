// Format versions 1 and 2, byte for byte in docs/format.md. SHA-256: FIPS 180-4. Half precision: IEEE
// 754-2019 binary16.
#include "latencast/checkpoint.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

#include "json.h"
#include "latencast/error.h"

namespace latencast {

namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "LATCAST\n";
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kInterleaved = 1;  // the version that keeps the bytes of a value together
// Offsets of the prelude.
constexpr std::size_t kVersionAt = 8, kHeaderLengthAt = 12, kPayloadLengthAt = 16, kDigestAt = 24,
                      kPreludeSize = 56;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::checkpoint, "checkpoint: " + message);
}

[[noreturn]] void reject_argument(const std::string& message) {
  throw Error(ErrorCode::argument, "checkpoint: " + message);
}

// --- Little-endian integers ---

template <class Unsigned>
void append_le(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

template <class Unsigned>
Unsigned read_le(std::string_view bytes, std::size_t at) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[at + i]);
    value = static_cast<Unsigned>(value | static_cast<Unsigned>(byte) << (8 * i));
  }
  return value;
}

// --- Half precision ---

std::uint32_t float_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_from_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Right shift by `count` in [1, 31], rounding to nearest, ties to even.
std::uint32_t shift_rounding(std::uint32_t value, int count) {
  const std::uint32_t half = 1u << (count - 1);
  const std::uint32_t lost = value & ((1u << count) - 1);
  const std::uint32_t kept = value >> count;
  return kept + (lost > half || (lost == half && (kept & 1)) ? 1 : 0);
}

std::uint16_t half_from_float(float value) {
  const std::uint32_t bits = float_bits(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<std::uint16_t>(sign | 0x7e00);  // NaN
  const int exponent = static_cast<int>(magnitude >> 23) - 127 + 15;             // biased as in a half
  if (exponent >= 31) return static_cast<std::uint16_t>(sign | 0x7c00);
  if (exponent >= 1) {
    // A carry out of the mantissa moves into the exponent, up to infinity, which is what rounding asks for.
    const std::uint32_t rebiased = magnitude - (std::uint32_t{127 - 15} << 23);
    return static_cast<std::uint16_t>(sign | shift_rounding(rebiased, 13));
  }
  if (exponent < -10) return static_cast<std::uint16_t>(sign);  // below half of the smallest subnormal
  const std::uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  return static_cast<std::uint16_t>(sign | shift_rounding(mantissa, 14 - exponent));
}

float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1f;
  const std::uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 127 - 15;
  return float_from_bits(sign | wide_exponent << 23 | mantissa << 13);
}

// --- SHA-256 ---

using Digest = std::array<unsigned char, 32>;

class Sha256 {
 public:
  void add(std::string_view bytes) {
    length_ += bytes.size();
    for (char c : bytes) {
      block_[filled_++] = static_cast<unsigned char>(c);
      if (filled_ == block_.size()) compress();
    }
  }

  Digest finish() {
    const std::uint64_t bit_length = length_ * 8;
    add(std::string_view("\x80", 1));
    while (filled_ != 56) add(std::string_view("\0", 1));
    for (int shift = 56; shift >= 0; shift -= 8) {
      const char byte = static_cast<char>((bit_length >> shift) & 0xff);
      add(std::string_view(&byte, 1));
    }
    Digest digest;
    for (std::size_t i = 0; i < digest.size(); ++i) {
      digest[i] = static_cast<unsigned char>((state_[i / 4] >> (24 - 8 * (i % 4))) & 0xff);
    }
    return digest;
  }

 private:
  static std::uint32_t rotate(std::uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

  void compress() {
    static constexpr std::uint32_t kRound[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    std::uint32_t w[64];
    for (std::size_t i = 0; i < 16; ++i) {
      w[i] = static_cast<std::uint32_t>(block_[4 * i]) << 24 |
             static_cast<std::uint32_t>(block_[4 * i + 1]) << 16 |
             static_cast<std::uint32_t>(block_[4 * i + 2]) << 8 |
             static_cast<std::uint32_t>(block_[4 * i + 3]);
    }
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
      const std::uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t t1 =
          h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
      const std::uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    const std::uint32_t added[8] = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += added[i];
    filled_ = 0;
  }

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> block_{};
  std::size_t filled_ = 0;
  std::uint64_t length_ = 0;
};

// Over everything but the magic and the digest itself.
Digest digest_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.substr(kVersionAt, kDigestAt - kVersionAt));
  hash.add(bytes.substr(kPreludeSize));
  return hash.finish();
}

// --- Shapes and values ---

// Product of the dimensions; nothing where it exceeds `limit`.
std::optional<std::size_t> element_count(const std::vector<std::size_t>& shape, std::size_t limit) {
  std::size_t count = 1;
  bool too_many = false;
  for (std::size_t dimension : shape) {
    if (dimension == 0) return 0;
    if (dimension > limit / count) too_many = true;
    if (!too_many) count *= dimension;
  }
  if (too_many) return std::nullopt;
  return count;
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (std::size_t dimension : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

std::size_t bytes_per_value(Precision precision) { return precision == Precision::float16 ? 2 : 4; }
const char* dtype_name(Precision precision) { return precision == Precision::float16 ? "f16" : "f32"; }

std::uint32_t stored_bits(float value, Precision precision, const Tensor& tensor) {
  const float stored = precision == Precision::float16 ? round_to_half(value) : value;
  if (!std::isfinite(stored)) {
    reject_argument("tensor '" + tensor.name + "' holds " + std::to_string(value) +
                    "; values must be finite" +
                    (std::isfinite(value) ? " and below 65520 in half precision" : ""));
  }
  return precision == Precision::float16 ? half_from_float(value) : float_bits(value);
}

// Where the bytes of a tensor's values are: value i's byte b at first[b] + i * step.
struct Place {
  std::array<std::size_t, 4> first{};
  std::size_t step = 1;
};

// A tensor's values, and the bytes of each.
struct Extent {
  std::size_t count, width;
};

std::size_t total_bytes(const std::vector<Extent>& extents) {
  std::size_t total = 0;
  for (const auto& [count, width] : extents) total += count * width;
  return total;
}

// Version 2 keeps all lowest bytes of all tensors together, then all second ones, and so on: bytes that are
// alike, which gzip makes 6 % smaller.
std::vector<Place> places(const std::vector<Extent>& extents, std::uint32_t version) {
  std::vector<Place> places(extents.size());
  std::size_t at = 0;
  if (version == kInterleaved) {
    for (std::size_t t = 0; t < extents.size(); at += extents[t].count * extents[t].width, ++t) {
      places[t].step = extents[t].width;
      for (std::size_t byte = 0; byte < extents[t].width; ++byte) places[t].first[byte] = at + byte;
    }
    return places;
  }
  for (std::size_t byte = 0; byte < 4; ++byte) {
    for (std::size_t t = 0; t < extents.size(); ++t) {
      if (byte >= extents[t].width) continue;
      places[t].first[byte] = at;
      at += extents[t].count;
    }
  }
  return places;
}

float read_value(std::string_view payload, const Place& place, std::size_t i, Precision precision) {
  std::uint32_t bits = 0;
  for (std::size_t byte = 0; byte < bytes_per_value(precision); ++byte) {
    const auto value = static_cast<unsigned char>(payload[place.first[byte] + i * place.step]);
    bits |= std::uint32_t{value} << (8 * byte);
  }
  if (precision == Precision::float16) return float_from_half(static_cast<std::uint16_t>(bits));
  return float_from_bits(bits);
}

// --- Header ---

// One entry of "tensors", without values.
struct TensorEntry {
  Tensor tensor;
  Precision precision;
};

TensorEntry read_entry(const json& entry, std::size_t number) {
  const std::string where = "header, tensor " + std::to_string(number) + ": ";
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("name") || !entry.contains("shape") ||
      !entry.contains("dtype")) {
    refuse(where + "expected an object of name, shape and dtype");
  }
  if (!entry["name"].is_string()) refuse(where + "the name is no string");
  if (!entry["shape"].is_array()) refuse(where + "the shape is no array");
  TensorEntry result;
  result.tensor.name = entry["name"].get<std::string>();
  for (const json& dimension : entry["shape"]) {
    if (!dimension.is_number_unsigned() ||
        dimension.get<std::uint64_t>() > std::numeric_limits<std::size_t>::max()) {
      refuse(where + "the shape holds " + dimension.dump() + "; whole numbers from 0 expected");
    }
    result.tensor.shape.push_back(static_cast<std::size_t>(dimension.get<std::uint64_t>()));
  }
  if (entry["dtype"] == dtype_name(Precision::float16)) {
    result.precision = Precision::float16;
  } else if (entry["dtype"] == dtype_name(Precision::float32)) {
    result.precision = Precision::float32;
  } else {
    refuse(where + "unknown dtype " + entry["dtype"].dump() + "; f16 or f32 expected");
  }
  return result;
}

}  // namespace

float round_to_half(float value) { return float_from_half(half_from_float(value)); }

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  std::string hex;
  for (unsigned char byte : hash.finish()) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string write_checkpoint(const Checkpoint& checkpoint, Precision precision) {
  json header = {{"meta", read_json(checkpoint.meta)}, {"tensors", json::array()}};
  if (!header["meta"].is_object()) reject_argument("meta is no JSON object");

  std::vector<Extent> extents;
  std::set<std::string> names;
  for (const Tensor& tensor : checkpoint.tensors) {
    if (!names.insert(tensor.name).second) reject_argument("two tensors are called '" + tensor.name + "'");
    if (element_count(tensor.shape, tensor.values.size()) != tensor.values.size()) {
      reject_argument("tensor '" + tensor.name + "' has shape " + shape_text(tensor.shape) + " but " +
                      std::to_string(tensor.values.size()) + " values");
    }
    header["tensors"].push_back(
        {{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", dtype_name(precision)}});
    extents.push_back({tensor.values.size(), bytes_per_value(precision)});
  }
  const std::vector<Place> at = places(extents, kVersion);
  std::string payload(total_bytes(extents), '\0');
  for (std::size_t t = 0; t < extents.size(); ++t) {
    const Tensor& tensor = checkpoint.tensors[t];
    for (std::size_t i = 0; i < extents[t].count; ++i) {
      const std::uint32_t bits = stored_bits(tensor.values[i], precision, tensor);
      for (std::size_t byte = 0; byte < extents[t].width; ++byte)
        payload[at[t].first[byte] + i * at[t].step] = static_cast<char>((bits >> (8 * byte)) & 0xff);
    }
  }

  std::string header_text;
  try {
    header_text = header.dump();
  } catch (const json::exception&) {
    reject_argument("a tensor's name is not UTF-8");
  }
  if (header_text.size() > std::numeric_limits<std::uint32_t>::max())
    reject_argument("header of 4 GiB or more");

  std::string bytes(kMagic);
  append_le(bytes, kVersion);
  append_le(bytes, static_cast<std::uint32_t>(header_text.size()));
  append_le(bytes, static_cast<std::uint64_t>(payload.size()));
  bytes.append(kPreludeSize - kDigestAt, '\0');
  bytes += header_text;
  bytes += payload;
  const Digest digest = digest_of(bytes);
  std::memcpy(bytes.data() + kDigestAt, digest.data(), digest.size());
  return bytes;
}

Checkpoint read_checkpoint(std::string_view bytes) {
  // A cut file is told from a foreign one: what is there of the magic must match.
  if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, bytes.size())) {
    refuse("no latencast file: it does not begin with LATCAST");
  }
  if (bytes.size() < kPreludeSize) {
    refuse("cut short: at least " + std::to_string(kPreludeSize - bytes.size()) + " bytes are missing");
  }
  const auto version = read_le<std::uint32_t>(bytes, kVersionAt);
  if (version != kVersion && version != kInterleaved) {
    refuse("format version " + std::to_string(version) + "; this program knows versions " +
           std::to_string(kInterleaved) + " and " + std::to_string(kVersion));
  }
  const std::uint64_t header_length = read_le<std::uint32_t>(bytes, kHeaderLengthAt);
  const std::uint64_t payload_length = read_le<std::uint64_t>(bytes, kPayloadLengthAt);
  const std::uint64_t present = bytes.size() - kPreludeSize;
  // Compared part by part: the sum of damaged lengths could wrap around.
  if (header_length > present || payload_length > present - header_length) {
    refuse("cut short: " + std::to_string(payload_length - (present - header_length)) + " bytes are missing");
  }
  if (present - header_length != payload_length) {
    refuse(std::to_string(present - header_length - payload_length) + " bytes follow its end");
  }
  const Digest digest = digest_of(bytes);
  if (std::memcmp(digest.data(), bytes.data() + kDigestAt, digest.size()) != 0) {
    refuse("damaged: the checksum does not match the content");
  }

  const std::string_view header_text = bytes.substr(kPreludeSize, static_cast<std::size_t>(header_length));
  const std::string_view payload = bytes.substr(kPreludeSize + static_cast<std::size_t>(header_length));
  const json header = read_json(header_text);
  if (!header.is_object() || header.size() != 2 || !header.contains("meta") || !header["meta"].is_object() ||
      !header.contains("tensors") || !header["tensors"].is_array()) {
    refuse("header: expected a JSON object of meta (an object) and tensors (an array)");
  }

  Checkpoint checkpoint;
  checkpoint.meta = header["meta"].dump();
  std::vector<TensorEntry> entries;
  std::vector<Extent> extents;
  std::set<std::string> names;
  std::size_t left = payload.size();
  for (const json& json_entry : header["tensors"]) {
    entries.push_back(read_entry(json_entry, entries.size() + 1));
    const Tensor& tensor = entries.back().tensor;
    const std::size_t width = bytes_per_value(entries.back().precision);
    if (!names.insert(tensor.name).second) refuse("two tensors are called '" + tensor.name + "'");
    const auto count = element_count(tensor.shape, left / width);
    if (!count) {
      refuse("tensor '" + tensor.name + "' of shape " + shape_text(tensor.shape) + " needs more than the " +
             std::to_string(left) + " bytes left");
    }
    left -= *count * width;
    extents.push_back({*count, width});
  }
  if (left != 0) refuse(std::to_string(left) + " bytes of the payload belong to no tensor");

  const std::vector<Place> at = places(extents, version);
  for (std::size_t t = 0; t < entries.size(); ++t) {
    Tensor& tensor = entries[t].tensor;
    tensor.values.reserve(extents[t].count);
    for (std::size_t i = 0; i < extents[t].count; ++i) {
      tensor.values.push_back(read_value(payload, at[t], i, entries[t].precision));
      if (!std::isfinite(tensor.values.back())) {
        refuse("tensor '" + tensor.name + "', value " + std::to_string(i + 1) + " is not finite");
      }
    }
    checkpoint.tensors.push_back(std::move(tensor));
  }
  return checkpoint;
}

}  // namespace latencast
