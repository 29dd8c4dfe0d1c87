// libFuzzer's entry. `--target=NAME` chooses what is fuzzed; `--seeds=FOLDER` writes its seeds there and
// ends.
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>

#include "latencast/error.h"
#include "targets.h"

namespace {

constexpr double kMostSeconds = 1;

const latencast::FuzzTarget* chosen = nullptr;

void write_seeds(const std::string& folder) {
  std::size_t number = 0;
  for (const std::string& seed : chosen->seeds(LATENCAST_TEST_DATA))
    std::ofstream(folder + "/seed" + std::to_string(number++), std::ios::binary) << seed;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  std::string target, folder;
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (argument.rfind("--target=", 0) == 0) target = argument.substr(9);
    if (argument.rfind("--seeds=", 0) == 0) folder = argument.substr(8);
  }
  try {
    chosen = &latencast::fuzz_target(target);
    if (folder.empty()) return 0;
    write_seeds(folder);
    std::exit(0);
  } catch (const latencast::Error& error) {
    std::cerr << error.what() << "\n";
    std::exit(2);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Of the processor's time: by the clock, as libFuzzer counts, whatever else runs would be found as well.
  const std::clock_t start = std::clock();
  latencast::read_input(*chosen, {reinterpret_cast<const char*>(data), size});
  const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  if (seconds > kMostSeconds) {
    std::cerr << "took " << seconds << " s; expected at most " << kMostSeconds << " s\n";
    std::abort();
  }
  return 0;
}
