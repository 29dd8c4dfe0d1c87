// What a profiler times: `latencast kernels configurations`, `export` and `networks`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace latencast {

/// A list of kernels to time.
struct KernelsConfigurationsCommand {
  std::string out;
  std::vector<std::string> more;
  std::uint64_t seed = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

/// Kernels of a list as ONNX models.
struct KernelsExportCommand {
  std::string kernels, out;
  bool inside = false;

  void add_to(CLI::App& kernels);
  void run() const;
};

/// Whole networks of every family as ONNX models.
struct KernelsNetworksCommand {
  std::string out;
  int count = 22;
  std::uint64_t seed = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
