// JSON across the boundary: results as text, and options read strictly.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json.h"
#include "latencast/error.h"

namespace latencast::boundary {

using Json = nlohmann::json;

// Replaces bytes that are no UTF-8: JavaScript strings may hold half a surrogate pair, and a user's text ends
// up in messages.
inline std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A JSON object of options, read strictly: a wrong type or an unknown name is the caller's mistake, never
/// silently ignored.
class Options {
 public:
  /// where: begins every message. known: the names there are, for the message about another.
  Options(const char* where, const std::string& text, const char* known)
      : where_(where), known_(known), json_(read_json(text)) {
    if (!json_.is_object())
      throw Error(ErrorCode::argument, where_ + ": found options " + text + "; expected a JSON object");
  }

  void read(const char* name, std::string& into) {
    take(name, [&](const Json& value) {
      require(value.is_string(), name, value, "a text");
      into = value.get<std::string>();
    });
  }
  /// Whole, from 0 up; whether it may be 0 is the engine's to say.
  void read(const char* name, int& into) {
    take(name, [&](const Json& value) {
      require(value.is_number_unsigned() && value.get<std::uint64_t>() <= std::numeric_limits<int>::max(),
              name, value, "a whole number of 1 or more");
      into = value.get<int>();
    });
  }
  void read(const char* name, std::uint64_t& into) {
    take(name, [&](const Json& value) {
      require(value.is_number_unsigned() && value.get<std::uint64_t>() < (std::uint64_t{1} << 53), name,
              value, "a whole number from 0 to 2^53 - 1");
      into = value.get<std::uint64_t>();
    });
  }
  void read(const char* name, std::optional<double>& into) {
    take(name, [&](const Json& value) {
      require(value.is_number(), name, value, "a positive number");
      into = value.get<double>();
    });
  }

  void read(const char* name, std::vector<double>& into) {
    take(name, [&](const Json& value) {
      bool fits = value.is_array();
      if (fits)
        for (const Json& one : value) fits = fits && one.is_number();
      require(fits, name, value, "an array of numbers");
      into = value.get<std::vector<double>>();
    });
  }

  void read(const char* name, std::vector<std::size_t>& into) {
    take(name, [&](const Json& value) {
      bool whole = value.is_array();
      if (whole)
        for (const Json& one : value) whole = whole && one.is_number_unsigned();
      require(whole, name, value, "an array of whole numbers");
      into = value.get<std::vector<std::size_t>>();
    });
  }

  void read(const char* name, std::vector<std::string>& into) {
    take(name, [&](const Json& value) {
      bool fits = value.is_array();
      if (fits)
        for (const Json& one : value) fits = fits && one.is_string();
      require(fits, name, value, "an array of texts");
      into = value.get<std::vector<std::string>>();
    });
  }

  /// Lists of lengths by name.
  void read(const char* name, std::map<std::string, std::vector<std::int64_t>>& into) {
    take(name, [&](const Json& value) {
      bool fits = value.is_object();
      if (fits)
        for (const Json& lengths : value) {
          fits = fits && lengths.is_array();
          for (const Json& length : lengths) fits = fits && length.is_number_integer();
        }
      require(fits, name, value, "lists of whole numbers by name");
      for (const auto& [key, lengths] : value.items()) into[key] = lengths.get<std::vector<std::int64_t>>();
    });
  }

  /// Once every known one is read: whatever is left is unknown.
  void finish() const {
    if (json_.empty()) return;
    throw Error(ErrorCode::argument,
                where_ + ": option " + json_.begin().key() + " is unknown; expected " + known_);
  }

 private:
  template <class Use>
  void take(const char* name, const Use& use) {
    const auto found = json_.find(name);
    if (found == json_.end()) return;
    use(*found);
    json_.erase(found);
  }

  void require(bool ok, const char* name, const Json& found, const char* expected) const {
    if (!ok)
      throw Error(ErrorCode::argument,
                  where_ + ": " + name + " is " + dump(found) + "; expected " + expected);
  }

  std::string where_, known_;
  Json json_;
};

}  // namespace latencast::boundary
