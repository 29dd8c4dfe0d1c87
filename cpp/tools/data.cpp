#include "data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include "latencast/error.h"

namespace latencast {
namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',')
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

std::string place(const CsvTable& table, std::size_t row) {
  return table.path + " line " + std::to_string(row + 2);
}

Architecture architecture_at(const CsvTable& table, std::size_t row, std::size_t column, const Space& space) {
  try {
    return space.parse(table.rows[row][column]);
  } catch (const Error& error) {
    throw Error(error.code(), place(table, row) + ": " + error.what());
  }
}

}  // namespace

std::size_t CsvTable::column(const std::string& name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    std::string columns;
    for (const auto& one : header) columns += (columns.empty() ? "" : ", ") + one;
    throw Error(ErrorCode::argument,
                path + ": found the columns " + columns + "; expected one called " + name);
  }
  return static_cast<std::size_t>(found - header.begin());
}

double CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string& text = rows[row][column];
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size())
    throw Error(ErrorCode::argument, place(*this, row) + ", column " + header[column] + ": found \"" + text +
                                         "\"; expected a number");
  return value;
}

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

CsvTable read_csv(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::argument, path + ": cannot be read");
  CsvTable table;
  table.path = path;
  std::string line;
  while (std::getline(file, line)) {
    if (table.header.empty()) {
      constexpr const char* kByteOrderMark = "\xEF\xBB\xBF";
      if (line.compare(0, 3, kByteOrderMark) == 0) line.erase(0, 3);
      table.header = split(line);
      continue;
    }
    auto fields = split(line);
    if (fields.size() == 1 && fields[0].empty()) fields.resize(table.header.size());
    if (fields.size() != table.header.size())
      throw Error(ErrorCode::argument, path + " line " + std::to_string(table.rows.size() + 2) + ": found " +
                                           std::to_string(fields.size()) + " fields; expected " +
                                           std::to_string(table.header.size()));
    table.rows.push_back(std::move(fields));
  }
  if (table.header.empty()) throw Error(ErrorCode::argument, path + ": is empty; expected a header line");
  return table;
}

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

std::vector<Measurement> read_target(const std::string& path, const Space& space) {
  const CsvTable csv = read_csv(path);
  const std::size_t arch = csv.column("arch"), latency = csv.column("latency_ms");
  std::vector<Measurement> target;
  std::map<Architecture, std::vector<double>> readings;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    if (csv.rows[row][latency].empty()) continue;
    const double value = csv.number(row, latency);
    if (!std::isfinite(value) || value <= 0)
      throw Error(ErrorCode::measurement, place(csv, row) + ": found latency " + csv.rows[row][latency] +
                                              " ms; expected a finite, positive number");
    const auto architecture = architecture_at(csv, row, arch, space);
    auto& all = readings[architecture];
    if (all.empty()) target.push_back({architecture, 0});
    all.push_back(value);
  }
  for (auto& one : target) {
    const auto& all = readings[one.architecture];
    for (const double value : all) one.latency_ms += value / double(all.size());
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
