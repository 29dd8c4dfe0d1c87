// A search space of one's own as JavaScript sees it, in a module of its own that is fetched when somebody
// opens a table. Raw types: latencast-tables.d.ts. Names of a table may hold line ends, so that they cross as
// JSON.

#include <limits>
#include <memory>

#include "boundary.h"
#include "latencast/table.h"
#include "options.h"
#include "review.h"

namespace latencast::boundary {
namespace {

TableOptions read_table_options(const std::string& text) {
  TableOptions settings;
  Options options("table", text, "path, name, devices, qualities or ignored");
  options.read("path", settings.path);
  options.read("name", settings.name);
  options.read("devices", settings.devices);
  options.read("qualities", settings.qualities);
  options.read("ignored", settings.ignored);
  options.finish();
  return settings;
}

Json to_json(const std::vector<TableColumn>& columns) {
  Json all = Json::array();
  for (const TableColumn& column : columns)
    all.push_back({{"heading", column.heading}, {"kind", name_of(column.kind)}});
  return all;
}

val live_handles() {
  return envelope([] { return Handle::live(); });
}

val sketch(const std::string& csv, const std::string& settings) {
  return envelope([&] {
    const TableSketch found = sketch_table(csv, read_table_options(settings));
    Json problems = Json::array();
    for (const auto& problem : found.problems)
      problems.push_back({{"line", problem.line}, {"message", problem.message}});
    return dump({{"rows", found.rows}, {"columns", to_json(found.columns)}, {"problems", problems}});
  });
}

/// The names are a JSON array. Throws `measurement` where there are not as many latencies.
std::vector<Measurement> read_measurements(const std::string& names, const val& latencies_array) {
  const Json given = read_json(names);
  const std::vector<double> latencies_ms = copy_in(latencies_array);
  if (!given.is_array() || given.size() != latencies_ms.size())
    throw Error(ErrorCode::measurement, "transfer: found " + std::to_string(latencies_ms.size()) +
                                            " latencies for " + std::to_string(given.size()) +
                                            " names; expected as many of each");
  std::vector<Measurement> measurements;
  for (std::size_t i = 0; i < latencies_ms.size(); ++i)
    measurements.push_back({given[i].get<std::string>(), latencies_ms[i]});
  return measurements;
}

class RawTableEstimate : public Handle {
 public:
  explicit RawTableEstimate(TableEstimate estimate) : estimate_(std::move(estimate)) {}

  val intervals(double coverage) const {
    return envelope([&] { return copy_out(columns_of(estimate_.beliefs(), coverage)); });
  }

  val review() const {
    return envelope([&] { return dump(boundary::to_json(estimate_.review())); });
  }

  val next(int count) const {
    return envelope([&] {
      if (count < 1)
        throw Error(ErrorCode::argument,
                    "next: asked for " + std::to_string(count) + "; expected at least 1");
      const Suggestion suggestion = estimate_.suggest(static_cast<std::size_t>(count));
      return dump({{"rows", suggestion.chosen}, {"worth", suggestion.worth}});
    });
  }

  val search(const val& limits_array, const val& quality_array) const {
    return envelope([&] {
      const std::vector<double> quality = copy_in(quality_array);
      Json best = Json::array();
      for (const auto& row : estimate_.best(quality, copy_in(limits_array)))
        best.push_back(row ? Json(*row) : Json(nullptr));
      return dump({{"best", best}, {"front", estimate_.front(quality)}});
    });
  }

 private:
  TableEstimate estimate_;
};

class RawTable : public Handle {
 public:
  explicit RawTable(Table table) : space_(std::make_shared<const TableSpace>(std::move(table))) {}

  val info() const {
    return envelope([&] {
      const Table& table = space_->table();
      return dump({{"names", table.names},
                   {"columns", to_json(table.columns)},
                   {"devices", table.devices},
                   {"qualities", table.qualities}});
    });
  }

  /// Of the column at a place.
  val values(int column) const {
    return envelope([&] { return copy_out(filled(column, &TableColumn::values, "numbers")); });
  }

  val words(int column) const {
    return envelope([&] { return dump(filled(column, &TableColumn::words, "words")); });
  }

  val estimate(const std::string& names, const val& latencies_array, const std::string& settings) const {
    return envelope([&] {
      EstimateOptions chosen;
      std::vector<Measurement> measurements = read_measurements(names, latencies_array);
      Options options("transfer", settings, "trusted or errors");
      options.read("trusted", chosen.trusted);
      read_errors(options, measurements);
      options.finish();
      return hand_over(new RawTableEstimate(TableEstimate(space_, std::move(measurements), chosen)));
    });
  }

 private:
  /// What the column at a place holds; throws `argument` where that is none of it.
  template <class T>
  const std::vector<T>& filled(int column, std::vector<T> TableColumn::*what, const char* called) const {
    const auto& columns = space_->table().columns;
    const auto at = static_cast<std::size_t>(column);
    if (column < 0 || at >= columns.size() || (columns[at].*what).empty())
      throw Error(ErrorCode::argument, "table: column " + std::to_string(column) + " holds no " + called +
                                           "; expected one that does");
    return columns[at].*what;
  }

  std::shared_ptr<const TableSpace> space_;
};

val open(const std::string& csv, const std::string& settings) {
  return envelope([&] { return hand_over(new RawTable(read_table(csv, read_table_options(settings)))); });
}

}  // namespace

EMSCRIPTEN_BINDINGS(latencast_tables) {
  emscripten::function("_liveHandles", &live_handles);
  emscripten::function("_sketch", &sketch);
  emscripten::function("_open", &boundary::open);

  emscripten::class_<RawTable>("RawTable")
      .function("_info", &RawTable::info)
      .function("_values", &RawTable::values)
      .function("_words", &RawTable::words)
      .function("_estimate", &RawTable::estimate);

  emscripten::class_<RawTableEstimate>("RawTableEstimate")
      .function("_intervals", &RawTableEstimate::intervals)
      .function("_review", &RawTableEstimate::review)
      .function("_next", &RawTableEstimate::next)
      .function("_search", &RawTableEstimate::search);
}

}  // namespace latencast::boundary
