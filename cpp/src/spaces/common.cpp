#include "spaces/common.h"

#include <algorithm>
#include <utility>

#include "latencast/error.h"

namespace latencast {

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  return "\"" + std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "...\"" : "\"");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

void refuse(const std::string& where, std::string_view text, const std::string& expected) {
  throw Error(ErrorCode::architecture, where + ": found " + shown(text) + "; expected " + expected);
}

std::vector<Architecture> with_other_digits(const Architecture& digits, int count) {
  std::vector<Architecture> all;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    for (int digit = 0; digit < count; ++digit) {
      Architecture other = digits;
      other[at] = static_cast<char>('0' + digit);
      if (other != digits) all.push_back(std::move(other));
    }
  }
  return all;
}

Graph chain(const std::vector<std::uint8_t>& ops) {
  Graph graph;
  const std::size_t nodes = ops.size() + 2;
  graph.op.resize(nodes);
  graph.op.front() = 1;
  std::copy(ops.begin(), ops.end(), graph.op.begin() + 1);
  graph.live.assign(nodes, 1);
  graph.place.assign(nodes, 0);
  graph.predecessors.resize(nodes);
  for (std::size_t node = 1; node < nodes; ++node)
    graph.predecessors[node] = {static_cast<std::uint8_t>(node - 1)};
  return graph;
}

}  // namespace latencast
