#include "measured.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <set>

#include "data.h"
#include "families.h"
#include "latencast/error.h"
#include "latencast/export.h"

namespace latencast {
namespace {

double milliseconds(const CsvTable& table, std::size_t row, std::size_t column) {
  return table.rows[row][column].empty() ? std::numeric_limits<double>::quiet_NaN()
                                         : table.number(row, column);
}

// Of one machine.
Measured read_machine(const std::filesystem::path& folder, const std::string& machine) {
  const auto file = [&](const char* name) { return (folder / name).string(); };
  const CsvTable facts = read_csv(file("platforms.csv")), kernels = read_csv(file("kernels.csv")),
                 networks = read_csv(file("networks.csv"));
  const std::vector<KernelShape> shapes = read_shapes(file("kernels.csv"));
  const std::size_t origin = kernels.column("origin");
  Measured all;
  for (const auto& row : networks.rows) all.networks.push_back(row[networks.column("network")]);
  for (std::size_t i = 0; i < facts.rows.size(); ++i) {
    const auto text = [&](const char* column) { return facts.rows[i][facts.column(column)]; };
    MeasuredPlatform one;
    one.machine = machine;
    one.runtime = text("runtime");
    one.entry.id = machine + "-" + text("id");
    one.entry.title = text("title");
    one.entry.chip = machine + "-" + one.runtime;
    one.entry.source = kMeasured;
    one.entry.timed = read_timed(text("kernels"));
    one.family = one.entry.timed == Timed::inside ? runtime_family(one.entry) : text("family");
    one.version = text("version");
    one.precision = text("precision");
    one.threads = static_cast<int>(facts.number(i, facts.column("threads")));
    one.retest_5 = facts.number(i, facts.column("retest_5"));
    one.retest_10 = facts.number(i, facts.column("retest_10"));
    const std::size_t ms = kernels.column(text("id")), network_ms = networks.column(text("id"));
    if (one.entry.timed == Timed::inside) one.entry.id += "-inside";
    for (std::size_t k = 0; k < shapes.size(); ++k) {
      const double latency_ms = milliseconds(kernels, k, ms);
      if (std::isnan(latency_ms)) continue;
      one.timings.push_back({shapes[k], latency_ms});
      one.origins.push_back(kernels.rows[k][origin]);
    }
    for (std::size_t k = 0; k < networks.rows.size(); ++k)
      one.network_ms.push_back(milliseconds(networks, k, network_ms));
    all.platforms.push_back(std::move(one));
  }
  return all;
}

}  // namespace

Measured read_measured(const std::string& folder, Timed timed) {
  std::vector<std::filesystem::path> machines;
  for (const auto& one : std::filesystem::directory_iterator(folder))
    if (one.is_directory()) machines.push_back(one.path());
  std::sort(machines.begin(), machines.end());
  Measured all;
  for (const auto& machine : machines) {
    const auto files = timed == Timed::inside ? machine / "inside" : machine;
    if (!std::filesystem::exists(files / "platforms.csv")) continue;
    Measured one = read_machine(files, machine.filename().string());
    if (!all.platforms.empty() && one.networks != all.networks)
      throw Error(ErrorCode::argument, (files / "networks.csv").string() + ": found " +
                                           std::to_string(one.networks.size()) + " networks; the same " +
                                           std::to_string(all.networks.size()) +
                                           " as of the other machines expected");
    all.networks = one.networks;
    std::move(one.platforms.begin(), one.platforms.end(), std::back_inserter(all.platforms));
  }
  return all;
}

std::vector<PoolPlatform> without_runtime(const std::vector<PoolPlatform>& pool, const Measured& measured,
                                          const std::string& runtime) {
  std::set<std::string> left_out;
  for (const MeasuredPlatform& one : measured.platforms)
    if (one.runtime == runtime) left_out.insert(one.entry.chip);
  std::vector<PoolPlatform> others;
  for (const PoolPlatform& one : pool)
    if (left_out.count(one.entry().chip) == 0) others.push_back(one);
  return others;
}

NetworksInParts::NetworksInParts(const std::vector<std::string>& names) {
  std::map<std::string, std::vector<Layer>> drawn;
  for (NamedNetwork& one : networks_of_families(static_cast<int>(names.size() / families().size())))
    drawn.emplace(std::move(one.name), std::move(one.layers));
  for (const std::string& name : names) {
    const auto found = drawn.find(name);
    if (found == drawn.end())
      throw Error(ErrorCode::argument, "networks.csv: found '" + name + "'; the families' networks expected");
    models_.push_back(read_model(export_onnx(found->second, name)));
  }
}

const std::vector<Decomposition>& NetworksInParts::by(const std::string& family) {
  std::vector<Decomposition>& parts = parts_[family];
  if (parts.empty())
    for (const Model& model : models_) parts.push_back(decompose(model, family));
  return parts;
}

std::vector<ModelMeasurement> NetworksInParts::measured_on(const MeasuredPlatform& platform) {
  const auto& parts = by(platform.family);
  std::vector<ModelMeasurement> all;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!std::isnan(platform.network_ms[i])) all.push_back({parts[i], platform.network_ms[i]});
  return all;
}

}  // namespace latencast
