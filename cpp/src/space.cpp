#include "latencast/space.h"

#include <map>
#include <tuple>

#include "latencast/error.h"
#include "spaces/spaces.h"

namespace latencast {
namespace {

const std::vector<const Space*>& all_spaces() {
  static const std::vector<const Space*> spaces = {&nb201_space(), &fbnet_space(), &ofa_space()};
  return spaces;
}

[[noreturn]] void too_large(const Space& space) {
  throw Error(ErrorCode::argument,
              std::string(space.id()) +
                  ": has too many architectures to list; expected a space with a size, as nb201");
}

struct Cost {
  std::int64_t macs = 0, params = 0;
};

// Of what a node executes. Kept, as a space has few different nodes and people sum over thousands of
// architectures.
const Cost& node_cost(const Space& space, int op, int place) {
  thread_local std::map<std::tuple<const Space*, int, int>, Cost> known;
  const auto [found, is_new] = known.try_emplace({&space, op, place});
  if (is_new) {
    for (const Kernel& kernel : space.kernels(op, place)) {
      found->second.macs += kernel.macs();
      found->second.params += kernel.params();
    }
  }
  return found->second;
}

std::int64_t total(const Space& space, const Architecture& architecture, std::int64_t Cost::*part) {
  const Graph graph = space.graph(architecture);
  std::int64_t sum = 0;
  for (std::size_t node = 0; node < graph.op.size(); ++node)
    sum += node_cost(space, graph.op[node], graph.place[node]).*part;
  return sum;
}

}  // namespace

const std::vector<Architecture>& Space::enumerate() const { too_large(*this); }

std::size_t Space::index(const Architecture&) const { too_large(*this); }

std::int64_t Space::macs(const Architecture& architecture) const {
  return total(*this, architecture, &Cost::macs);
}

std::int64_t Space::params(const Architecture& architecture) const {
  return total(*this, architecture, &Cost::params);
}

const Space& space(std::string_view id) {
  std::string known;
  for (const Space* candidate : all_spaces()) {
    if (id == candidate->id()) return *candidate;
    known += (known.empty() ? "" : ", ") + std::string(candidate->id());
  }
  throw Error(ErrorCode::argument, "space: found \"" + std::string(id) + "\"; expected one of " + known);
}

std::vector<std::string> space_ids() {
  std::vector<std::string> ids;
  for (const Space* one : all_spaces()) ids.emplace_back(one->id());
  return ids;
}

}  // namespace latencast
