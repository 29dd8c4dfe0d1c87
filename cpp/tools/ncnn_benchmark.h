// ncnn's published benchmark of whole models (github.com/Tencent/ncnn, benchmark/README.md, BSD-3-Clause), as
// a folder with benchmark.csv, a row for each reading, and param/, the models.
#pragma once

#include <string>
#include <vector>

#include "latencast/fleet.h"

namespace latencast {

/// Least latency of each model in every run of a board: platforms and models in the order of the table and of
/// their names. Models without a file are left out.
FleetSources read_ncnn_benchmark(const std::string& folder);

/// Models of one family by name: all but 8-bit weights, width and depth the same, e.g. "resnet" for
/// resnet50_int8. strict: also what shares only a backbone, e.g. squeezenet_ssd with squeezenet.
std::string model_family(const std::string& name, bool strict = false);

/// A .param whose first input has no shape in the file, with that shape.
Model read_open_param(const std::string& bytes, const Dims& shape);

}  // namespace latencast
