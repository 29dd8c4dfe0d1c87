// Reading JSON. Everything that reads it goes through here: nlohmann's own `parse` is a template that brings
// a parser of its own per kind of text, each with one more for callbacks (5 kB of the module, gzip).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace latencast {

/// The value of a JSON text; a discarded one (`is_discarded()`) where it is not JSON.
nlohmann::json read_json(std::string_view text);

/// What get<int>() would give, but of nothing else than a whole number from `least` to `most`: that makes 1
/// of 1.5, and of 1e30 whatever it likes. Throws `checkpoint`, which calls the value `what`.
std::int64_t whole_number(const nlohmann::json& value, std::int64_t least, std::int64_t most,
                          const std::string& what);

}  // namespace latencast
