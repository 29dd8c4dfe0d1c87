// Reading the measured data: CSV tables of latencies.
#pragma once

#include <string>
#include <vector>

#include "latencast/pretrain.h"

namespace latencast {

/// A CSV file without quoted fields: a header line, then rows of as many fields.
struct CsvTable {
  std::string path;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< rows[i] is line i + 2

  /// Index of a column; throws `argument` naming file and column if it is not there.
  std::size_t column(const std::string& name) const;

  /// A field as a number; an empty one is NaN. Throws `argument` naming file, line and column otherwise.
  double number(std::size_t row, std::size_t column) const;
};

CsvTable read_csv(const std::string& path);

/// Bytes of a file; throws `argument` if it cannot be read.
std::string read_file(const std::string& path);

/// Writes a file by way of a temporary one beside it, so that a reader never sees half of it.
void write_file(const std::string& path, const std::string& bytes);

/// Table with the columns `arch` and one per device (`index` is ignored).
LatencyTable read_latency_table(const std::string& path, const Space& space);

/// The rows of one target: columns `arch` and `latency_ms`. Several readings of an architecture are averaged.
std::vector<Measurement> read_target(const std::string& path, const Space& space);

/// The table with only these devices (throws `argument` on an unknown one).
LatencyTable select_devices(const LatencyTable& table, const std::vector<std::string>& devices);

/// The table with only the architectures that `keep` marks.
LatencyTable select_architectures(const LatencyTable& table, const std::vector<bool>& keep);

}  // namespace latencast
