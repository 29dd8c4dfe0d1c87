#include "options.h"

#include <algorithm>
#include <thread>

namespace latencast {

void add_options(CLI::App& command, PretrainOptions& options) {
  command.add_option("--gnn", options.gnn, "graph layers")
      ->check(CLI::IsMember({"dgf", "gat", "ensemble"}))
      ->capture_default_str();
  command.add_option("--hardware-place", options.hardware_place, "where a device acts")
      ->check(CLI::IsMember({"operation", "head"}))
      ->capture_default_str();
  command.add_option("--operation-width", options.operation_width)->capture_default_str();
  command.add_option("--hardware-width", options.hardware_width)->capture_default_str();
  command.add_option("--state-width", options.state_width)->capture_default_str();
  command.add_option("--stage1-layers", options.stage1_layers)->capture_default_str();
  command.add_option("--stage2-layers", options.stage2_layers)->capture_default_str();
  command
      .add_option_function<std::string>(
          "--supplement",
          [&options](const std::string& name) { options.supplement = encoding_from_name(name); },
          "supplementary encoding: none, arch2vec, cate, zcp or caz")
      ->default_str("none");
  command.add_option("--invented", options.invented, "invented devices to learn from besides")
      ->capture_default_str();
  command.add_option("--invented-share", options.invented_share, "their share of the batches")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command.add_option("--source-samples", options.samples, "architectures per source device")
      ->capture_default_str();
  command.add_option("--steps", options.steps, "of the optimiser")->capture_default_str();
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

void add_options(CLI::App& command, PoolFigures& options, const std::vector<std::string>& known) {
  options.tables = known;
  command.add_option("--pool", options.pool, "folder of the pool")->capture_default_str();
  command.add_option("--out", options.out, "document with markers; printed if absent");
  command.add_option("--tables", options.tables, "which, of all")
      ->delimiter(',')
      ->check(CLI::IsMember(known));
  command.add_option("--seeds", options.seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--threads", options.threads)->check(CLI::PositiveNumber)->capture_default_str();
}

}  // namespace latencast
