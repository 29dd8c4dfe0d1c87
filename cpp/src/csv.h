// Comma-separated values (RFC 4180): fields may be quoted, and then hold commas, quotes (doubled) and line
// breaks.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace latencast {

/// Hears of what is wrong with a text: on which line (from 1; 0 for the text as a whole), and all that an
/// error would say of it.
using ReportProblem = std::function<void(std::size_t line, const std::string& message)>;

/// A report that throws the first problem, as `argument`.
void throw_problem(std::size_t line, const std::string& message);

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

/// Reports, naming file and line, rows that have not as many fields as the header, which are left out, and a
/// quote out of place, behind which nothing is read.
CsvTable parse_csv(const std::string& text, const std::string& path,
                   const ReportProblem& report = throw_problem);

/// What a row of measurements states in a column `relative_error`; 0 where there is none or it is empty.
/// Throws `measurement`, naming file and line, unless it is finite and not negative.
double relative_error(const CsvTable& csv, std::size_t row);

/// Whether a text is a number and nothing else; then that number is in `value`.
bool parse_number(const std::string& text, double& value);

/// A field as CSV, quoted where it has to be.
std::string csv_field(const std::string& text);

}  // namespace latencast
