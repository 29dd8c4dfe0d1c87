#include <set>
#include <string>

#include "catch.h"
#include "latencast/error.h"

using namespace latencast;

TEST_CASE("error codes have distinct names in the order of the enum", "[error]") {
  const auto names = error_code_names();
  CHECK(names == std::vector<std::string>{"argument", "architecture", "measurement", "checkpoint", "model",
                                          "cancelled", "internal"});
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(name(static_cast<ErrorCode>(i)) == names[i]);
}

TEST_CASE("an error carries its code and message", "[error]") {
  const Error error(ErrorCode::measurement, "transfer: sample 4 has latency -1 ms");
  CHECK(error.code() == ErrorCode::measurement);
  CHECK(std::string(error.what()) == "transfer: sample 4 has latency -1 ms");
}
