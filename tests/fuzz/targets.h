// What is fuzzed: every reader of bytes that somebody else may have written. libFuzzer drives these through
// fuzz.cpp, the Catch2 suite through test_fuzz.cpp with fewer inputs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latencast {

struct FuzzTarget {
  const char* name;  ///< e.g. "onnx"
  /// Reads the input and uses what was read. An Error is an answer; anything else that is thrown, a crash, a
  /// sanitizer's complaint or a second without an answer is a find.
  void (*read)(std::string_view input);
  /// Inputs to start from, most of them good ones. tests: the folder that holds golden/.
  std::vector<std::string> (*seeds)(const std::string& tests);
};

const std::vector<FuzzTarget>& fuzz_targets();

/// The one with that name; throws `argument` and lists them otherwise.
const FuzzTarget& fuzz_target(std::string_view name);

/// Calls target.read, and takes an Error as an answer.
void read_input(const FuzzTarget& target, std::string_view input);

}  // namespace latencast
