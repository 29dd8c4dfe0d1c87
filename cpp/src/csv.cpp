#include "csv.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "latencast/error.h"

namespace latencast {
namespace {

// Ends the reading of a text.
struct QuoteProblem {
  std::size_t line;
  std::string message;
};

// Splits a text into rows of fields.
class Reader {
 public:
  Reader(const std::string& text, const std::string& path) : text_(text), path_(path) {
    constexpr const char* kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.compare(0, 3, kByteOrderMark) == 0) at_ = 3;
  }

  std::size_t line() const { return line_; }

  // The next row, or nothing at the end. A blank line is a row of one empty field.
  bool next(std::vector<std::string>& fields) {
    if (at_ >= text_.size()) return false;
    fields.assign(1, {});
    bool quoted = false;  // whether the field that is being read was
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        if (!fields.back().empty() || quoted)
          fail("a quote inside a field", "fields with quotes to be quoted");
        fields.back() = rest_of_quoted();
        quoted = true;
      } else if (c == ',') {
        fields.emplace_back();
        quoted = false;
      } else if (c == '\n') {
        ++line_;
        return true;
      } else if (c != '\r') {
        if (quoted) fail(std::string("\"") + c + "\" after a quoted field", "a comma or the end of the line");
        fields.back() += c;
      }
    }
    return true;
  }

 private:
  std::string rest_of_quoted() {
    std::string field;
    const std::size_t from = line_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += text_[++at_];
      } else {
        ++at_;
        return field;
      }
    }
    line_ = from;
    fail("a quoted field without an end", "a second quote");
  }

  [[noreturn]] void fail(const std::string& found, const std::string& expected) const {
    throw QuoteProblem{
        line_, path_ + " line " + std::to_string(line_) + ": found " + found + "; expected " + expected};
  }

  const std::string& text_;
  const std::string& path_;
  std::size_t at_ = 0, line_ = 1;
};

}  // namespace

void throw_problem(std::size_t, const std::string& message) { throw Error(ErrorCode::argument, message); }

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
  double value = 0;
  if (!parse_number(text, value))
    throw Error(ErrorCode::argument,
                place(row) + ", column " + header[column] + ": found \"" + text + "\"; expected a number");
  return value;
}

std::string CsvTable::place(std::size_t row) const { return path + " line " + std::to_string(lines[row]); }

CsvTable parse_csv(const std::string& text, const std::string& path, const ReportProblem& report) {
  CsvTable table;
  table.path = path;
  Reader reader(text, path);
  try {
    if (!reader.next(table.header)) report(0, path + ": is empty; expected a header line");
    std::vector<std::string> fields;
    for (std::size_t line = reader.line(); reader.next(fields); line = reader.line()) {
      if (fields.size() == 1 && fields[0].empty()) continue;
      if (fields.size() != table.header.size()) {
        report(line, path + " line " + std::to_string(line) + ": found " + std::to_string(fields.size()) +
                         " fields; expected " + std::to_string(table.header.size()));
        continue;
      }
      table.rows.push_back(std::move(fields));
      table.lines.push_back(line);
    }
  } catch (const QuoteProblem& problem) {
    report(problem.line, problem.message);
  }
  return table;
}

double relative_error(const CsvTable& csv, std::size_t row) {
  const auto found = std::find(csv.header.begin(), csv.header.end(), "relative_error");
  if (found == csv.header.end()) return 0;
  const auto column = static_cast<std::size_t>(found - csv.header.begin());
  if (csv.rows[row][column].empty()) return 0;
  const double error = csv.number(row, column);
  if (!std::isfinite(error) || error < 0)
    throw Error(ErrorCode::measurement, csv.place(row) + ": found a relative error of " +
                                            csv.rows[row][column] +
                                            "; expected a finite number that is not negative");
  return error;
}

bool parse_number(const std::string& text, double& value) {
  const bool begins = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == '.' ||
                                        (text[0] >= '0' && text[0] <= '9'));
  if (!begins) return false;
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size();
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace latencast
