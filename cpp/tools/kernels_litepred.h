// `latencast kernels litepred`: what LitePred's sampler and perceptrons give, beside ours; tables of
// docs/kernels.md. `latencast kernels learn-perceptrons`: the perceptrons of a pool.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "autoencoder.h"
#include "perceptrons.h"

namespace latencast {

struct KernelsLitePredCommand {
  std::string out;                  ///< document with markers; empty: print
  std::vector<std::string> tables;  ///< all there are, if empty
  std::size_t networks = 1200;      ///< whose kernels the samplers know, and as many again to compare with
  AutoencoderOptions autoencoder;

  void add_to(CLI::App& kernels);
  void run() const;
};

struct LearnPerceptronsCommand {
  std::string data, out;
  PerceptronOptions perceptron;
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
