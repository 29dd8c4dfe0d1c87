#include "data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "latencast/error.h"

namespace latencast {
namespace {

Architecture architecture_at(const CsvTable& table, std::size_t row, std::size_t column, const Space& space) {
  try {
    return space.parse(table.rows[row][column]);
  } catch (const Error& error) {
    throw Error(error.code(), table.place(row) + ": " + error.what());
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::argument, path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  const std::string temporary = path + ".part";
  std::ofstream file(temporary, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0)
    throw Error(ErrorCode::argument, path + ": cannot be written");
}

CsvTable read_csv(const std::string& path) { return parse_csv(read_file(path), path); }

LatencyTable read_latency_table(const std::string& path, const Space& space) {
  const CsvTable csv = read_csv(path);
  const std::size_t arch = csv.column("arch");
  LatencyTable table;
  for (std::size_t row = 0; row < csv.rows.size(); ++row)
    table.architectures.push_back(architecture_at(csv, row, arch, space));
  for (std::size_t column = 0; column < csv.header.size(); ++column) {
    if (column == arch || csv.header[column] == "index") continue;
    table.devices.push_back(csv.header[column]);
    table.latency_ms.emplace_back();
    for (std::size_t row = 0; row < csv.rows.size(); ++row)
      table.latency_ms.back().push_back(csv.number(row, column));
  }
  return table;
}

const char* column_of(Quantity quantity) {
  return quantity == Quantity::latency ? "latency_ms" : "energy_mj";
}

std::vector<Measurement> read_target(const std::string& path, const Space& space, Quantity quantity) {
  const CsvTable csv = read_csv(path);
  const std::size_t arch = csv.column("arch"), latency = csv.column(column_of(quantity));
  std::vector<Measurement> target;
  struct Reading {
    double value, error;
  };
  std::map<Architecture, std::vector<Reading>> readings;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    if (csv.rows[row][latency].empty()) continue;
    const double value = csv.number(row, latency);
    if (!std::isfinite(value) || value <= 0)
      throw Error(ErrorCode::measurement, csv.place(row) + ": found " + name_of(quantity) + " " +
                                              csv.rows[row][latency] +
                                              (quantity == Quantity::latency ? " ms" : " mJ") +
                                              "; expected a finite, positive number");
    const auto architecture = architecture_at(csv, row, arch, space);
    auto& all = readings[architecture];
    if (all.empty()) target.push_back({architecture, 0});
    all.push_back({value, relative_error(csv, row)});
  }
  for (auto& one : target) {
    const auto& all = readings[one.architecture];
    double variance = 0;
    for (const auto& [value, error] : all) {
      one.latency_ms += value / double(all.size());
      variance += value * error * value * error;
    }
    one.relative_error = std::sqrt(variance) / (double(all.size()) * one.latency_ms);
  }
  return target;
}

LatencyTable select_devices(const LatencyTable& table, const std::vector<std::string>& devices) {
  LatencyTable selected;
  selected.architectures = table.architectures;
  for (const auto& device : devices) {
    const auto found = std::find(table.devices.begin(), table.devices.end(), device);
    if (found == table.devices.end())
      throw Error(ErrorCode::argument, "device \"" + device + "\" is not in the table of latencies");
    selected.devices.push_back(device);
    selected.latency_ms.push_back(table.latency_ms[static_cast<std::size_t>(found - table.devices.begin())]);
  }
  return selected;
}

LatencyTable select_architectures(const LatencyTable& table, const std::vector<bool>& keep) {
  LatencyTable selected;
  selected.devices = table.devices;
  selected.latency_ms.resize(table.devices.size());
  for (std::size_t i = 0; i < table.architectures.size(); ++i) {
    if (!keep[i]) continue;
    selected.architectures.push_back(table.architectures[i]);
    for (std::size_t d = 0; d < table.devices.size(); ++d)
      selected.latency_ms[d].push_back(table.latency_ms[d][i]);
  }
  return selected;
}

}  // namespace latencast
