#include "options.h"

#include <algorithm>
#include <thread>

namespace latencast {

void add_options(CLI::App& command, PretrainOptions& options) {
  command.add_option("--gnn", options.gnn, "graph layers")
      ->check(CLI::IsMember({"dgf", "gat", "ensemble"}))
      ->capture_default_str();
  command.add_option("--source-samples", options.samples, "architectures per source device")
      ->capture_default_str();
  command.add_option("--epochs", options.epochs)->capture_default_str();
  command.add_option("--batch", options.batch)->capture_default_str();
  command.add_option("--devices-per-batch", options.devices_per_batch)->capture_default_str();
  command.add_option("--pretrain-seed", options.seed)->capture_default_str();
}

void add_options(CLI::App& command, LaboratoryOptions& options) {
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  command.add_option("--cache", options.cache, "folder that keeps pre-trained predictors and figures")
      ->capture_default_str();
  command.add_option("--encoders", options.encoders, "folder of SPACE.encoder.latencast")
      ->capture_default_str();
  command.add_option("--threads", options.threads)->check(CLI::PositiveNumber)->capture_default_str();
  command.add_flag("--fresh", options.fresh, "do not use figures that are kept");
}

}  // namespace latencast
