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
  std::string measured = "weights/measured";  ///< folder of measured platforms
  std::string perceptrons;                    ///< folder of those learnt from it
  PerceptronOptions perceptron;
  int seeds = 2;
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

struct LearnPerceptronsCommand {
  std::string data, measured = "weights/measured", out;
  PerceptronOptions perceptron;
  unsigned threads = 1;

  void add_to(CLI::App& kernels);
  void run() const;
};

}  // namespace latencast
