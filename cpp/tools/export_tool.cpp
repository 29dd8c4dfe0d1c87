#include "export_tool.h"

#include <cstdio>

#include "data.h"

namespace latencast {

void ExportCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("export", "an architecture as an ONNX model with random weights");
  command->add_option("--space", space, "its search space")
      ->check(CLI::IsMember(space_ids()))
      ->capture_default_str();
  command->add_option("--arch", architecture, "any form of it")->required();
  command->add_option("--out", out, "file to write")->required();
  command->add_option("--pixels", options.pixels,
                      "of the square image (default: as the architecture has it)");
  command->add_option("--classes", options.classes, "outputs (default: as the space has it)");
  command->add_option("--seed", options.seed, "of the weights")->capture_default_str();
  command->callback([this] { run(); });
}

void ExportCommand::run() const {
  const Space& chosen = latencast::space(space);
  const std::string model = export_onnx(chosen, chosen.parse(architecture), options);
  write_file(out, model);
  std::printf("%s: %.1f MB\n", out.c_str(), 1e-6 * static_cast<double>(model.size()));
}

}  // namespace latencast
