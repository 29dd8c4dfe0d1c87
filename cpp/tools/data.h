// Reading the measured data: CSV tables of latencies.
#pragma once

#include <string>
#include <vector>

#include "csv.h"
#include "latencast/pretrain.h"

namespace latencast {

/// Throws `argument` where the file cannot be read or is no CSV.
CsvTable read_csv(const std::string& path);

/// Bytes of a file; throws `argument` if it cannot be read.
std::string read_file(const std::string& path);

/// Writes a file by way of a temporary one beside it, so that a reader never sees half of it.
void write_file(const std::string& path, const std::string& bytes);

/// Table with the columns `arch` and one per device (`index` is ignored).
LatencyTable read_latency_table(const std::string& path, const Space& space);

/// The rows of one target: columns `arch` and `latency_ms`, and `relative_error` where there is one. Several
/// readings of an architecture are averaged.
std::vector<Measurement> read_target(const std::string& path, const Space& space,
                                     Quantity quantity = Quantity::latency);

/// Name of the column that holds it: "latency_ms" or "energy_mj".
const char* column_of(Quantity quantity);

/// The table with only these devices (throws `argument` on an unknown one).
LatencyTable select_devices(const LatencyTable& table, const std::vector<std::string>& devices);

/// The table with only the architectures that `keep` marks.
LatencyTable select_architectures(const LatencyTable& table, const std::vector<bool>& keep);

}  // namespace latencast
