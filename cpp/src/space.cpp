#include "latencast/space.h"

#include "latencast/error.h"
#include "spaces/spaces.h"

namespace latencast {
namespace {

const std::vector<const Space*>& all_spaces() {
  static const std::vector<const Space*> spaces = {&nb201_space()};
  return spaces;
}

}  // namespace

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
