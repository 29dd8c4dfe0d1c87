#include <cstdint>
#include <string>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "latencast/space.h"

using namespace latencast;

namespace {

const Space& ofa() { return space("ofa"); }

// Two blocks a stage, all of kernel 3 and expansion 3, on 128x128.
const Architecture kSmallest = std::string(20, '3') + "-" + std::string(20, '3') + "-22222-128";
// As published in the measured set, with random digits in the slots beyond the depths 4, 4, 2, 2, 4.
const std::string kMeasured = "35573353335535335773-63334334444466446436-44224-132";

std::string refusal(const std::string& text) {
  try {
    ofa().parse(text);
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::architecture);
    return error.what();
  }
  return "";
}

std::string json(const std::string& ks, const std::string& e, const std::string& d, const std::string& r) {
  return "{\"ks\": " + ks + ", \"e\": " + e + ", \"d\": " + d + ", \"r\": " + r + "}";
}

std::string list_of(int count, const std::string& value) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += (i ? ", " : "") + value;
  return text + "]";
}

}  // namespace

TEST_CASE("ofa: slots beyond a stage's depth are forgotten") {
  CHECK(ofa().parse(kMeasured) == "35573353333335335773-63334334443366336436-44224-132");
  std::string other = kMeasured;
  other[10] = '7';  // third slot of stage 3, which has two blocks
  other[11] = '0';  // as some write a slot that is not used
  CHECK(ofa().parse(other) == ofa().parse(kMeasured));
  other[9] = '5';  // second slot
  CHECK(ofa().parse(other) != ofa().parse(kMeasured));
}

TEST_CASE("ofa: text forms") {
  CHECK(ofa().format(kSmallest) ==
        "{\"ks\":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],\"e\":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],"
        "\"d\":[2,2,2,2,2],\"r\":128}");
  CHECK(ofa().parse(json(list_of(20, "3"), list_of(20, "3"), list_of(5, "2"), "[128]")) == kSmallest);
  // A list a stage: of its blocks, or of all its slots.
  CHECK(ofa().parse(json(list_of(5, "[3, 3]"), list_of(5, "[3, 3, 6, 6]"), list_of(5, "2"), "128")) ==
        kSmallest);
  // As Python prints the published code's own configuration.
  CHECK(ofa().parse("{'wid': None, 'ks': " + list_of(20, "3") + ", 'e': " + list_of(20, "3") +
                    ", 'd': " + list_of(5, "2") + ", 'r': [128]}") == kSmallest);
}

TEST_CASE("ofa: a refusal names stage and block, what was found and what was expected") {
  std::string wrong = kSmallest;
  wrong[5] = '4';
  CHECK_THAT(refusal(wrong),
             ContainsSubstring("stage 2, block 2, kernel size: found \"4\"; expected 3, 5 or 7"));
  wrong = kSmallest;
  wrong[21 + 3] = '5';
  CHECK_THAT(refusal(wrong),
             ContainsSubstring("stage 1, block 4, expansion: found \"5\"") && ContainsSubstring("not used"));
  CHECK_THAT(refusal(std::string(20, '3') + "-" + std::string(20, '3') + "-22225-128"),
             ContainsSubstring("stage 5, depth: found \"5\"; expected 2, 3 or 4"));
  CHECK_THAT(refusal(std::string(20, '3') + "-" + std::string(20, '3') + "-2222-128"),
             ContainsSubstring("depths: found \"4\"; expected 5"));
  CHECK_THAT(refusal(std::string(19, '3') + "-" + std::string(20, '3') + "-22222-128"),
             ContainsSubstring("kernel sizes: found \"19\"; expected 20"));
  for (const char* image : {"130", "124", "228", "", "0128", "128-"})
    CHECK_THAT(refusal(std::string(20, '3') + "-" + std::string(20, '3') + "-22222-" + image),
               ContainsSubstring("resolution: found \"" + std::string(image) + "\"") &&
                   ContainsSubstring("128 to 224"));
  CHECK_THAT(refusal(json(list_of(20, "3"), "7", list_of(5, "2"), "128")),
             ContainsSubstring("\"e\"") && ContainsSubstring("\"7\"") && ContainsSubstring("list"));
  CHECK_THAT(refusal(json(list_of(20, "3.5"), list_of(20, "3"), list_of(5, "2"), "128")),
             ContainsSubstring("found \"3.5\""));
  CHECK_THAT(refusal(json(list_of(5, "[3, 3, 3, 3, 3]"), list_of(20, "3"), list_of(5, "2"), "128")),
             ContainsSubstring("kernel sizes: found \"25\""));
  CHECK_THAT(refusal("{\"ks\": [3]}"), ContainsSubstring("\"e\"") && ContainsSubstring("list"));
  CHECK_THAT(refusal("{"), ContainsSubstring("JSON"));
  CHECK(refusal("{\"ks\": " + std::string(100000, '[')).size() < 600);
  CHECK_FALSE(refusal(json(list_of(20, "1e300"), list_of(20, "-1e99"), list_of(5, "{}"), "null")).empty());
}

TEST_CASE("ofa: exact arithmetic") {
  // By hand, block by block, for the smallest network; sides 128 -> 64 (stem), 32, 16, 8, 8, 4.
  const auto block = [](std::int64_t in, std::int64_t out, std::int64_t before, std::int64_t after,
                        std::int64_t narrow) {
    const std::int64_t wide = 3 * in, pixels = before * before, left = after * after;
    struct {
      std::int64_t macs, params;
    } sum{in * wide * pixels + 9 * wide * left + wide * out * left,
          in * wide + 2 * wide + 9 * wide + 2 * wide + wide * out + 2 * out};
    if (narrow) {
      sum.macs += 2 * wide * narrow;
      sum.params += 2 * wide * narrow + wide + narrow;
    }
    return sum;
  };
  std::int64_t macs = 27 * 24 * 64 * 64 + 9 * 24 * 64 * 64 + 24 * 24 * 64 * 64;
  std::int64_t params = (27 * 24 + 48) + (9 * 24 + 48) + (24 * 24 + 48);
  // Squeeze-excite to a quarter of the wide channels in multiples of 8: 96 -> 24, 144 -> 40, 288 -> 72, 408
  // -> 104, 576 -> 144.
  for (const auto& one :
       {block(24, 32, 64, 32, 0), block(32, 32, 32, 32, 0), block(32, 48, 32, 16, 24),
        block(48, 48, 16, 16, 40), block(48, 96, 16, 8, 0), block(96, 96, 8, 8, 0), block(96, 136, 8, 8, 72),
        block(136, 136, 8, 8, 104), block(136, 192, 8, 4, 104), block(192, 192, 4, 4, 144)}) {
    macs += one.macs;
    params += one.params;
  }
  macs += 192 * 1152 * 16 + 1152 * 1536 + 1536 * 1000;
  params += (192 * 1152 + 2 * 1152) + 1152 * 1536 + (1536 * 1000 + 1000);
  CHECK(ofa().macs(kSmallest) == macs);
  CHECK(ofa().params(kSmallest) == params);

  // A larger image costs work but no weights; sides round up.
  const Architecture larger = kSmallest.substr(0, kSmallest.size() - 3) + "204";
  CHECK(ofa().params(larger) == params);
  CHECK(ofa().kernels(2, ofa().graph(larger).place[9])[0].height == 13);  // 102, 51, 26, 13, 13
}

TEST_CASE("ofa: the graph holds the blocks in use, each at its place") {
  const Graph graph = ofa().graph(ofa().parse(kMeasured));
  REQUIRE(graph.op.size() == 2 + 4 + 4 + 2 + 2 + 4);
  CHECK(ofa().op_names()[graph.op[1]] == "k3_e6");
  CHECK(ofa().op_names()[graph.op[9]] == "k3_e4");
  CHECK(ofa().op_names()[graph.op[11]] == "k3_e6");
  // The third block of stage 3 is left out: the next is the first of stage 4.
  CHECK(graph.place[11] - graph.place[10] == 3);
  const auto image_differs = ofa().graph(ofa().parse(kMeasured.substr(0, kMeasured.size() - 3) + "200"));
  for (std::size_t node = 0; node < graph.op.size(); ++node) {
    CHECK(image_differs.place[node] != graph.place[node]);
    CHECK(ofa().features(graph.op[node], graph.place[node]) !=
          ofa().features(image_differs.op[node], image_differs.place[node]));
  }
}

TEST_CASE("ofa: neighbours of the smallest network") {
  // Ten blocks with two other kernels and two other expansions, five stages to be made longer by one of nine
  // blocks, one larger image.
  CHECK(ofa().neighbours(kSmallest).size() == 10 * 4 + 5 * 9 + 1);
}

TEST_CASE("ofa: random architectures hold every depth and resolution equally often") {
  Rng rng(5);
  std::vector<int> depth(5), image(225);
  for (int i = 0; i < 3000; ++i) {
    const Architecture architecture = ofa().random(rng);
    ++depth[static_cast<std::size_t>(architecture[42] - '0')];
    ++image[std::stoul(architecture.substr(48))];
  }
  for (std::size_t d = 2; d <= 4; ++d) CHECK((depth[d] > 870 && depth[d] < 1130));
  for (std::size_t side = 128; side <= 224; side += 4) CHECK((image[side] > 65 && image[side] < 175));
}
