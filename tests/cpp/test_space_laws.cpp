// Laws that hold in every space, over random architectures and random rubbish.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "latencast/space.h"

using namespace latencast;

namespace {

std::vector<Architecture> drawn(const Space& space, std::size_t count, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<Architecture> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(space.random(rng));
  return all;
}

// Whether `text` is refused, and in the right way.
bool refused(const Space& space, const std::string& text) {
  try {
    const Architecture read = space.parse(text);
    CHECK(space.parse(read) == read);
    return false;
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::architecture);
    CHECK(std::string(error.what()).find(space.id()) == 0);
    CHECK(std::string(error.what()).find("expected") != std::string::npos);
    return true;
  }
}

}  // namespace

TEST_CASE("spaces: canonical and long forms are read back") {
  for (const auto& id : space_ids()) {
    const Space& one = space(id);
    for (const auto& architecture : drawn(one, 200)) {
      CHECK(one.parse(architecture) == architecture);
      CHECK(one.parse(" \n" + one.format(architecture) + "\r\n") == architecture);
    }
  }
}

TEST_CASE("spaces: neighbours are canonical, new, different and mutual") {
  for (const auto& id : space_ids()) {
    const Space& one = space(id);
    for (const auto& architecture : drawn(one, 3)) {
      const auto near = one.neighbours(architecture);
      CHECK(std::set<Architecture>(near.begin(), near.end()).size() == near.size());
      for (const auto& other : near) {
        CHECK(other != architecture);
        CHECK(one.parse(other) == other);
        const auto back = one.neighbours(other);
        CHECK(std::count(back.begin(), back.end(), architecture) == 1);
      }
    }
  }
}

TEST_CASE("spaces: graphs run from the input to the output in topological order") {
  for (const auto& id : space_ids()) {
    const Space& one = space(id);
    for (const auto& architecture : drawn(one, 50)) {
      const Graph graph = one.graph(architecture);
      const std::size_t nodes = graph.op.size();
      REQUIRE(graph.predecessors.size() == nodes);
      REQUIRE(graph.live.size() == nodes);
      REQUIRE(graph.place.size() == nodes);
      CHECK(one.op_names()[graph.op.front()] == "input");
      CHECK(one.op_names()[graph.op.back()] == "output");
      for (std::size_t node = 0; node < nodes; ++node) {
        CHECK(graph.op[node] < one.op_names().size());
        for (const auto before : graph.predecessors[node]) CHECK(before < node);
      }
    }
  }
}

TEST_CASE(
    "spaces: the arithmetic of an architecture is that of its nodes, whose features are finite and small") {
  for (const auto& id : space_ids()) {
    const Space& one = space(id);
    for (const auto& architecture : drawn(one, 20)) {
      const Graph graph = one.graph(architecture);
      std::int64_t macs = 0, params = 0;
      for (std::size_t node = 0; node < graph.op.size(); ++node) {
        for (const Kernel& kernel : one.kernels(graph.op[node], graph.place[node])) {
          macs += kernel.macs();
          params += kernel.params();
          CHECK(kernel.inputs() > 0);
          CHECK(kernel.outputs() > 0);
        }
        const auto features = one.features(graph.op[node], graph.place[node]);
        CHECK(features.size() == static_cast<std::size_t>(one.feature_width()));
        for (const float feature : features) CHECK((feature >= -1.01f && feature <= 1.01f));
      }
      CHECK(one.macs(architecture) == macs);
      CHECK(one.params(architecture) == params);
    }
  }
}

TEST_CASE("spaces: rubbish is refused, never accepted in silence, and nothing crashes") {
  Rng rng(3);
  const std::string alphabet = "0123456789kegsipr_, |~+-[]{}\"':.\n\x01\xff";
  for (const auto& id : space_ids()) {
    const Space& one = space(id);
    CHECK(refused(one, ""));
    CHECK(refused(one, " \n"));
    CHECK(refused(one, std::string(100000, '[')));
    CHECK(refused(one, std::string(100000, '0')));
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (std::size_t length = 1 + rng.below(80u); length > 0; --length)
        text += alphabet[rng.below(alphabet.size())];
      refused(one, text);
    }
    // Damage to a good text: one character lost, doubled or replaced.
    for (const auto& architecture : drawn(one, 300, 4)) {
      std::string text = one.format(architecture);
      const auto at = rng.below(text.size());
      const auto kind = rng.below(3);
      if (kind == 0) text.erase(at, 1);
      if (kind == 1) text.insert(at, 1, text[at]);
      if (kind == 2) text[at] = alphabet[rng.below(alphabet.size())];
      refused(one, text);
    }
  }
}

TEST_CASE("spaces: one too large to list says so") {
  CHECK_THROWS_WITH(space("fbnet").enumerate(), ContainsSubstring("fbnet") && ContainsSubstring("too many"));
  CHECK_THROWS_WITH(space("fbnet").index("0"), ContainsSubstring("too many"));
  CHECK(space("fbnet").size() == 0);
}
