// Tables in place of a built-in space: how they are read, and that the transfer works on them.
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "csv.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"
#include "latencast/table.h"
#include "linear.h"

using namespace latencast;

namespace {

std::string message_of(const std::string& csv, const TableOptions& options = {}) {
  try {
    read_table(csv, options);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::argument);
    return error.what();
  }
  return "nothing";
}

// Networks of some layers, a width and an activation, on devices that weigh arithmetic, launches and
// activations differently.
struct World {
  std::string csv;
  std::vector<std::vector<double>> latency_ms;  // of four devices; the first three are in the table
};

constexpr int kRows = 300;

World world() {
  World w;
  Rng rng(5);
  const double rates[4][3] = {{1, 0.2, 0.5}, {0.1, 3, 0.1}, {0.5, 1, 2}, {0.05, 0.3, 4}};
  w.csv = "name,layers,width,activation,accuracy,latency_ms:cpu,latency_ms:gpu,latency_ms:npu\n";
  w.latency_ms.resize(4);
  for (int row = 0; row < kRows; ++row) {
    const double layers = double(2 + rng.below(15)), width = 16.0 * double(1 + rng.below(16));
    const std::size_t activation = rng.below(3);
    w.csv += "net " + std::to_string(row) + "," + std::to_string(layers) + "," + std::to_string(width) + "," +
             (activation == 0   ? "relu"
              : activation == 1 ? "\"hard, swish\""
                                : "gelu") +
             "," + std::to_string(60 + layers + 0.05 * width);
    for (std::size_t device = 0; device < 4; ++device) {
      const auto& rate = rates[device];
      const double cost = layers * (1 + rate[0] * width / 64 + rate[1] + rate[2] * double(activation));
      w.latency_ms[device].push_back(cost * std::exp(0.01 * rng.normal()));
      // Half of the second device's are not known.
      if (device < 3)
        w.csv += "," + (device == 1 && row % 2 == 0 ? "" : std::to_string(w.latency_ms[device].back()));
    }
    w.csv += "\n";
  }
  return w;
}

TableOptions with_accuracy() {
  TableOptions options;
  options.qualities = {"accuracy"};
  return options;
}

std::shared_ptr<const TableSpace> own_space() {
  return std::make_shared<const TableSpace>(read_table(world().csv, with_accuracy()));
}

std::vector<Measurement> measured(const std::vector<std::size_t>& rows) {
  const World w = world();
  std::vector<Measurement> measurements;
  for (const std::size_t row : rows)
    measurements.push_back({"net " + std::to_string(row), w.latency_ms[3][row]});
  return measurements;
}

std::vector<std::size_t> some_rows(std::size_t count) { return Rng(3).choose(kRows, count); }

// Spearman's correlation of estimates with the truth over rows that are not measured.
double spearman_of(const TableEstimate& estimate) {
  const World w = world();
  std::set<std::string> known;
  for (const auto& one : estimate.measurements()) known.insert(one.architecture);
  std::vector<double> estimates, truth;
  const auto beliefs = estimate.beliefs();
  for (std::size_t row = 0; row < beliefs.size(); ++row) {
    if (known.count(estimate.space().table().names[row])) continue;
    estimates.push_back(beliefs[row].mean);
    truth.push_back(w.latency_ms[3][row]);
  }
  return spearman(estimates, truth);
}

}  // namespace

TEST_CASE("CSV: whatever a field holds survives being quoted and read", "[table]") {
  Rng rng(9);
  const std::string letters = "ab,\"\n\r ";
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::vector<std::string>> rows;
    std::string text = "first,second,third\n";
    for (int row = 0; row < 4; ++row) {
      rows.emplace_back();
      for (int field = 0; field < 3; ++field) {
        std::string value = "x";
        for (std::size_t i = rng.below(6); i > 0; --i) value += letters[rng.below(letters.size())];
        rows.back().push_back(value);
        text += (field > 0 ? "," : "") + csv_field(value);
      }
      text += trial % 2 == 0 ? "\n" : "\r\n";
    }
    CHECK(parse_csv(text, "f").rows == rows);
  }
}

TEST_CASE("CSV: a byte order mark, blank lines and a missing last line break change nothing", "[table]") {
  const auto plain = parse_csv("a,b\n1,2\n\"3\n\",4\n5,6\n", "f");
  const auto other = parse_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\r\n1,2\r\n\"3\n\",4\n\n5,6",
      "f");
  CHECK(other.header == plain.header);
  CHECK(other.rows == plain.rows);
  CHECK(plain.lines == std::vector<std::size_t>{2, 3, 5});
  CHECK(other.lines == std::vector<std::size_t>{3, 4, 7});
}

TEST_CASE("a table's errors say where, what was found and what was expected", "[table]") {
  TableOptions options;
  options.path = "t.csv";
  const auto says = [&](const std::string& csv, const std::string& expected) {
    CHECK_THAT(message_of(csv, options), ContainsSubstring(expected));
  };
  says("", "t.csv: is empty; expected a header line");
  says("name,a\nx,1\n", "t.csv: found 1 rows; expected a header line and at least 2");
  says("name,a\nx,1\ny\n", "t.csv line 3: found 1 fields; expected 2");
  says("name,a\nx,\"1\ny,2\n", "t.csv line 2: found a quoted field without an end; expected a second quote");
  says("name,a\nx,1\"\ny,2\n", "t.csv line 2: found a quote inside a field");
  says("name,a\nx,\"1\"2\ny,2\n", "t.csv line 2: found \"2\" after a quoted field; expected a comma");
  says("name,a\nx,1\nx,2\n", "t.csv line 3, column name: found the name \"x\" of line 2 again");
  says("name,a\nx,1\n,2\n", "t.csv line 3, column name: found nothing; expected a name");
  says("name,a,a\nx,1,2\ny,2,3\n", "t.csv line 1: found the column \"a\" twice");
  says("name,a\nx,1\ny,1\n", "expected one more that describes the architectures");
  says("name,a,latency_ms:gpu\nx,1,5\ny,2,-3\n",
       "t.csv line 3, column latency_ms:gpu: found -3; expected a finite, positive number or nothing");
  says("name,a,latency_ms:gpu\nx,1,5\ny,2,fast\n",
       "t.csv line 3, column latency_ms:gpu: found \"fast\"; expected a number");
  says("name,a,latency_ms:gpu\nx,1,5\ny,2,\n",
       "column latency_ms:gpu: found 1 latencies; expected at least 2");
  says("name,a\nx,1\ny,2\nz,\n", "t.csv line 4, column a: found nothing; expected a number as in most rows");
  std::string words = "name,a\n";
  for (int i = 0; i < 65; ++i) words += "n" + std::to_string(i) + ",w" + std::to_string(i) + "\n";
  says(words, "column a: found 65 different words");
  options.devices = {"gpu"};
  says("name,a\nx,1\ny,2\n", "found the columns name, a; expected one called gpu");
}

TEST_CASE("a table's columns: names, devices, qualities, the rest described", "[table]") {
  TableOptions options;
  options.devices = {"board"};
  options.qualities = {"top1"};
  options.ignored = {"note"};
  const Table table = read_table(
      "note,id,depth,kind,top1,board,latency_ms:my gpu\n"
      "n,a,1,conv,70,3,\nn,b,2,pool,71,4,5\nm,c,8,skip,,5,6\n",
      options);
  CHECK(table.names == std::vector<std::string>{"a", "b", "c"});
  CHECK(table.devices == std::vector<std::string>{"board", "my gpu"});
  CHECK(std::isnan(table.latency_ms[1][0]));
  CHECK(table.latency_ms[1][2] == 6);
  CHECK(std::isnan(table.quality[0][2]));
  CHECK(table.described == 2 + 3);            // depth, its logarithm, three words
  CHECK(table.features.cols() == 1 + 2 + 3);  // and the board, of which every row is known
  CHECK(table.row("c") == 2);
  CHECK_THROWS_WITH(table.row("d"), ContainsSubstring("found no row called \"d\""));
  const Table unnamed = read_table("a\n1\n3\n");
  CHECK(unnamed.names == std::vector<std::string>{"1", "2"});
}

TEST_CASE("any column can name the rows", "[table]") {
  TableOptions options;
  options.name = "model";
  const Table table = read_table("name,model,a\nx,p,1\ny,q,2\n", options);
  CHECK(table.names == std::vector<std::string>{"p", "q"});
  CHECK(table.columns[0].kind == TableColumn::Kind::words);
  CHECK(table.columns[1].kind == TableColumn::Kind::name);
  options.name = "title";
  CHECK_THAT(message_of("name,a\nx,1\ny,2\n", options), ContainsSubstring("expected one called title"));
}

TEST_CASE("a sketch says how every column is read", "[table]") {
  using Kind = TableColumn::Kind;
  TableOptions options;
  options.devices = {"board"};
  options.qualities = {"top1"};
  options.ignored = {"note"};
  std::string text = "note,id,depth,kind,same,top1,board,latency_ms:gpu,comment\n";
  for (int row = 0; row < 70; ++row) {
    const std::string n = std::to_string(row + 1);
    text += "n,a" + n + "," + n + "," + (row % 2 == 0 ? "conv" : "pool") + ",5," + n + "," + n + "," + n +
            ",comment " + n + "\n";
  }
  const TableSketch sketch = sketch_table(text, options);
  CHECK(sketch.rows == 70);
  std::vector<Kind> kinds;
  for (const auto& column : sketch.columns) kinds.push_back(column.kind);
  CHECK(kinds == std::vector<Kind>{Kind::ignored, Kind::name, Kind::numbers, Kind::words, Kind::constant,
                                   Kind::quality, Kind::device, Kind::device, Kind::unusable});
  CHECK(sketch.columns[2].values.size() == 70);
  CHECK(sketch.columns[2].values.back() == 70);
  CHECK(sketch.columns[3].values.empty());
  CHECK(sketch.columns[3].words.back() == "pool");
  REQUIRE(sketch.problems.size() == 1);
  CHECK_THAT(sketch.problems[0].message, ContainsSubstring("column comment: found 70 different words"));
}

TEST_CASE("a sketch names all problems of a table, by line, and reading it throws one of them", "[table]") {
  const std::string text =
      "name,a,b,latency_ms:gpu\nx,1,3,5\ny,two,4,-3\nz,3\nx,4,5,fast\n,5,6,7\nv,6,7,\nw,7,8,2\n";
  const TableSketch sketch = sketch_table(text);
  std::vector<std::size_t> lines;
  for (const auto& problem : sketch.problems) lines.push_back(problem.line);
  CHECK(lines == std::vector<std::size_t>{3, 3, 4, 5, 5, 6});
  const std::string thrown = message_of(text);
  CHECK(std::any_of(sketch.problems.begin(), sketch.problems.end(),
                    [&](const auto& problem) { return problem.message == thrown; }));
  CHECK(sketch_table("").problems.size() == 1);
  CHECK(sketch_table("name,a\n").problems.size() == 1);
  CHECK(sketch_table("name,a\nx,\"1\ny,2\n").problems.front().line == 2);
  std::string long_one = "name,a\nx,1\ny,2\n";
  for (int i = 0; i < 1000; ++i) long_one += "z\n";
  CHECK(sketch_table(long_one).problems.size() == 100);
}

TEST_CASE("whatever a sketch finds no problem in can be read, and nothing else", "[table]") {
  Rng rng(4);
  const std::vector<std::string> fields = {"1", "2.5", "-3", "1e3", "", "x", "y", "\"", "nan", "1e999"};
  int readable = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text = trial % 2 == 0 ? "name,a,b,latency_ms:d\n" : "a,b\n";
    const std::size_t columns = trial % 2 == 0 ? 4 : 2;
    const std::size_t kinds = trial % 3 == 0 ? fields.size() : 4;
    for (int row = 0, rows = 1 + rng.below(5); row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column)
        text += (column > 0 ? "," : "") +
                (columns == 4 && column == 0 ? "n" + std::to_string(row) : fields[rng.below(kinds)]);
      text += rng.below(20) == 0 ? ",\n" : "\n";
    }
    const bool clean = sketch_table(text).problems.empty();
    CHECK(clean == (message_of(text) == "nothing"));
    readable += clean;
  }
  CHECK(readable > 100);
}

TEST_CASE("features of a table do not change with the unit or the order of its columns", "[table]") {
  const Table one = read_table("name,a,b\nx,1,10\ny,2,70\nz,9,30\n");
  const Table other = read_table("b,a,name\n0.010,1000,x\n0.070,2000,y\n0.030,9000,z\n");
  REQUIRE(one.features.cols() == 4);
  for (const Eigen::Index column : {0, 1, 2, 3})
    CHECK((one.features.col(column) - other.features.col((column + 2) % 4)).norm() < 1e-5);
}

TEST_CASE("measurements of a table are told by its names", "[table]") {
  const Table table = read_table("name,a\nx,1\ny,2\n"), unnamed = read_table("a\n1\n2\n");
  const auto read = read_table_measurements("latency_ms,name\n3,y\n,x\n4,y\n", table);
  REQUIRE(read.size() == 2);
  CHECK(read[0].architecture == "y");
  CHECK(read[1].latency_ms == 4);
  CHECK(read_table_measurements("row,latency_ms\n2,7\n", unnamed)[0].architecture == "2");
  CHECK_THROWS_WITH(read_table_measurements("name,latency_ms\nx,1\nw,7\n", table, "m.csv"),
                    ContainsSubstring("m.csv line 3, column name: found \"w\""));
  CHECK_THROWS_WITH(
      read_table_measurements("name,latency_ms\nx,0\n", table, "m.csv"),
      ContainsSubstring("m.csv line 2, column latency_ms: found 0; expected a finite, positive"));
  CHECK_THROWS_WITH(read_table_measurements("x,latency_ms\nx,1\n", table), ContainsSubstring("called row"));
  const auto stated = read_table_measurements("name,latency_ms,relative_error\nx,1,.02\ny,2,\n", table);
  CHECK(stated[0].relative_error == 0.02);
  CHECK(stated[1].relative_error == 0);
  CHECK_THROWS_WITH(read_table_measurements("name,latency_ms,relative_error\nx,1,-1\n", table, "m.csv"),
                    ContainsSubstring("m.csv line 2: found a relative error of -1; expected"));
}

TEST_CASE("a few measurements and the table's devices tell a new device's latencies", "[table]") {
  const TableEstimate none(own_space(), {}), five(own_space(), measured(some_rows(5))),
      twenty(own_space(), measured(some_rows(20)));
  CHECK(spearman_of(none) > 0.5);
  CHECK(spearman_of(five) > 0.85);
  CHECK(spearman_of(twenty) > 0.98);
  const World w = world();
  const auto beliefs = twenty.beliefs();
  REQUIRE(beliefs.size() == std::size_t(kRows));
  int held = 0;
  for (std::size_t row = 0; row < beliefs.size(); ++row) {
    const auto interval = beliefs[row].interval();
    held += interval.low <= w.latency_ms[3][row] && w.latency_ms[3][row] <= interval.high;
  }
  CHECK(held > 0.8 * kRows);
  const Review said = twenty.review();
  CHECK(said.left_out.size() == 20);
  CHECK(said.doubts.empty());
  CHECK(said.expected_spearman > 0.95);
  CHECK(said.likenesses.size() == 3);
}

TEST_CASE("a table without known devices learns from measurements alone", "[table]") {
  TableOptions options = with_accuracy();
  options.ignored = {"latency_ms:cpu", "latency_ms:gpu", "latency_ms:npu"};
  const auto space = std::make_shared<const TableSpace>(read_table(world().csv, options));
  CHECK(space->table().devices.empty());
  CHECK(spearman_of(TableEstimate(space, measured(some_rows(20)))) > 0.9);
}

TEST_CASE("a slip among measurements of a table is named and set aside, unless it is trusted", "[table]") {
  auto measurements = measured(some_rows(20));
  measurements[7].latency_ms *= 3;
  const auto doubts = TableEstimate(own_space(), measurements).review().doubts;
  REQUIRE(doubts.size() == 1);
  CHECK(doubts[0].measurements == std::vector<std::size_t>{7});
  CHECK(doubts[0].set_aside);
  EstimateOptions options;
  options.trusted = {7};
  const TableEstimate trusting_it(own_space(), measurements, options);
  CHECK_FALSE(trusting_it.posterior().set_aside()[7]);
  options.trusted = {20};
  CHECK_THROWS_WITH(TableEstimate(own_space(), measurements, options),
                    ContainsSubstring("expected below 20"));
}

TEST_CASE("what to measure next are rows that are not measured yet, and measuring them helps", "[table]") {
  const TableEstimate none(own_space(), {});
  const Suggestion first = none.suggest(5);
  CHECK(std::set<std::size_t>(first.chosen.begin(), first.chosen.end()).size() == 5);
  CHECK(first.worth > 0);
  const TableEstimate five(own_space(), measured(first.chosen));
  CHECK(spearman_of(five) > spearman_of(none));
  for (const std::size_t row : five.suggest(50).chosen)
    CHECK(std::find(first.chosen.begin(), first.chosen.end(), row) == first.chosen.end());
  CHECK_THROWS_WITH(five.suggest(kRows), ContainsSubstring("that are not measured yet"));
}

TEST_CASE("the best row within a limit is the best of those that are estimated to be within it", "[table]") {
  const TableEstimate estimate(own_space(), measured(some_rows(20)));
  const auto& table = estimate.space().table();
  const auto beliefs = estimate.beliefs();
  const std::vector<double> limits = {1e-3, 20, 50, 1e9};
  const auto best = estimate.best("accuracy", limits);
  CHECK_FALSE(best[0]);
  for (std::size_t i = 1; i < limits.size(); ++i) {
    REQUIRE(best[i]);
    CHECK(std::exp(beliefs[*best[i]].mean) <= limits[i] * 1.0001);
    for (std::size_t row = 0; row < beliefs.size(); ++row)
      if (std::exp(beliefs[row].mean) <= limits[i] * 0.9999)
        CHECK(table.quality[0][row] <= table.quality[0][*best[i]]);
  }
  const auto front = estimate.front(table.quality[0]);
  REQUIRE(front.size() > 2);
  for (std::size_t i = 1; i < front.size(); ++i) {
    CHECK(beliefs[front[i]].mean > beliefs[front[i - 1]].mean);
    CHECK(table.quality[0][front[i]] > table.quality[0][front[i - 1]]);
  }
  for (std::size_t row = 0; row < beliefs.size(); ++row)
    CHECK(std::any_of(front.begin(), front.end(), [&](std::size_t at) {
      return beliefs[at].mean <= beliefs[row].mean + 1e-9 && table.quality[0][at] >= table.quality[0][row];
    }));
  CHECK(*best.back() == front.back());
  CHECK_THROWS_WITH(estimate.front({1, 2}), ContainsSubstring("found 2 qualities"));
  CHECK(estimate.front(std::vector<double>(kRows, std::nan(""))).empty());
  CHECK_THROWS_WITH(estimate.best("speed", limits),
                    ContainsSubstring("found the quality \"speed\"; expected one of accuracy"));
  CHECK_THROWS_WITH(estimate.best("accuracy", {-1}), ContainsSubstring("expected a finite, positive"));
}

TEST_CASE("an upper triangle keeps all lengths and angles, of dependent columns too", "[table]") {
  Rng rng(2);
  DoubleMatrix a(60, 6);
  for (Eigen::Index i = 0; i < a.size(); ++i) a.data()[i] = rng.normal();
  a.col(2) = a.col(0) - 3 * a.col(1);
  a.col(3).setZero();
  a.col(5) = a.col(4) * (1 + 1e-9);
  const DoubleMatrix upper = upper_triangle(a);
  CHECK((DoubleMatrix(upper.transpose() * upper) - DoubleMatrix(a.transpose() * a)).norm() < 1e-11);
  CHECK(upper.isUpperTriangular(0));
}

TEST_CASE("more measurements than are kept row by row agree with as many that are", "[table]") {
  // 260 are beyond what is kept row by row, 250 are not; the columns depend on each other.
  const TableEstimate many(own_space(), measured(some_rows(260))),
      fewer(own_space(), measured(some_rows(250)));
  const auto some = fewer.beliefs(), more = many.beliefs();
  CHECK(many.review().expected_spearman == Approx(fewer.review().expected_spearman).margin(0.01));
  for (std::size_t row = 0; row < some.size(); ++row) {
    CHECK(std::abs(some[row].mean - more[row].mean) < 0.02);
    CHECK(more[row].spread < 1.2 * some[row].spread);
  }
}
