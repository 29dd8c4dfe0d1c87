// Reading JSON. Everything that reads it goes through here: nlohmann's own `parse` is a template that brings
// a parser of its own per kind of text, each with one more for callbacks (5 kB of the module, gzip).
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace latencast {

/// The value of a JSON text; a discarded one (`is_discarded()`) where it is not JSON.
nlohmann::json read_json(std::string_view text);

}  // namespace latencast
