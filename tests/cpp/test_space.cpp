#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "latencast/space.h"

using namespace latencast;

namespace {

const Space& nb201() { return space("nb201"); }

std::string refusal(const std::string& text) {
  try {
    nb201().parse(text);
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::architecture);
    return error.what();
  }
  return "";
}

std::vector<int> predecessors(const Graph& graph, std::size_t node) {
  return {graph.predecessors[node].begin(), graph.predecessors[node].end()};
}

}  // namespace

TEST_CASE("nb201: official order, forms and index are inverses over the whole space") {
  const auto& all = nb201().enumerate();
  REQUIRE(all.size() == 15625);
  REQUIRE(nb201().size() == 15625);
  // The benchmark's own first and last entries.
  CHECK(all[0] == "421211");
  CHECK(all[1] == "334131");
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(nb201().index(all[i]) == i);
    REQUIRE(nb201().parse(all[i]) == all[i]);
    REQUIRE(nb201().parse(nb201().format(all[i])) == all[i]);
    REQUIRE(nb201().parse(std::to_string(i)) == all[i]);
  }
}

TEST_CASE("nb201: text forms") {
  CHECK(nb201().format("421211") ==
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|");
  CHECK(nb201().parse("  421211\r\n") == "421211");
  CHECK(nb201().parse("000000") == "000000");
}

TEST_CASE("nb201: a text that is no architecture is refused with what was found and what was expected") {
  CHECK_THAT(refusal("421215"), ContainsSubstring("\"421215\"") && ContainsSubstring("from 0 to 4"));
  CHECK_THAT(refusal("15625"), ContainsSubstring("15624"));
  CHECK_THAT(refusal(""), ContainsSubstring("six digits"));
  CHECK_THAT(refusal("-1"), ContainsSubstring("six digits"));
  CHECK_THAT(refusal("99999999999999999999999"), ContainsSubstring("index"));
  CHECK_THAT(refusal("|nor_conv_7x7~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
             ContainsSubstring("nor_conv_7x7") && ContainsSubstring("edge 1 of 6"));
  CHECK_THAT(refusal("|none~0|+|none~0|none~1|"), ContainsSubstring("+|"));
  CHECK_THAT(refusal("|none~0|+|none~1|none~1|+|none~0|none~1|none~2|"), ContainsSubstring("~0|"));
  CHECK_THAT(refusal(nb201().format("421211") + "x"), ContainsSubstring("nothing after"));
  CHECK(refusal(std::string(10000, '|')).size() < 400);
}

TEST_CASE("nb201: a damaged arch string is refused or means another cell, never crashes") {
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text = nb201().format(nb201().enumerate()[rng.below(15625)]);
    const auto at = rng.below(text.size());
    if (rng.below(2))
      text.resize(at);
    else
      text[at] = static_cast<char>(rng.below(256));
    // refusal() insists on the error's kind; what is accepted must be the text's own cell.
    if (refusal(text).empty()) REQUIRE(nb201().format(nb201().parse(text)) == text);
  }
}

TEST_CASE("nb201: exact arithmetic") {
  // Published for cell 421211 on CIFAR-10: 0.129306 M parameters, 15.64736 M multiply-adds.
  CHECK(nb201().params("421211") == 129306);
  CHECK(nb201().macs("421211") == 15647360);
  // One more 3x3 convolution costs nine 1x1 in multiply-adds, wherever it stands.
  const auto base = nb201().macs("000000");
  CHECK(nb201().macs("300000") - base == 9 * (nb201().macs("000002") - base));
  CHECK(nb201().macs("444111") == base);
}

TEST_CASE("nb201: graphs") {
  SECTION("a cell of convolutions keeps all its edges") {
    const Graph graph = nb201().graph("333333");
    CHECK(predecessors(graph, 1) == std::vector<int>{0});
    CHECK(predecessors(graph, 3) == std::vector<int>{1});
    CHECK(predecessors(graph, 5) == std::vector<int>{1});
    CHECK(predecessors(graph, 6) == std::vector<int>{2, 3});
    CHECK(predecessors(graph, 7) == std::vector<int>{4, 5, 6});
    CHECK(std::all_of(graph.live.begin(), graph.live.end(), [](int live) { return live == 1; }));
  }
  SECTION("skips are bypassed but stay live") {
    const Graph graph = nb201().graph("111111");
    CHECK(predecessors(graph, 7) == std::vector<int>{0});
    CHECK(graph.live[6] == 1);
    CHECK(graph.predecessors[6].empty());
  }
  SECTION("operations that cannot reach the output are dead and keep their label") {
    const Graph graph = nb201().graph("333000");
    CHECK(graph.predecessors[7].empty());
    for (int node = 1; node <= 3; ++node) {
      CHECK(graph.live[node] == 0);
      CHECK(nb201().op_names()[graph.op[node]] == "nor_conv_3x3");
    }
  }
  SECTION(
      "laws over the whole space: edges only between live nodes, from lower to higher, not at none or skip") {
    for (const auto& architecture : nb201().enumerate()) {
      const Graph graph = nb201().graph(architecture);
      REQUIRE(graph.op.size() == 8);
      for (std::size_t node = 0; node < 8; ++node) {
        const auto& name = nb201().op_names()[graph.op[node]];
        if (name == "none" || name == "skip_connect") REQUIRE(graph.predecessors[node].empty());
        if (name == "none") REQUIRE_FALSE(graph.live[node]);
        for (const auto before : graph.predecessors[node]) {
          REQUIRE(before < node);
          REQUIRE(graph.live[before]);
          REQUIRE(graph.live[node]);
        }
      }
    }
  }
}

TEST_CASE("space: an unknown id names the known ones") {
  CHECK_THROWS_WITH(space("nb301"), ContainsSubstring("nb301") && ContainsSubstring("nb201"));
}
