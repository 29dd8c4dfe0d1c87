// The evaluation tasks: source devices -> target devices.
#pragma once

#include <string>
#include <vector>

namespace latencast {

struct Task {
  std::string name;
  std::string space;
  std::vector<std::string> sources;
  std::vector<std::string> targets;
};

/// Task sets of NASFLAT (arXiv 2403.02446) and its predecessors, less devices whose data is not public; and
/// OD, which is ours.
const std::vector<Task>& all_tasks();

/// Sources of one of these tasks predict other sources of it: what settings were chosen on. A and B: of N4; C
/// and D: of F4; E and F: of ND; G: of NA; H: of FD.
const std::vector<Task>& development_tasks();

/// Devices of one family tell too much of each other to be source and target: chips of one kind, or one chip
/// under other settings.
std::string device_family(const std::string& device);

}  // namespace latencast
