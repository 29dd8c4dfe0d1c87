// Rows of a table as features for a closed-form transfer.
//
// A numeric column is a feature as it is, and by its logarithm where it is positive and spans a factor of
// four: costs add up where a column counts layers, and multiply where it is a width. A column with words is a
// feature for each word. A device may weigh each of these anew. A known device that was measured on all rows
// but a few is a feature too, by its log latency: it says more of its own kind than any columns do.
// docs/closed-form.md says what else was tried.
#include "latencast/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "csv.h"
#include "latencast/error.h"
#include "linear.h"
#include "product.h"

namespace latencast {
namespace {

using Index = Eigen::Index;
using Column = std::vector<double>;

constexpr double kWide = 4;             // from here on the logarithm of a column is no line in it
constexpr std::size_t kMostWords = 64;  // distinct ones of a column
constexpr const char* kLatency = "latency_ms:";
constexpr const char* kNames[] = {"name", "arch", "id"};

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string listed(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

// Index of the column of names; the number of columns where there is none. asked: what it is called, or
// empty.
std::size_t name_column(const CsvTable& csv, const std::string& asked = "") {
  if (!asked.empty()) {
    const auto found = std::find(csv.header.begin(), csv.header.end(), asked);
    return static_cast<std::size_t>(found - csv.header.begin());
  }
  for (const char* name : kNames) {
    const auto found = std::find(csv.header.begin(), csv.header.end(), name);
    if (found != csv.header.end()) return static_cast<std::size_t>(found - csv.header.begin());
  }
  return csv.header.size();
}

std::string field_place(const CsvTable& csv, std::size_t row, std::size_t column) {
  return csv.place(row) + ", column " + csv.header[column];
}

// Mean 0 and mean square 1; nothing for a column that never changes.
Column standardised(Column values) {
  double mean = 0, square = 0;
  for (const double value : values) mean += value / double(values.size());
  for (double& value : values) square += (value - mean) * (value - mean) / double(values.size());
  const double spread = std::sqrt(square);
  if (!(spread > 1e-9 * std::max(1.0, std::abs(mean)))) return {};
  for (double& value : values) value = (value - mean) / spread;
  return values;
}

void add(std::vector<Column>& features, const Column& values) {
  Column column = standardised(values);
  if (!column.empty()) features.push_back(std::move(column));
}

void add_numbers(std::vector<Column>& features, const Column& values) {
  add(features, values);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (!(*low > 0) || *high < kWide * *low) return;
  Column logs;
  for (const double value : values) logs.push_back(std::log(value));
  add(features, logs);
}

std::set<std::string> words_of(const CsvTable& csv, std::size_t column) {
  std::set<std::string> words;
  for (const auto& row : csv.rows) words.insert(row[column]);
  return words;
}

void add_words(std::vector<Column>& features, const CsvTable& csv, std::size_t column) {
  const auto words = words_of(csv, column);
  for (const auto& word : words) {
    Column is_it;
    for (const auto& row : csv.rows) is_it.push_back(row[column] == word);
    add(features, is_it);
    if (words.size() == 2) break;  // the other says the same
  }
}

std::string quoted(const std::string& field) { return field.empty() ? "nothing" : "\"" + field + "\""; }

// Numbers of a column; NaN where a field is none.
Column numbers_of(const CsvTable& csv, std::size_t column) {
  Column values(csv.rows.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    double value = 0;
    if (parse_number(csv.rows[row][column], value)) values[row] = value;
  }
  return values;
}

// Reports fields of a column of numbers that are none, or not allowed: of latencies, what is not positive.
// Empty ones are fine.
void check_numbers(const CsvTable& csv, std::size_t column, bool positive, const ReportProblem& report) {
  std::size_t known = 0;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    const std::string& field = csv.rows[row][column];
    double value = 0;
    if (field.empty()) continue;
    ++known;
    if (!parse_number(field, value))
      report(csv.lines[row],
             field_place(csv, row, column) + ": found " + quoted(field) + "; expected a number");
    else if (!std::isfinite(value) || (positive && value <= 0))
      report(csv.lines[row], field_place(csv, row, column) + ": found " + field + "; expected a finite" +
                                 (positive ? ", positive" : "") + " number or nothing");
  }
  if (positive && known < 2)
    report(0, csv.path + ", column " + csv.header[column] + ": found " + std::to_string(known) +
                  " latencies; expected at least 2");
}

// How a column that describes architectures is read: as numbers where most of its fields are some.
TableColumn::Kind described_kind(const CsvTable& csv, std::size_t column, const ReportProblem& report) {
  using Kind = TableColumn::Kind;
  std::vector<std::size_t> odd;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    double value = 0;
    if (!parse_number(csv.rows[row][column], value) || !std::isfinite(value)) odd.push_back(row);
  }
  if (odd.empty()) return standardised(numbers_of(csv, column)).empty() ? Kind::constant : Kind::numbers;
  if (2 * odd.size() < csv.rows.size()) {
    for (const std::size_t row : odd)
      report(csv.lines[row], field_place(csv, row, column) + ": found " + quoted(csv.rows[row][column]) +
                                 "; expected a number as in most rows, or a column to be ignored");
    return Kind::unusable;
  }
  const auto words = words_of(csv, column);
  if (words.size() > kMostWords) {
    report(0, csv.path + ", column " + csv.header[column] + ": found " + std::to_string(words.size()) +
                  " different words, " + quoted(*words.begin()) + " among them; expected numbers, at most " +
                  std::to_string(kMostWords) + " words, or a column to be ignored");
    return Kind::unusable;
  }
  return words.size() > 1 ? Kind::words : Kind::constant;
}

// How each column is read.
std::vector<TableColumn> columns_of(const CsvTable& csv, const TableOptions& options,
                                    const ReportProblem& report) {
  using Kind = TableColumn::Kind;
  const std::vector<std::string> named(options.name.empty() ? 0 : 1, options.name);
  for (const auto* asked : {&named, &options.devices, &options.qualities, &options.ignored})
    for (const auto& name : *asked) {
      try {
        csv.column(name);
      } catch (const Error& error) {
        report(1, error.what());
      }
    }
  const std::size_t of_names = name_column(csv, options.name);
  std::set<std::string> headings;
  std::vector<TableColumn> columns;
  for (std::size_t column = 0; column < csv.header.size(); ++column) {
    const std::string& heading = csv.header[column];
    if (!headings.insert(heading).second)
      report(1, csv.path + " line 1: found the column \"" + heading +
                    "\" twice; expected another heading for each");
    Kind kind = Kind::ignored;
    if (column == of_names) {
      kind = Kind::name;
    } else if (contains(options.ignored, heading)) {
      kind = Kind::ignored;
    } else if (heading.rfind(kLatency, 0) == 0 || contains(options.devices, heading)) {
      kind = Kind::device;
      check_numbers(csv, column, true, report);
    } else if (contains(options.qualities, heading)) {
      kind = Kind::quality;
      check_numbers(csv, column, false, report);
    } else {
      kind = described_kind(csv, column, report);
    }
    columns.push_back({heading, kind});
    if (kind == Kind::numbers || kind == Kind::device || kind == Kind::quality)
      columns.back().values = numbers_of(csv, column);
    if (kind == Kind::words)
      for (const auto& row : csv.rows) columns.back().words.push_back(row[column]);
  }
  const bool described = std::any_of(columns.begin(), columns.end(), [](const TableColumn& one) {
    return one.kind == Kind::numbers || one.kind == Kind::words || one.kind == Kind::unusable;
  });
  if (!described)
    report(0, csv.path + ": found the columns " + listed(csv.header) +
                  "; expected one more that describes the architectures and is not the same for all");
  return columns;
}

void check_rows(const CsvTable& csv, const ReportProblem& report) {
  if (csv.rows.size() < 2)
    report(0, csv.path + ": found " + std::to_string(csv.rows.size()) +
                  " rows; expected a header line and at least 2 architectures");
}

// The name of each row; its number from 1 where there is no column of names.
std::vector<std::string> names_of(const CsvTable& csv, const std::string& asked,
                                  const ReportProblem& report) {
  const std::size_t column = name_column(csv, asked);
  std::vector<std::string> names;
  std::map<std::string, std::size_t> first;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    names.push_back(column < csv.header.size() ? csv.rows[row][column] : std::to_string(row + 1));
    if (names.back().empty()) {
      report(csv.lines[row], field_place(csv, row, column) + ": found nothing; expected a name");
      continue;
    }
    const auto [entry, fresh] = first.try_emplace(names.back(), row);
    if (!fresh)
      report(csv.lines[row], field_place(csv, row, column) + ": found the name \"" + names.back() +
                                 "\" of line " + std::to_string(csv.lines[entry->second]) +
                                 " again; expected another for each row");
  }
  return names;
}

RowMatrix side_by_side(const std::vector<Column>& columns, std::size_t rows) {
  RowMatrix matrix(static_cast<Index>(rows), static_cast<Index>(columns.size()));
  for (Index column = 0; column < matrix.cols(); ++column)
    for (Index row = 0; row < matrix.rows(); ++row)
      matrix(row, column) =
          static_cast<float>(columns[static_cast<std::size_t>(column)][static_cast<std::size_t>(row)]);
  return matrix;
}

// Log latencies of a known device, those of a few missing rows as a ridge on the described features has it;
// nothing where more are missing.
Column nearly_complete_logs(const Column& latency_ms, const RowMatrix& described) {
  constexpr double kFew = 0.05;
  constexpr double kRidge = 3;
  std::vector<Index> known;
  double mean = 0;
  for (std::size_t row = 0; row < latency_ms.size(); ++row)
    if (std::isfinite(latency_ms[row])) {
      known.push_back(static_cast<Index>(row));
      mean += std::log(latency_ms[row]);
    }
  mean /= double(known.size());
  if (double(known.size()) < (1 - kFew) * double(latency_ms.size())) return {};
  const auto n = static_cast<Index>(known.size());
  DoubleMatrix rows(n, described.cols()), target(n, 1), gram, right;
  for (Index i = 0; i < n; ++i) {
    const Index from = known[static_cast<std::size_t>(i)];
    rows.row(i) = described.row(from).cast<double>();
    target(i, 0) = std::log(latency_ms[static_cast<std::size_t>(from)]) - mean;
  }
  set_product(rows.transpose(), rows, gram);
  gram.diagonal().array() += kRidge;
  set_product(rows.transpose(), target, right);
  const DoubleMatrix lower = cholesky(gram);
  const Eigen::VectorXd weights = solve_lower_transposed(lower, solve_lower(lower, right)).col(0);
  Column logs;
  for (std::size_t row = 0; row < latency_ms.size(); ++row)
    logs.push_back(std::isfinite(latency_ms[row])
                       ? std::log(latency_ms[row])
                       : mean + described.row(static_cast<Index>(row)).cast<double>().dot(weights));
  return logs;
}

Prior prior_of(const Table& table) {
  return learn_prior(PriorSources{table.features, table.devices, table.latency_ms}, table.described);
}

RowMatrix psi_of(const TableSpace& space, const std::vector<Measurement>& measurements) {
  RowMatrix psi(static_cast<Index>(measurements.size()), space.psi().cols());
  for (std::size_t i = 0; i < measurements.size(); ++i)
    psi.row(static_cast<Index>(i)) =
        space.psi().row(static_cast<Index>(space.table().row(measurements[i].architecture)));
  return psi;
}

Posterior posterior_of(const TableSpace& space, const std::vector<Measurement>& measurements,
                       const EstimateOptions& options) {
  std::vector<double> latency_ms;
  for (const auto& one : measurements) latency_ms.push_back(one.latency_ms);
  return Posterior(space.prior(), psi_of(space, measurements), latency_ms,
                   posterior_options(measurements, options.trusted));
}

}  // namespace

std::size_t Table::row(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error(ErrorCode::architecture, path + ": found no row called \"" + name +
                                             "\"; expected a name of its " + std::to_string(names.size()) +
                                             " rows, such as \"" + names.front() + "\"");
  return static_cast<std::size_t>(found - names.begin());
}

const char* name_of(TableColumn::Kind kind) {
  using Kind = TableColumn::Kind;
  switch (kind) {
    case Kind::name:
      return "name";
    case Kind::numbers:
      return "numbers";
    case Kind::words:
      return "words";
    case Kind::constant:
      return "constant";
    case Kind::device:
      return "device";
    case Kind::quality:
      return "quality";
    case Kind::ignored:
      return "ignored";
    case Kind::unusable:
      return "unusable";
  }
  throw Error(ErrorCode::internal, "table: a kind of column without a name");
}

TableSketch sketch_table(const std::string& text, const TableOptions& options) {
  constexpr std::size_t kMostProblems = 100;
  TableSketch sketch;
  const ReportProblem report = [&](std::size_t line, const std::string& message) {
    if (sketch.problems.size() < kMostProblems) sketch.problems.push_back({line, message});
  };
  const CsvTable csv = parse_csv(text, options.path, report);
  sketch.rows = csv.rows.size();
  if (csv.header.empty()) return sketch;
  check_rows(csv, report);
  if (csv.rows.empty()) return sketch;
  names_of(csv, options.name, report);
  sketch.columns = columns_of(csv, options, report);
  std::stable_sort(sketch.problems.begin(), sketch.problems.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return sketch;
}

Table read_table(const std::string& text, const TableOptions& options) {
  using Kind = TableColumn::Kind;
  const CsvTable csv = parse_csv(text, options.path);
  check_rows(csv, throw_problem);
  Table table;
  table.path = csv.path;
  table.names = names_of(csv, options.name, throw_problem);
  table.columns = columns_of(csv, options, throw_problem);
  std::vector<Column> described;
  for (std::size_t column = 0; column < csv.header.size(); ++column) {
    const std::string& heading = csv.header[column];
    switch (table.columns[column].kind) {
      case Kind::device: {
        const bool marked = heading.rfind(kLatency, 0) == 0;
        table.devices.push_back(marked ? heading.substr(std::string(kLatency).size()) : heading);
        table.latency_ms.push_back(table.columns[column].values);
        break;
      }
      case Kind::quality:
        table.qualities.push_back(heading);
        table.quality.push_back(table.columns[column].values);
        break;
      case Kind::numbers:
        add_numbers(described, table.columns[column].values);
        break;
      case Kind::words:
        add_words(described, csv, column);
        break;
      case Kind::name:
      case Kind::constant:
      case Kind::ignored:
      case Kind::unusable:
        break;
    }
  }
  std::vector<Column> features;
  const RowMatrix known = side_by_side(described, csv.rows.size());
  for (const Column& latency_ms : table.latency_ms) {
    const Column logs = nearly_complete_logs(latency_ms, known);
    if (!logs.empty()) add(features, logs);
  }
  features.insert(features.end(), described.begin(), described.end());
  table.features = side_by_side(features, csv.rows.size());
  table.described = static_cast<int>(described.size());
  return table;
}

std::vector<Measurement> read_table_measurements(const std::string& text, const Table& table,
                                                 const std::string& path) {
  const CsvTable csv = parse_csv(text, path);
  std::size_t of_names = name_column(csv);
  if (of_names == csv.header.size()) of_names = csv.column("row");
  const std::size_t latency = csv.column("latency_ms");
  std::map<std::string, std::size_t> rows;
  for (std::size_t row = 0; row < table.names.size(); ++row) rows[table.names[row]] = row;
  std::vector<Measurement> measurements;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    const std::string& name = csv.rows[row][of_names];
    if (csv.rows[row][latency].empty()) continue;
    const double value = csv.number(row, latency);
    if (!std::isfinite(value) || value <= 0)
      throw Error(ErrorCode::measurement, field_place(csv, row, latency) + ": found " +
                                              csv.rows[row][latency] +
                                              "; expected a finite, positive number");
    if (!rows.count(name))
      throw Error(ErrorCode::architecture, field_place(csv, row, of_names) + ": found \"" + name +
                                               "\"; expected the name of a row of " + table.path +
                                               ", such as \"" + table.names.front() + "\"");
    measurements.push_back({name, value, relative_error(csv, row)});
  }
  return measurements;
}

TableSpace::TableSpace(Table table)
    : table_(std::move(table)), prior_(prior_of(table_)), psi_(prior_.embed(table_.features)) {}

TableEstimate::TableEstimate(std::shared_ptr<const TableSpace> space, std::vector<Measurement> measurements,
                             const EstimateOptions& options)
    : space_(std::move(space)),
      measurements_(std::move(measurements)),
      posterior_(posterior_of(*space_, measurements_, options)) {}

Review TableEstimate::review() const {
  return latencast::review(posterior_, space_->prior(), measurements_, space_->psi());
}

Suggestion TableEstimate::suggest(std::size_t count) const {
  const RowMatrix& psi = space_->psi();
  return latencast::suggest(
      posterior_, measurements_, space_->table().names,
      [&](const std::vector<std::size_t>& rows) {
        RowMatrix some(static_cast<Index>(rows.size()), psi.cols());
        for (std::size_t i = 0; i < rows.size(); ++i)
          some.row(static_cast<Index>(i)) = psi.row(static_cast<Index>(rows[i]));
        return some;
      },
      count);
}

std::vector<std::size_t> TableEstimate::front(const std::vector<double>& quality) const {
  if (quality.size() != space_->table().names.size())
    throw Error(ErrorCode::argument, "search: found " + std::to_string(quality.size()) +
                                         " qualities; expected one for each of the table's " +
                                         std::to_string(space_->table().names.size()) + " rows");
  const auto log_ms = posterior_.predict_log_ms(space_->psi());
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < quality.size(); ++row)
    if (std::isfinite(quality[row])) rows.push_back(row);
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return std::make_tuple(log_ms[a], -quality[a], a) < std::make_tuple(log_ms[b], -quality[b], b);
  });
  std::vector<std::size_t> front;
  for (const std::size_t row : rows)
    if (front.empty() || quality[row] > quality[front.back()]) front.push_back(row);
  return front;
}

std::vector<std::optional<std::size_t>> TableEstimate::best(const std::string& quality,
                                                            const std::vector<double>& limits_ms) const {
  const Table& table = space_->table();
  const auto found = std::find(table.qualities.begin(), table.qualities.end(), quality);
  if (found == table.qualities.end())
    throw Error(ErrorCode::argument, "search: found the quality \"" + quality + "\"; expected one of " +
                                         (table.qualities.empty() ? "none" : listed(table.qualities)));
  return best(table.quality[static_cast<std::size_t>(found - table.qualities.begin())], limits_ms);
}

std::vector<std::optional<std::size_t>> TableEstimate::best(const std::vector<double>& quality,
                                                            const std::vector<double>& limits_ms) const {
  const auto rows = front(quality);
  const auto log_ms = posterior_.predict_log_ms(space_->psi());
  std::vector<std::optional<std::size_t>> best;
  for (const double limit : limits_ms) {
    if (!std::isfinite(limit) || limit <= 0)
      throw Error(ErrorCode::argument, "search: found the limit " + std::to_string(limit) +
                                           " ms; expected a finite, positive number");
    // Both latency and quality grow along the front.
    std::optional<std::size_t> highest;
    for (const std::size_t row : rows)
      if (std::exp(log_ms[row]) <= limit) highest = row;
    best.push_back(highest);
  }
  return best;
}

}  // namespace latencast
