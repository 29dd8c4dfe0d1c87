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

}  // namespace latencast
