// Options that several subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "laboratory.h"
#include "latencast/pretrain.h"

namespace latencast {

/// Everything that decides a pre-training but its data and space.
void add_options(CLI::App& command, PretrainOptions& options);

/// --cache, --encoders, --threads (by default one per processor) and --fresh.
void add_options(CLI::App& command, LaboratoryOptions& options);

/// Tables of figures about the pool of kernel platforms.
struct PoolFigures {
  std::string pool = "weights/pool";
  std::string out;                  ///< document with markers; empty: print
  std::vector<std::string> tables;  ///< which; all after the options are read, unless some are named
  int seeds = 5;
  unsigned threads = 1;
};

/// --pool, --out, --tables (of `known`), --seeds and --threads.
void add_options(CLI::App& command, PoolFigures& options, const std::vector<std::string>& known);

}  // namespace latencast
