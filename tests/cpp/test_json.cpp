// Our builder of JSON values against the library's own.
#include <string>

#include "catch.h"
#include "json.h"

using namespace latencast;
using nlohmann::json;

TEST_CASE("json: values are those the library reads") {
  for (const char* text :
       {"null", "true", "-3", "18446744073709551615", "-9223372036854775808", "1.5e-3", "\"a\\u00e9\\n\"",
        "[]", "{}", "[[],[[1]],{\"a\":[]}]",
        " { \"a\" : 1, \"b\" : { \"a\" : [ 2, { \"c\" : null } ], \"d\" : false }, \"e\" : [] } ",
        "{\"a\":{\"x\":1},\"a\":[2]}"}) {
    INFO(text);
    const json found = read_json(text), expected = json::parse(text);
    CHECK(found == expected);
    CHECK(found.dump() == expected.dump());
  }
  // Deeper and longer than what fits the first allocation of any container.
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "[1,{\"k" + std::to_string(i) + "\":[2,";
  deep += "3";
  for (int i = 0; i < 200; ++i) deep += "],\"z\":4},5]";
  CHECK(read_json(deep) == json::parse(deep));
}

TEST_CASE("json: what is no JSON gives a discarded value") {
  for (const char* text :
       {"", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":1}}", "1 2", "nul", "\"a", "1e999", "\"\xff\""}) {
    INFO(text);
    CHECK(read_json(text).is_discarded());
  }
}
