// A search space of one's own: a table with a row for each architecture, in place of a built-in space, with
// the same transfer in closed form (latencast/posterior.h), intervals, review, choice of what to measure and
// search.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latencast/estimate.h"

namespace latencast {

struct TableOptions {
  std::string path = "table";               ///< what errors call it
  std::string name = "";                    ///< column that names the architectures
  std::vector<std::string> devices = {};    ///< columns with latencies (ms) of known devices, besides those
                                            ///< whose heading is "latency_ms:NAME"
  std::vector<std::string> qualities = {};  ///< columns of what is to be large; not known of a network before
                                            ///< it is trained, so they describe none
  std::vector<std::string> ignored = {};    ///< columns that say nothing of an architecture
};

/// How a column of a table is read.
struct TableColumn {
  enum class Kind {
    name,      ///< names the architectures
    numbers,   ///< describes them
    words,     ///< describes them
    constant,  ///< would describe them, were it not the same for all
    device,    ///< latencies of a known device
    quality,
    ignored,
    unusable  ///< what it holds is neither numbers nor few words
  };
  std::string heading;
  Kind kind = Kind::ignored;
  std::vector<double> values = {};      ///< by row, NaN where not known; none where it holds no numbers
  std::vector<std::string> words = {};  ///< by row; only of words
};

const char* name_of(TableColumn::Kind kind);

/// Rows of a CSV file (RFC 4180). The column TableOptions::name, or else "name", "arch" or "id" (the
/// first of them there is) names each architecture; without one its number does, from 1. Every other column
/// that is no device's, no quality and not ignored describes it, by numbers or by words.
struct Table {
  std::string path;
  std::vector<TableColumn> columns;  ///< as the file has them
  std::vector<std::string> names;    ///< distinct
  std::vector<std::string> devices;
  std::vector<std::vector<double>> latency_ms;  ///< per device and row; NaN where not measured
  std::vector<std::string> qualities;
  std::vector<std::vector<double>> quality;  ///< per column and row; NaN where not known
  RowMatrix features;                        ///< of each row, with mean 0 and mean square 1 each
  int described = 0;  ///< the last so many come from its columns, the others from known devices

  /// The row with that name; throws `architecture` where there is none.
  std::size_t row(const std::string& name) const;
};

/// Throws `argument` saying line, column, what was found and what was expected.
Table read_table(const std::string& csv, const TableOptions& options = {});

/// What read_table() would make of a text, and everything it would refuse.
struct TableSketch {
  struct Problem {
    std::size_t line;  ///< from 1; 0 where it is about the whole table
    std::string message;
  };
  std::size_t rows = 0;
  std::vector<TableColumn> columns;
  std::vector<Problem> problems;  ///< by line; of many the first 100
};

TableSketch sketch_table(const std::string& csv, const TableOptions& options = {});

/// Readings of a device, in the table's names: CSV with the column "name", "arch" or "id" (or, of a table
/// without names, "row") and "latency_ms". Rows without a latency are skipped. Throws `architecture` on a
/// name that the table does not have, `measurement` on a latency that is none.
std::vector<Measurement> read_table_measurements(const std::string& csv, const Table& table,
                                                 const std::string& path = "measurements");

/// A table and what its known devices say of a new one; immutable.
class TableSpace {
 public:
  explicit TableSpace(Table table);

  const Table& table() const { return table_; }
  const Prior& prior() const { return prior_; }
  const RowMatrix& psi() const { return psi_; }  ///< a row for each of the table's

 private:
  Table table_;
  Prior prior_;
  RowMatrix psi_;
};

/// What is believed of one device over a table.
class TableEstimate {
 public:
  /// measurements: Measurement::architecture is a name of the table; any number, several of one row all
  /// count. Throws as estimate() does, and `architecture` on an unknown name.
  TableEstimate(std::shared_ptr<const TableSpace> space, std::vector<Measurement> measurements,
                const EstimateOptions& options = {});

  const TableSpace& space() const { return *space_; }
  const std::vector<Measurement>& measurements() const { return measurements_; }
  const Posterior& posterior() const { return posterior_; }

  /// Of every row.
  std::vector<Belief> beliefs() const { return posterior_.predict(space_->psi()); }

  Review review() const;

  /// Rows to measure next, by their numbers from 0.
  Suggestion suggest(std::size_t count) const;

  /// Rows that no other beats in both estimated latency and quality, fastest first. quality: by row, NaN
  /// where not known, which is never the best; else throws `argument`.
  std::vector<std::size_t> front(const std::vector<double>& quality) const;

  /// Each limit's row of the highest quality whose estimated latency is at most that; nothing where none is.
  /// quality: a column of the table's, else throws `argument`.
  std::vector<std::optional<std::size_t>> best(const std::string& quality,
                                               const std::vector<double>& limits_ms) const;

  /// The same. quality: as front() takes it.
  std::vector<std::optional<std::size_t>> best(const std::vector<double>& quality,
                                               const std::vector<double>& limits_ms) const;

 private:
  std::shared_ptr<const TableSpace> space_;
  std::vector<Measurement> measurements_;
  Posterior posterior_;
};

}  // namespace latencast
