#include "json.h"

#include <string>
#include <utility>
#include <vector>

#include "latencast/error.h"

namespace latencast {
namespace {

using nlohmann::json;

// Builds the value from the parser's events; each returns whether to go on.
class Builder {
 public:
  json root;

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(json::number_integer_t value) { return add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return add(value); }
  bool number_float(json::number_float_t value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t& value) { return add(std::move(value)); }
  bool start_object(std::size_t) { return open(json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) { return false; }

 private:
  json& place(json value) {
    if (open_.empty()) return root = std::move(value);
    json& parent = *open_.back();
    if (parent.is_object()) return parent[key_] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    open_.push_back(&place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<json*> open_;  // outermost first; nothing is placed beside an open value, so none of them moves
  std::string key_;
};

}  // namespace

json read_json(std::string_view text) {
  Builder builder;
  if (!json::sax_parse(text.data(), text.data() + text.size(), &builder))
    return json(json::value_t::discarded);
  return std::move(builder.root);
}

std::int64_t whole_number(const json& value, std::int64_t least, std::int64_t most, const std::string& what) {
  const bool whole = value.is_number_unsigned() ? value.get<std::uint64_t>() <= std::uint64_t(most)
                                                : value.is_number_integer();
  if (!whole || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
    throw Error(ErrorCode::checkpoint, what + ": found " + value.dump() + "; expected a whole number from " +
                                           std::to_string(least) + " to " + std::to_string(most));
  return value.get<std::int64_t>();
}

}  // namespace latencast
