// A little of what tests/fuzz does at length, for machines without libFuzzer: seeds, what was once found, and
// random changes of both.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../fuzz/targets.h"
#include "catch.h"
#include "latencast/rng.h"

using namespace latencast;

namespace {

std::size_t up_to(Rng& rng, std::size_t below) { return static_cast<std::size_t>(rng.below(below)); }

// One to four changes: a bit, a byte, a piece taken out, a piece doubled, a number in the text made large.
std::string changed(std::string input, Rng& rng) {
  for (std::size_t left = 1 + up_to(rng, 4); left > 0 && !input.empty(); --left) {
    const std::size_t at = up_to(rng, input.size());
    const std::size_t length = std::min(1 + up_to(rng, 24), input.size() - at);
    switch (rng.below(5)) {
      case 0:
        input[at] = static_cast<char>(input[at] ^ (1 << rng.below(8)));
        break;
      case 1:
        input[at] = static_cast<char>(rng.below(256));
        break;
      case 2:
        input.erase(at, length);
        break;
      case 3:
        input.insert(at, input.substr(up_to(rng, input.size()), length));
        break;
      default: {
        const std::size_t digit = input.find_first_of("0123456789", at);
        if (digit != std::string::npos) input.insert(digit, rng.below(2) == 0 ? "-" : "99999999999");
      }
    }
  }
  return input;
}

std::vector<std::string> found_once(const std::string& target) {
  std::vector<std::string> inputs;
  const std::filesystem::path folder = std::filesystem::path(LATENCAST_TEST_DATA) / "fuzz/found" / target;
  if (!std::filesystem::exists(folder)) return inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

}  // namespace

TEST_CASE("every reader answers whatever it is given, with a value or an Error, and soon", "[fuzz]") {
  using Clock = std::chrono::steady_clock;
  for (const FuzzTarget& target : fuzz_targets()) {
    INFO(target.name);
    const std::vector<std::string> seeds = target.seeds(LATENCAST_TEST_DATA);
    // The first seed of each is good: a target that refuses everything would find nothing.
    if (std::string(target.name) != "checkpoint") CHECK_NOTHROW(target.read(seeds.at(0)));
    for (const std::string& input : found_once(target.name)) CHECK_NOTHROW(read_input(target, input));
    Rng rng(17);
    const auto until = Clock::now() + std::chrono::milliseconds(600);
    for (int round = 0; round < 2000 && Clock::now() < until; ++round) {
      const std::string input = changed(seeds[up_to(rng, seeds.size())], rng);
      INFO(input);
      CHECK_NOTHROW(read_input(target, input));
    }
  }
}
