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

// Index of the column of names; the number of columns where there is none.
std::size_t name_column(const CsvTable& csv) {
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

void add_words(std::vector<Column>& features, const CsvTable& csv, std::size_t column) {
  std::set<std::string> words;
  for (const auto& row : csv.rows) words.insert(row[column]);
  if (words.size() > kMostWords)
    throw Error(ErrorCode::argument, csv.path + ", column " + csv.header[column] + ": found " +
                                         std::to_string(words.size()) + " different words, \"" +
                                         *words.begin() + "\" among them; expected numbers, at most " +
                                         std::to_string(kMostWords) + " words, or a column to be ignored");
  for (const auto& word : words) {
    Column is_it;
    for (const auto& row : csv.rows) is_it.push_back(row[column] == word);
    add(features, is_it);
    if (words.size() == 2) break;  // the other says the same
  }
}

// Whether a column holds numbers; else words. Numbers with a few exceptions are neither.
bool is_numeric(const CsvTable& csv, std::size_t column) {
  double value = 0;
  std::size_t count = 0, odd = 0;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    if (parse_number(csv.rows[row][column], value))
      ++count;
    else
      odd = row;
  }
  if (count > csv.rows.size() / 2 && count < csv.rows.size())
    throw Error(ErrorCode::argument,
                field_place(csv, odd, column) + ": found " +
                    (csv.rows[odd][column].empty() ? "nothing" : "\"" + csv.rows[odd][column] + "\"") +
                    "; expected a number as in most rows, or a column to be ignored");
  return count == csv.rows.size();
}

// Numbers of a column, or NaN where a field is empty; `positive` ones alone are allowed for latencies.
Column numbers(const CsvTable& csv, std::size_t column, bool positive) {
  Column values;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    values.push_back(csv.number(row, column));
    if (std::isinf(values.back()) || (positive && values.back() <= 0))
      throw Error(ErrorCode::argument, field_place(csv, row, column) + ": found " + csv.rows[row][column] +
                                           "; expected a finite" + (positive ? ", positive" : "") +
                                           " number or nothing");
  }
  return values;
}

void read_names(const CsvTable& csv, Table& table) {
  const std::size_t column = name_column(csv);
  std::map<std::string, std::size_t> first;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    table.names.push_back(column < csv.header.size() ? csv.rows[row][column] : std::to_string(row + 1));
    if (table.names.back().empty())
      throw Error(ErrorCode::argument, field_place(csv, row, column) + ": found nothing; expected a name");
    const auto [entry, fresh] = first.try_emplace(table.names.back(), row);
    if (!fresh)
      throw Error(ErrorCode::argument,
                  field_place(csv, row, column) + ": found the name \"" + table.names.back() + "\" of line " +
                      std::to_string(csv.lines[entry->second]) + " again; expected another for each row");
  }
}

RowMatrix side_by_side(const std::vector<Column>& columns) {
  RowMatrix matrix(static_cast<Index>(columns.front().size()), static_cast<Index>(columns.size()));
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
                   trusting(options.trusted, measurements.size()));
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

Table read_table(const std::string& text, const TableOptions& options) {
  const CsvTable csv = parse_csv(text, options.path);
  if (csv.rows.size() < 2)
    throw Error(ErrorCode::argument, csv.path + ": found " + std::to_string(csv.rows.size()) +
                                         " rows; expected a header line and at least 2 architectures");
  for (const auto* asked : {&options.devices, &options.qualities, &options.ignored})
    for (const auto& name : *asked) csv.column(name);
  Table table;
  table.path = csv.path;
  read_names(csv, table);
  const std::size_t of_names = name_column(csv);
  std::set<std::string> headings;
  std::vector<Column> described;
  for (std::size_t column = 0; column < csv.header.size(); ++column) {
    const std::string& heading = csv.header[column];
    if (!headings.insert(heading).second)
      throw Error(ErrorCode::argument, csv.path + " line 1: found the column \"" + heading +
                                           "\" twice; expected another heading for each");
    if (column == of_names || contains(options.ignored, heading)) continue;
    const bool marked = heading.rfind(kLatency, 0) == 0;
    if (marked || contains(options.devices, heading)) {
      table.devices.push_back(marked ? heading.substr(std::string(kLatency).size()) : heading);
      table.latency_ms.push_back(numbers(csv, column, true));
      const auto known = std::count_if(table.latency_ms.back().begin(), table.latency_ms.back().end(),
                                       [](double ms) { return std::isfinite(ms); });
      if (known < 2)
        throw Error(ErrorCode::argument, csv.path + ", column " + heading + ": found " +
                                             std::to_string(known) + " latencies; expected at least 2");
    } else if (contains(options.qualities, heading)) {
      table.qualities.push_back(heading);
      table.quality.push_back(numbers(csv, column, false));
    } else if (is_numeric(csv, column)) {
      add_numbers(described, numbers(csv, column, false));
    } else {
      add_words(described, csv, column);
    }
  }
  if (described.empty())
    throw Error(ErrorCode::argument, csv.path + ": found the columns " + listed(csv.header) +
                                         "; expected one more that describes the architectures and is not "
                                         "the same for all");
  std::vector<Column> features;
  const RowMatrix known = side_by_side(described);
  for (const Column& latency_ms : table.latency_ms) {
    const Column logs = nearly_complete_logs(latency_ms, known);
    if (!logs.empty()) add(features, logs);
  }
  features.insert(features.end(), described.begin(), described.end());
  table.features = side_by_side(features);
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
    measurements.push_back({name, value});
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

std::vector<std::optional<std::size_t>> TableEstimate::best(const std::string& quality,
                                                            const std::vector<double>& limits_ms) const {
  const Table& table = space_->table();
  const auto found = std::find(table.qualities.begin(), table.qualities.end(), quality);
  if (found == table.qualities.end())
    throw Error(ErrorCode::argument, "search: found the quality \"" + quality + "\"; expected one of " +
                                         (table.qualities.empty() ? "none" : listed(table.qualities)));
  const Column& values = table.quality[static_cast<std::size_t>(found - table.qualities.begin())];
  const auto log_ms = posterior_.predict_log_ms(space_->psi());
  std::vector<std::optional<std::size_t>> best;
  for (const double limit : limits_ms) {
    if (!std::isfinite(limit) || limit <= 0)
      throw Error(ErrorCode::argument, "search: found the limit " + std::to_string(limit) +
                                           " ms; expected a finite, positive number");
    std::optional<std::size_t> highest;
    for (std::size_t row = 0; row < values.size(); ++row)
      if (std::isfinite(values[row]) && std::exp(log_ms[row]) <= limit &&
          (!highest || values[row] > values[*highest]))
        highest = row;
    best.push_back(highest);
  }
  return best;
}

}  // namespace latencast
