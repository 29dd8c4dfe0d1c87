// Options that several subcommands share.
#pragma once

#include <CLI/CLI.hpp>

#include "laboratory.h"
#include "latencast/pretrain.h"

namespace latencast {

/// Everything that decides a pre-training but its data and space.
void add_options(CLI::App& command, PretrainOptions& options);

/// --cache, --encoders, --threads (by default one per processor) and --fresh.
void add_options(CLI::App& command, LaboratoryOptions& options);

}  // namespace latencast
