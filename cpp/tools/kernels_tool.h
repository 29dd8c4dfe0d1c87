// `latencast kernels`: a model as a runtime executes it, kernel by kernel; `latencast kernels ...`: its
// subcommands.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "fleet_tool.h"
#include "kernels_choose.h"
#include "kernels_evaluate.h"
#include "kernels_export.h"
#include "kernels_figures.h"
#include "kernels_litepred.h"
#include "kernels_pool.h"
#include "kernels_probes.h"
#include "kernels_sample.h"
#include "measured_figures.h"
#include "platforms_tool.h"

namespace latencast {

struct KernelsCommand {
  std::string model, runtime = "none";
  std::vector<std::string> inputs;
  int batch = 1;
  bool as_json = false;
  KernelsEvaluateCommand evaluate;
  PlatformsCommand platforms;
  LearnFleetCommand learn_fleet;
  KernelsLearnCommand learn;
  KernelsIndexCommand index;
  KernelsProbesCommand probes;
  KernelsCoverageCommand coverage;
  KernelsFiguresCommand figures;
  MeasuredFiguresCommand measured;
  KernelsConfigurationsCommand configurations;
  KernelsChooseCommand choose;
  KernelsExportCommand export_kernels;
  KernelsNetworksCommand networks;
  KernelsSampleCommand sample;
  KernelsLitePredCommand litepred;
  LearnPerceptronsCommand learn_perceptrons;

  void add_to(CLI::App& app);
  void run() const;
};

}  // namespace latencast
