#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "latencast/space.h"

using namespace latencast;

namespace {

const Space& fbnet() { return space("fbnet"); }

const Architecture kExample = "7818488874147327324245";
const Architecture kSkips(22, '8');

std::string refusal(const std::string& text) {
  try {
    fbnet().parse(text);
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::architecture);
    return error.what();
  }
  return "";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("fbnet: text forms") {
  CHECK(fbnet().format("0123456788888888888888") ==
        "k3_e1_k3_e1_g2_k3_e3_k3_e6_k5_e1_k5_e1_g2_k5_e3_k5_e6_skip_skip_skip_skip_skip_skip_skip_skip_skip_"
        "skip_"
        "skip_skip_skip_skip");
  Rng rng(1);
  for (int i = 0; i < 100; ++i) {
    const Architecture architecture = fbnet().random(rng);
    std::string digits, quoted, blanks;
    for (const char digit : architecture) {
      const std::string name = fbnet().op_names()[static_cast<std::size_t>(digit - '0') + 2];
      digits += std::string(digits.empty() ? "[" : ", ") + digit;
      quoted += (quoted.empty() ? "['" : "', '") + name;
      blanks += name + " ";
    }
    CHECK(fbnet().parse(digits + "]") == architecture);
    CHECK(fbnet().parse(quoted + "']") == architecture);
    CHECK(fbnet().parse(replaced(quoted + "']", "'", "\"")) == architecture);
    CHECK(fbnet().parse(blanks) == architecture);
    CHECK(fbnet().parse(replaced(blanks, " ", ",\n")) == architecture);
    CHECK(fbnet().parse("  " + architecture + "\r\n") == architecture);
  }
}

TEST_CASE("fbnet: a refusal names the block, what was found and what was expected") {
  const std::string names = fbnet().format(kExample);
  CHECK_THAT(refusal("7818498874147327324245"),
             ContainsSubstring("block 6: found \"9\"") && ContainsSubstring("0 to 8"));
  CHECK_THAT(refusal(kExample.substr(1)), ContainsSubstring("22 blocks in place of 21"));
  CHECK_THAT(refusal(kExample + "0"), ContainsSubstring("22 digits"));
  CHECK_THAT(refusal(names + "_skip"), ContainsSubstring("nothing after block 22"));
  CHECK_THAT(refusal("skip_" + replaced(names, "k3", "k7")),
             ContainsSubstring("block 4: found \"k7_e1\"") && ContainsSubstring("k3_e1_g2"));
  CHECK_THAT(refusal("skip skip k3_e6_g2 skip"), ContainsSubstring("block 4: found \"g2\""));
  CHECK_THAT(refusal("[" + kExample), ContainsSubstring("bracket"));
  CHECK_THAT(refusal(""), ContainsSubstring("22 digits") && ContainsSubstring("skip"));
  CHECK(refusal(std::string(100000, 'k')).size() < 400);
}

TEST_CASE("fbnet: exact arithmetic") {
  // Parameters as counted by others on the real network, of the first two architectures of the measured set
  // (github.com/abdelfattah-lab/nasflat_latency, zero-cost proxies).
  CHECK(fbnet().params(kExample) == 1790500);
  CHECK(fbnet().params("5355047552024513726040") == 1695572);
  // By hand. All skips: stem; then a 1x1 with norm where channels or stride change; header; classifier.
  CHECK(fbnet().params(kSkips) == (27 * 16 + 2 * 16) + (16 * 24 + 2 * 24) + (24 * 32 + 2 * 32) +
                                      (32 * 64 + 2 * 64) + (64 * 112 + 2 * 112) + (112 * 184 + 2 * 184) +
                                      (184 * 352 + 2 * 352) + (352 * 1504 + 2 * 1504) + (1504 * 100 + 100));
  CHECK(fbnet().macs(kSkips) == 27 * 16 * 1024 + 16 * 24 * 1024 + 24 * 32 * 256 + 32 * 64 * 64 +
                                    64 * 112 * 64 + 112 * 184 * 16 + 184 * 352 * 16 + 352 * 1504 * 16 +
                                    1504 * 100);
  // Block 6 (24 -> 32 channels, 32x32 -> 16x16) as k5_e1_g2 instead of the 1x1.
  Architecture one = kSkips;
  one[5] = '5';
  CHECK(fbnet().params(one) - fbnet().params(kSkips) ==
        (24 * 12 + 48) + (24 * 25 + 48) + (32 * 12 + 64) - (24 * 32 + 64));
  CHECK(fbnet().macs(one) - fbnet().macs(kSkips) ==
        24 * 12 * 1024 + 24 * 25 * 256 + 32 * 12 * 256 - 24 * 32 * 256);
}

TEST_CASE("fbnet: the kernels of a block") {
  const auto last = fbnet().kernels(2 + 3, 3);  // k3_e6 on 24 channels at 32x32: keeps its shape
  REQUIRE(last.size() == 4);
  CHECK(last[1].depthwise());
  CHECK(last[1].out_channels == 144);
  CHECK(last[3].type == Kernel::Type::add);
  CHECK(last[3].inputs() == 2 * 24 * 32 * 32);
  CHECK(fbnet().kernels(2 + 8, 3).empty());      // skip that keeps its shape
  CHECK(fbnet().kernels(2 + 8, 6).size() == 1);  // one that does not
  CHECK(fbnet().kernels(2 + 3, 6).size() == 3);  // no residual there
  CHECK(fbnet().kernels(2 + 3, 6)[1].stride == 2);
  CHECK(fbnet().kernels(0, 23)[1].outputs() == 1504);
}

TEST_CASE("fbnet: exchanging two different blocks changes the graph and what the network is told of it") {
  Rng rng(2);
  const auto told = [](const Architecture& architecture) {
    const Graph graph = fbnet().graph(architecture);
    std::vector<std::vector<float>> rows;
    for (std::size_t node = 0; node < graph.op.size(); ++node)
      rows.push_back(fbnet().features(graph.op[node], graph.place[node]));
    return rows;
  };
  for (int i = 0; i < 100; ++i) {
    const Architecture architecture = fbnet().random(rng);
    Architecture exchanged = architecture;
    const auto at = rng.choose(22, 2);
    std::swap(exchanged[at[0]], exchanged[at[1]]);
    if (exchanged == architecture) continue;
    CHECK(fbnet().graph(exchanged).op != fbnet().graph(architecture).op);
    CHECK(told(exchanged) != told(architecture));
  }
}

TEST_CASE("fbnet: the graph is a chain, all of it alive, each node at its own place") {
  const Graph graph = fbnet().graph(kExample);
  REQUIRE(graph.op.size() == 24);
  CHECK(graph.op[1] == 2 + 7);
  CHECK(graph.op[22] == 2 + 5);
  CHECK(graph.predecessors[0].empty());
  for (std::size_t node = 0; node < 24; ++node) {
    CHECK(graph.live[node] == 1);
    CHECK(graph.place[node] == node);
    if (node > 0)
      CHECK(graph.predecessors[node] == std::vector<std::uint8_t>{static_cast<std::uint8_t>(node - 1)});
  }
}

TEST_CASE("fbnet: 176 neighbours, each other in one block") {
  const auto near = fbnet().neighbours(kExample);
  CHECK(near.size() == 176);
  for (const auto& other : near) {
    int differences = 0;
    for (std::size_t block = 0; block < 22; ++block) differences += other[block] != kExample[block];
    CHECK(differences == 1);
  }
}

TEST_CASE("fbnet: random architectures hold every choice at every block equally often") {
  Rng rng(5);
  std::vector<std::vector<int>> count(22, std::vector<int>(9));
  for (int i = 0; i < 3600; ++i) {
    const Architecture architecture = fbnet().random(rng);
    for (std::size_t block = 0; block < 22; ++block)
      ++count[block][static_cast<std::size_t>(architecture[block] - '0')];
  }
  for (const auto& block : count)
    for (const int times : block) CHECK((times > 300 && times < 500));  // 400, five standard deviations
}
