#include "kernels_sample.h"

#include <iostream>

#include "data.h"
#include "kernel_samples.h"

namespace latencast {

void add_options(CLI::App& command, AutoencoderOptions& options) {
  command.add_option("--width", options.width, "of the auto-encoder")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--latent", options.latent)->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--steps", options.steps)->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--beta", options.beta)->check(CLI::PositiveNumber)->capture_default_str();
}

void KernelsSampleCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand(
      "sample", "configurations of kernels to time, as CSV: of networks, invented after them, or random");
  command->add_option("--method", method)
      ->check(CLI::IsMember({"real", "vae", "random"}))
      ->capture_default_str();
  command->add_option("--type", type, "conv, dwconv, ...")->capture_default_str();
  command->add_option("--count", count, "how many different ones")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--networks", networks, "random ones, whose kernels are known")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", seed)->capture_default_str();
  add_options(*command, autoencoder);
  command->add_option("--out", out, "file to write to; printed if absent");
  command->callback([this] { run(); });
}

void KernelsSampleCommand::run() const {
  const KernelType of_type = kernel_type(type);
  const auto known = occurring(of_type, kernels_of_families(networks, seed));
  AutoencoderOptions options = autoencoder;
  options.seed = seed;
  const ConfigurationSampler sampler = method == "real"     ? sample_known(known)
                                       : method == "random" ? sample_at_random(of_type, known)
                                                            : sample_like(of_type, known, options);
  const std::string text = csv_of(of_type, distinct(sampler, count, seed));
  if (out.empty())
    std::cout << text;
  else
    write_file(out, text);
}

}  // namespace latencast
