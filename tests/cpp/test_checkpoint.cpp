#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"
#include "latencast/rng.h"

using namespace latencast;

namespace {

// Offsets of docs/format.md, written down a second time on purpose: a changed layout must fail here.
constexpr std::size_t kVersionAt = 8, kHeaderLengthAt = 12, kPayloadLengthAt = 16, kDigestAt = 24,
                      kHeaderAt = 56;

Checkpoint example() {
  return {R"({"kind":"test","seed":7})",
          {{"a.w", {2, 3}, {0, -1, 2.5f, 1e-3f, 65504, -0.0f}}, {"scalar", {}, {3}}, {"empty", {0, 4}, {}}}};
}

void put_le(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// A file with a right checksum and whatever header and payload, as a hostile writer would make it.
std::string sealed(const std::string& header, const std::string& payload, std::uint32_t version = 2) {
  std::string bytes = "LATCAST\n" + std::string(kHeaderAt - 8, '\0') + header + payload;
  put_le(bytes, kVersionAt, version, 4);
  put_le(bytes, kHeaderLengthAt, header.size(), 4);
  put_le(bytes, kPayloadLengthAt, payload.size(), 8);
  const std::string digest =
      from_hex(sha256_hex(bytes.substr(kVersionAt, kDigestAt - kVersionAt) + header + payload));
  bytes.replace(kDigestAt, digest.size(), digest);
  return bytes;
}

// What read_checkpoint says of bytes it must refuse; empty where it takes them.
std::string refusal(std::string_view bytes) {
  try {
    read_checkpoint(bytes);
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::checkpoint);
    return error.what();
  }
  return "";
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// The value of a half by its definition.
double value_of_half(int half) {
  const int exponent = (half >> 10) & 31, mantissa = half & 1023;
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  if (exponent == 31) return mantissa ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

}  // namespace

TEST_CASE("sha256 of the published examples", "[checkpoint]") {
  // FIPS 180-4 examples (NIST CSRC, "Cryptographic Standards and Guidelines": SHA256.pdf) and the long one.
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
            "mnopqrstnopqrstu") == "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256_hex(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 around the block boundary", "[checkpoint]") {
  // Digest of the digests of 'a' repeated 0 to 130 times; computed with Python's hashlib.
  std::string all;
  for (std::size_t n = 0; n <= 130; ++n) all += sha256_hex(std::string(n, 'a')) + "\n";
  CHECK(sha256_hex(all) == "e305d281b5e91e526de6d81d7e932de65476d923607ac69ac85275a676c49660");
}

TEST_CASE("every half survives rounding", "[checkpoint]") {
  for (int half = 0; half < 65536; ++half) {
    const double value = value_of_half(half);
    if (std::isnan(value)) continue;
    const float exact = static_cast<float>(value);
    if (!same_bits(round_to_half(exact), exact)) FAIL("half " << half);
  }
  CHECK(std::isnan(round_to_half(std::numeric_limits<float>::quiet_NaN())));
  SUCCEED();
}

TEST_CASE("rounding to half takes the nearest, ties to even", "[checkpoint]") {
  for (int half = 0; half < 0x7bff; ++half) {  // neighbours low < high, both finite
    const double low = value_of_half(half), high = value_of_half(half + 1);
    const float middle = static_cast<float>((low + high) / 2);  // exact: one bit more than a half
    const float even = static_cast<float>(half % 2 == 0 ? low : high);
    const float below = std::nextafter(middle, 0.0f), above = std::nextafter(middle, 1e9f);
    const bool right = same_bits(round_to_half(middle), even) && same_bits(round_to_half(-middle), -even) &&
                       same_bits(round_to_half(below), static_cast<float>(low)) &&
                       same_bits(round_to_half(above), static_cast<float>(high));
    if (!right) FAIL("between half " << half << " and the next");
  }
  CHECK(round_to_half(65519.996f) == 65504);
  CHECK(std::isinf(round_to_half(65520)));
  CHECK(std::isinf(round_to_half(-1e30f)));
  CHECK(round_to_half(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("a checkpoint of single precision returns bit for bit", "[checkpoint]") {
  Rng rng(21);
  for (int round = 0; round < 50; ++round) {
    Checkpoint checkpoint{R"({"round":)" + std::to_string(round) + "}", {}};
    const std::size_t tensors = rng.below(std::size_t{5});
    for (std::size_t t = 0; t < tensors; ++t) {
      Tensor tensor;
      tensor.name = "layer\n\"" + std::to_string(t) + "\" \xc3\xa9";
      std::size_t count = 1;
      for (std::uint64_t rank = rng.below(4); rank > 0; --rank) {
        tensor.shape.push_back(rng.below(std::size_t{6}));
        count *= tensor.shape.back();
      }
      for (std::size_t i = 0; i < count; ++i) {
        tensor.values.push_back(static_cast<float>(rng.normal() * std::pow(10, 20 * rng.normal() / 3)));
        if (!std::isfinite(tensor.values.back())) tensor.values.back() = std::numeric_limits<float>::max();
      }
      checkpoint.tensors.push_back(tensor);
    }
    const std::string bytes = write_checkpoint(checkpoint, Precision::float32);
    const Checkpoint back = read_checkpoint(bytes);
    CHECK(back.meta == checkpoint.meta);
    REQUIRE(back.tensors.size() == checkpoint.tensors.size());
    for (std::size_t t = 0; t < tensors; ++t) {
      const Tensor &was = checkpoint.tensors[t], &is = back.tensors[t];
      CHECK(is.name == was.name);
      CHECK(is.shape == was.shape);
      REQUIRE(is.values.size() == was.values.size());
      for (std::size_t i = 0; i < is.values.size(); ++i) CHECK(same_bits(is.values[i], was.values[i]));
    }
    CHECK(write_checkpoint(back, Precision::float32) == bytes);
  }
}

TEST_CASE("half precision rounds each value once", "[checkpoint]") {
  Rng rng(22);
  Checkpoint checkpoint{"{}", {{"w", {1000}, {}}}};
  for (int i = 0; i < 1000; ++i) checkpoint.tensors[0].values.push_back(static_cast<float>(rng.normal()));
  const std::string bytes = write_checkpoint(checkpoint, Precision::float16);
  const Checkpoint back = read_checkpoint(bytes);
  for (std::size_t i = 0; i < 1000; ++i) {
    CHECK(same_bits(back.tensors[0].values[i], round_to_half(checkpoint.tensors[0].values[i])));
  }
  CHECK(write_checkpoint(back, Precision::float16) == bytes);
  CHECK(write_checkpoint(checkpoint, Precision::float32).size() == bytes.size() + 2000);
}

TEST_CASE("the layout of format version 2", "[checkpoint]") {
  const std::string header = R"({"meta":{"a":1},"tensors":[{"dtype":"f16","name":"w","shape":[2]}]})";
  const std::string payload("\x01\x00\x3c\xc0", 4);  // 1 and a bit, -2
  const std::string bytes =
      write_checkpoint({R"({ "a": 1 })", {{"w", {2}, {1.0009765625f, -2}}}}, Precision::float16);
  CHECK(bytes == sealed(header, payload));
  CHECK(bytes.substr(0, kDigestAt) ==
        std::string("LATCAST\n\x02\0\0\0\x43\0\0\0\x04\0\0\0\0\0\0\0", kDigestAt));
}

TEST_CASE("files of format version 1 are read", "[checkpoint]") {
  const std::string header =
      R"({"meta":{},"tensors":[{"dtype":"f16","name":"w","shape":[2]},{"dtype":"f32","name":"v","shape":[2]}]})";
  const std::string payload("\x01\x3c\x00\xc0\0\0\x80\x3f\0\0\x20\x40", 12);
  const Checkpoint read = read_checkpoint(sealed(header, payload, 1));
  CHECK(read.tensors.at(0).values == std::vector<float>{1.0009765625f, -2});
  CHECK(read.tensors.at(1).values == std::vector<float>{1, 2.5f});
}

TEST_CASE("a checkpoint cut at any byte is refused", "[checkpoint]") {
  const std::string bytes = write_checkpoint(example(), Precision::float16);
  REQUIRE(refusal(bytes).empty());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string message = refusal(std::string_view(bytes).substr(0, size));
    if (message.find("cut short") == std::string::npos) FAIL("cut at byte " << size << ": " << message);
    if (size >= kHeaderAt) {
      const std::string missing = std::to_string(bytes.size() - size) + " bytes are missing";
      if (message.find(missing) == std::string::npos) FAIL("cut at byte " << size << ": " << message);
    }
  }
  SUCCEED();
}

TEST_CASE("any flipped bit is refused", "[checkpoint]") {
  for (Precision precision : {Precision::float16, Precision::float32}) {
    std::string bytes = write_checkpoint(example(), precision);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      const char flip = static_cast<char>(1 << (bit % 8));
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
      if (refusal(bytes).empty()) FAIL("bit " << bit % 8 << " of byte " << bit / 8);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
    }
    REQUIRE(refusal(bytes).empty());
  }
}

namespace {

// Flips `count` bits, the i-th of them at bit(i), each alone.
template <class Bit>
void expect_refused(std::string& bytes, std::size_t count, Bit&& bit) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = bit(i);
    const char flip = static_cast<char>(1 << (at % 8));
    bytes[at / 8] = static_cast<char>(bytes[at / 8] ^ flip);
    if (refusal(bytes).empty()) FAIL("bit " << at % 8 << " of byte " << at / 8);
    bytes[at / 8] = static_cast<char>(bytes[at / 8] ^ flip);
  }
}

// Of every file that is shipped for a space or for all: bits of the first 4 kB, and as many random ones.
void flip_shipped(std::size_t stride, std::size_t random) {
  Rng rng(11);
  for (const char* name : {"nb201", "fbnet", "ofa", "nb201.encoder", "fbnet.encoder", "ofa.encoder",
                           "ncnn.fleet", "pool/miopen-gfx906_60-hip-fp32"}) {
    INFO(name);
    std::ifstream file(std::string(LATENCAST_TEST_DATA "/../weights/") + name + ".latencast",
                       std::ios::binary);
    REQUIRE(file);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    REQUIRE(refusal(bytes).empty());
    expect_refused(bytes, 8 * 4096 / stride, [&](std::size_t i) { return stride * i; });
    expect_refused(bytes, random,
                   [&](std::size_t) { return static_cast<std::size_t>(rng.below(8 * bytes.size())); });
  }
}

}  // namespace

TEST_CASE("a flipped bit of a shipped file is refused", "[checkpoint]") { flip_shipped(4001, 4); }

// latencast_tests "[flips]"
TEST_CASE("any flipped bit of the first 4 kB of a shipped file is refused, and 10,000 others", "[.flips]") {
  flip_shipped(1, 10000);
}

TEST_CASE("foreign, longer and newer files are refused by name", "[checkpoint]") {
  const std::string bytes = write_checkpoint(example(), Precision::float16);
  CHECK_THAT(refusal("PK\x03\x04 something else entirely"), ContainsSubstring("no latencast file"));
  CHECK_THAT(refusal("L0"), ContainsSubstring("no latencast file"));
  CHECK_THAT(refusal(bytes + "xyz"), ContainsSubstring("3 bytes follow its end"));
  CHECK_THAT(refusal(sealed(R"({"meta":{},"tensors":[]})", "", 3)), ContainsSubstring("version 3"));
  CHECK_THAT(refusal(sealed(R"({"meta":{},"tensors":[]})", "", 3)),
             ContainsSubstring("knows versions 1 and 2"));
  CHECK_THAT(refusal(sealed(R"({"meta":{},"tensors":[]})", "", 0)), ContainsSubstring("version 0"));
}

TEST_CASE("absurd lengths are refused before anything is allocated", "[checkpoint]") {
  const std::string bytes = write_checkpoint(example(), Precision::float16);
  for (std::uint64_t payload : {~std::uint64_t{0}, ~std::uint64_t{0} - 100, std::uint64_t{1} << 62}) {
    std::string lengthened = bytes;
    put_le(lengthened, kPayloadLengthAt, payload, 8);
    CHECK_THAT(refusal(lengthened), ContainsSubstring("cut short"));
  }
  std::string header = bytes;
  put_le(header, kHeaderLengthAt, 0xffffffff, 4);
  CHECK_THAT(refusal(header), ContainsSubstring("cut short"));
  // Lengths that together give the right total, shifted from one part to the other.
  std::string shifted = bytes;
  put_le(shifted, kHeaderLengthAt, 1, 4);
  put_le(shifted, kPayloadLengthAt, bytes.size() - kHeaderAt - 1, 8);
  CHECK_THAT(refusal(shifted), ContainsSubstring("checksum"));

  // Shapes under a right checksum: their products overflow or pass what is there.
  for (const char* shape : {"[18446744073709551615]", "[4294967296,4294967296]", "[3037000500,3037000500,2]",
                            "[1099511627776]", "[65536,65536,65536,65536,0.5]", "[3]", "[-1]", "[2.0]",
                            "[\"2\"]", "[null]", "{}", "2", "[18446744073709551616]"}) {
    CAPTURE(shape);
    const std::string text =
        std::string(R"({"meta":{},"tensors":[{"dtype":"f16","name":"w","shape":)") + shape + "}]}";
    CHECK_FALSE(refusal(sealed(text, std::string(4, '\0'))).empty());
  }
}

TEST_CASE("a sealed file with a wrong inside is refused", "[checkpoint]") {
  const auto with = [](const std::string& tensors) { return R"({"meta":{},"tensors":)" + tensors + "}"; };
  const std::string w = R"({"dtype":"f16","name":"w","shape":[2]})";
  const std::string four(4, '\0');
  REQUIRE(refusal(sealed(with("[" + w + "]"), four)).empty());

  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", four},
      {"not json", four},
      {"[]", four},
      {"{}", four},
      {R"({"meta":{}})", ""},
      {R"({"tensors":[]})", ""},
      {R"({"meta":[],"tensors":[]})", ""},
      {R"({"meta":{},"tensors":{}})", ""},
      {R"({"meta":{},"tensors":[],"more":1})", ""},
      {"{\"meta\":{\"a\":\"\xff\"},\"tensors\":[]}", ""},
      {with("[]"), four},
      {with("[" + w + "," + w + "]"), four + four},
      {with("[3]"), four},
      {with(R"([{"name":"w","shape":[2]}])"), four},
      {with(R"([{"dtype":"f16","name":7,"shape":[2]}])"), four},
      {with(R"([{"dtype":"f16","name":"w","shape":[2],"more":0}])"), four},
      {with(R"([{"dtype":"f64","name":"w","shape":[2]}])"), four},
      {with(R"([{"dtype":16,"name":"w","shape":[2]}])"), four},
      {with("[" + w + "]"), std::string("\x00\x00\x00\x7c", 4)},  // infinity
      {with("[" + w + "]"), std::string("\x00\x00\x01\x7e", 4)},  // not a number
      {with(R"([{"dtype":"f32","name":"w","shape":[1]}])"), std::string("\x00\x00\xc0\x7f", 4)},
  };
  for (const auto& [header, payload] : wrong) {
    CAPTURE(header, payload.size());
    CHECK_FALSE(refusal(sealed(header, payload)).empty());
  }
  // One byte more than the tensors need, under a right checksum.
  CHECK_THAT(refusal(sealed(with("[" + w + "]"), four + std::string(1, '\0'))),
             ContainsSubstring("no tensor"));
  // A header nested deeply must not exhaust the stack.
  CHECK_FALSE(refusal(sealed(std::string(200000, '['), "")).empty());
}

TEST_CASE("random bytes under a right checksum are refused and never crash", "[checkpoint]") {
  Rng rng(23);
  const std::string good = R"({"meta":{"k":[1,2]},"tensors":[{"dtype":"f16","name":"w","shape":[2]}]})";
  for (int round = 0; round < 3000; ++round) {
    std::string header = good;
    for (std::uint64_t edits = 1 + rng.below(3); edits > 0; --edits) {
      const auto at = rng.below(header.size());
      header[at] = static_cast<char>(rng.below(256));
    }
    try {
      const Checkpoint taken = read_checkpoint(sealed(header, std::string(4, '\0')));
      // The edit left a valid file (a letter of a name, say): then it must round-trip.
      CHECK(read_checkpoint(write_checkpoint(taken, Precision::float16)).meta == taken.meta);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::checkpoint);
    }
  }
}

TEST_CASE("what cannot be written is refused", "[checkpoint]") {
  const auto code = [](const Checkpoint& checkpoint, Precision precision) {
    try {
      write_checkpoint(checkpoint, precision);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const auto one = [](float value) { return Checkpoint{"{}", {{"w", {1}, {value}}}}; };
  CHECK(code(one(infinity), Precision::float32) == ErrorCode::argument);
  CHECK(code(one(std::nanf("")), Precision::float16) == ErrorCode::argument);
  CHECK(code(one(65520), Precision::float16) == ErrorCode::argument);
  CHECK_NOTHROW(write_checkpoint(one(65520), Precision::float32));
  CHECK_NOTHROW(write_checkpoint(one(65519), Precision::float16));
  CHECK(code({"{}", {{"w", {2}, {1}}}}, Precision::float32) == ErrorCode::argument);
  CHECK(code({"{}", {{"w", {}, {}}}}, Precision::float32) == ErrorCode::argument);
  CHECK(code({"{}", {{"w", {1}, {1}}, {"w", {1}, {1}}}}, Precision::float32) == ErrorCode::argument);
  CHECK(code({"{}", {{"\xff", {1}, {1}}}}, Precision::float32) == ErrorCode::argument);
  CHECK(code({"", {}}, Precision::float32) == ErrorCode::argument);
  CHECK(code({"[]", {}}, Precision::float32) == ErrorCode::argument);
  CHECK(code({"{\"a\":\"\xff\"}", {}}, Precision::float32) == ErrorCode::argument);
}
