#include "fleet_tool.h"

#include <cstdio>
#include <set>

#include "data.h"
#include "latencast/error.h"
#include "ncnn_benchmark.h"

namespace latencast {

void LearnFleetCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("learn-fleet", "what whole models say of many platforms, as a file");
  command->add_option("--data", data, "folder of ncnn's benchmark")->required();
  command->add_option("--out", out, "file to write")->required();
  command->add_option("--without", without, "boards to leave out, by a part of their title")->delimiter(',');
  command->callback([this] { run(); });
}

void LearnFleetCommand::run() const {
  FleetSources sources = read_ncnn_benchmark(data);
  for (const std::string& part : without) {
    std::set<std::string> boards;
    for (const KnownPlatform& one : sources.platforms)
      if (one.title.find(part) != std::string::npos) boards.insert(one.board);
    if (boards.empty())
      throw Error(ErrorCode::argument, "--without: no board of " + data + " is called '" + part + "'");
    for (std::size_t p = sources.platforms.size(); p-- > 0;) {
      if (boards.count(sources.platforms[p].board) == 0) continue;
      sources.platforms.erase(sources.platforms.begin() + static_cast<std::ptrdiff_t>(p));
      sources.latency_ms.erase(sources.latency_ms.begin() + static_cast<std::ptrdiff_t>(p));
    }
  }
  const Fleet fleet = Fleet::learn(sources);
  const std::string bytes = fleet.write();
  write_file(out, bytes);
  std::printf("%s: %zu platforms, %zu models, %zu bytes\n", out.c_str(), fleet.platforms().size(),
              fleet.models().size(), bytes.size());
}

}  // namespace latencast
