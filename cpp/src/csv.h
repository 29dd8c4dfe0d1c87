// Comma-separated values (RFC 4180): fields may be quoted, and then hold commas, quotes (doubled) and line
// breaks.
#pragma once

#include <string>
#include <vector>

namespace latencast {

/// A header line, then rows of as many fields. Blank lines count for nothing, a byte order mark neither.
struct CsvTable {
  std::string path;  ///< what errors call it
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> lines;  ///< where each row begins, from 1

  /// Index of a column; throws `argument` naming file and column if it is not there.
  std::size_t column(const std::string& name) const;

  /// A field as a number; an empty one is NaN. Throws `argument` naming file, line and column otherwise.
  double number(std::size_t row, std::size_t column) const;

  /// "FILE line 7"
  std::string place(std::size_t row) const;
};

/// Throws `argument` naming file and line where rows have not as many fields as the header, or a quote is out
/// of place.
CsvTable parse_csv(const std::string& text, const std::string& path);

/// Whether a text is a number and nothing else; then that number is in `value`.
bool parse_number(const std::string& text, double& value);

/// A field as CSV, quoted where it has to be.
std::string csv_field(const std::string& text);

}  // namespace latencast
