// What several spaces need: reading what people paste, refusing it,
// changing a choice; and the graph of a chain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "latencast/space.h"

namespace latencast {

/// `text` in quotes, shortened where long.
std::string shown(std::string_view text);

/// Without the blanks and line ends around it.
std::string_view trimmed(std::string_view text);

/// Throws `architecture`: "`where`: found "text"; expected ...".
[[noreturn]] void refuse(const std::string& where, std::string_view text, const std::string& expected);

/// Every text with one digit of `digits` replaced by another below `count`.
std::vector<Architecture> with_other_digits(const Architecture& digits, int count);

/// The graph of nodes that follow each other: input, `ops`, output. Places are left 0.
Graph chain(const std::vector<std::uint8_t>& ops);

}  // namespace latencast
