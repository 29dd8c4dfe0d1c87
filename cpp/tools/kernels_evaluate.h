// `latencast kernels evaluate`: how good the estimates for a platform are that was measured little.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "evaluate.h"
#include "perceptrons.h"

namespace latencast {

struct KernelsEvaluateCommand {
  EvaluateOptions options;
  std::string models;
  std::string weights = "weights/ncnn.fleet.latencast";  ///< fleet that serves models
  std::string target;                                    ///< CSV of kernel timings, in place of models
  std::string pool = "weights/pool";                     ///< folder of the pool that serves a target
  std::string perceptrons;                               ///< folder of those that serve the method litepred
  PerceptronOptions perceptron = {};
  int seeds = 5;
  bool as_json = false;

  KernelsEvaluateCommand();
  void add_to(CLI::App& kernels);
  void run() const;
  void run_on_kernels() const;
};

}  // namespace latencast
