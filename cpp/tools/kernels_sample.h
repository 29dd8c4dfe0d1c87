// `latencast kernels sample`: which configurations of kernels to time on a platform.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "autoencoder.h"

namespace latencast {

/// --width, --latent, --steps and --beta.
void add_options(CLI::App& command, AutoencoderOptions& options);

struct KernelsSampleCommand {
  std::string method = "vae", type = "conv", out;
  std::size_t count = 100;
  std::size_t networks = 1200;  ///< whose kernels are known
  std::uint64_t seed = 1;
  AutoencoderOptions autoencoder;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
