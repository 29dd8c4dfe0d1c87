// `latencast export`: an architecture as an ONNX model.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "latencast/export.h"

namespace latencast {

struct ExportCommand {
  std::string space = "nb201", architecture, out;
  ExportOptions options;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
