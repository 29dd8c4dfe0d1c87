#include "pretrained.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "data.h"
#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/error.h"

namespace latencast {
namespace {

// What `read` makes of a file's bytes; its errors get the path in front.
template <class Read>
auto at_path(const std::string& path, Read read) {
  const std::string bytes = read_file(path);
  try {
    return read(bytes);
  } catch (const Error& error) {
    throw Error(error.code(), path + ": " + error.what());
  }
}

}  // namespace

std::string weights_path(const std::string& given) {
  const std::string extension = ".latencast";
  const bool has = given.size() > extension.size() &&
                   given.compare(given.size() - extension.size(), extension.size(), extension) == 0;
  return has ? given : given + extension;
}

Predictor read_weights(const std::string& given, const std::string& encoders) {
  return at_path(weights_path(given), [&](std::string_view bytes) {
    const nlohmann::json meta = read_json(read_checkpoint(bytes).meta);
    if (meta.value("supplement", "none") == "none") return Predictor::read(bytes);
    const auto encoder = read_encoder(encoders, space(meta.value("space", "")));
    return Predictor::read(bytes, encoder ? &*encoder : nullptr);
  });
}

std::optional<Encoder> read_encoder(const std::string& folder, const Space& space) {
  const auto path = std::filesystem::path(folder) / (std::string(space.id()) + ".encoder.latencast");
  if (!std::filesystem::exists(path)) return std::nullopt;
  return at_path(path.string(), Encoder::read);
}

nlohmann::json describe(const PretrainOptions& options) {
  // A new option does not compile until it is part of the key.
  const auto& [space, gnn, hardware_place, operation_width, hardware_width, state_width, stage1_layers,
               stage2_layers, supplement, encoder, samples, invented, invented_share, steps, batch,
               devices_per_batch, learning_rate, seed] = options;
  return {{"space", space},
          {"gnn", gnn},
          {"hardware_place", hardware_place},
          {"operation_width", operation_width},
          {"hardware_width", hardware_width},
          {"state_width", state_width},
          {"stage1_layers", stage1_layers},
          {"stage2_layers", stage2_layers},
          {"supplement", name_of(supplement)},
          {"encoder", encoder ? sha256_hex(encoder->write()) : ""},
          {"samples", samples},
          {"invented", invented},
          {"invented_share", invented_share},
          {"steps", steps},
          {"batch", batch},
          {"devices_per_batch", devices_per_batch},
          {"learning_rate", learning_rate},
          {"seed", seed}};
}

PretrainProgress progress_on_stderr(const std::string& what, int steps) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kSilence(2);
  return [=, start = Clock::now(), last_print = Clock::time_point()](int step, double loss) mutable {
    const auto now = Clock::now();
    if (now - last_print < kSilence && step < steps) return;
    last_print = now;
    const std::chrono::duration<double> passed = now - start;
    std::fprintf(stderr, "%s: step %d of %d, loss %.5f, %.0f s left\n", what.c_str(), step, steps, loss,
                 passed.count() / step * (steps - step));
  };
}

std::string short_digest(const std::string& text) { return sha256_hex(text).substr(0, 16); }

std::string table_text(const LatencyTable& table) {
  return nlohmann::json{table.devices, table.architectures, table.latency_ms}.dump();
}

std::string pretrain_key(const std::string& table, const PretrainOptions& options) {
  // The text of one JSON array: version, the table's three parts, options.
  const std::string parts = table.substr(1, table.size() - 2);
  return short_digest("[" + std::to_string(kPretrainVersion) + "," + parts + "," + describe(options).dump() +
                      "]");
}

Predictor pretrained(const std::string& folder, const std::string& name, const LatencyTable& table,
                     const PretrainOptions& options, const PretrainProgress& progress) {
  const auto path =
      std::filesystem::path(folder) / (name + "-" + pretrain_key(table_text(table), options) + ".latencast");
  if (std::filesystem::exists(path))
    return at_path(path.string(), [&](std::string_view bytes) {
      return Predictor::read(bytes, options.encoder ? &*options.encoder : nullptr);
    });
  std::filesystem::create_directories(folder);
  Predictor predictor = pretrain(table, options, progress);
  write_file(path.string(), predictor.write());
  return predictor;
}

}  // namespace latencast
