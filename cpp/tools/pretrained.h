// Predictors on disk: weights files, and a folder that keeps pre-trainings so that none is done twice.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "latencast/encode.h"
#include "latencast/pretrain.h"

namespace latencast {

/// `given`, with the extension of predictor files if it lacks it.
std::string weights_path(const std::string& given);

/// The predictor in weights_path(given), with the encoder of its space from the folder `encoders` where it
/// has a supplementary encoding; errors name the file.
Predictor read_weights(const std::string& given, const std::string& encoders = "weights");

/// The encoder SPACE.encoder.latencast of a folder; none where it has none.
std::optional<Encoder> read_encoder(const std::string& folder, const Space& space);

/// Every option by its name, as it takes part in the keys of what is cached.
nlohmann::json describe(const PretrainOptions& options);

/// Prints step, loss and the time left every few seconds, and at the end.
PretrainProgress progress_on_stderr(const std::string& what, int steps);

/// First 16 hex digits of the SHA-256.
std::string short_digest(const std::string& text);

/// All of a table as text, for keys.
std::string table_text(const LatencyTable& table);

/// Short digest of everything that decides what pretrain() gives: the table as table_text(), the options and
/// kPretrainVersion.
std::string pretrain_key(const std::string& table, const PretrainOptions& options);

/// pretrain(), unless an earlier call left its result in `folder` as NAME-KEY.latencast; it is left there.
Predictor pretrained(const std::string& folder, const std::string& name, const LatencyTable& table,
                     const PretrainOptions& options, const PretrainProgress& progress);

}  // namespace latencast
