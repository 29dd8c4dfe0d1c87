#include "search_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "data.h"
#include "jobs.h"
#include "pretrained.h"
#include "tasks.h"

namespace latencast {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// What HELP found for each constraint with 10 measurements, as its authors publish it
// (github.com/HayeonLee/HELP, README, table 4, and the cells in data/nasbench201/architecture_config). Its
// latency and accuracy are read off the same tables as ours, of which the published ones are the roundings.
struct Published {
  const char* device;
  double limit_ms;
  Architecture cell;
};
const std::vector<Published>& help() {
  static const std::vector<Published> all = {
      {"titan_rtx_256", 18, "302120"}, {"titan_rtx_256", 21, "320122"}, {"titan_rtx_256", 25, "203123"},
      {"gold_6226", 8, "130121"},      {"gold_6226", 11, "032142"},     {"gold_6226", 14, "303133"},
      {"pixel2", 14, "302120"},        {"pixel2", 18, "203123"},        {"pixel2", 22, "333132"},
      {"eyeriss", 5, "320122"},        {"eyeriss", 7, "203123"},        {"eyeriss", 9, "333133"},
      {"fpga", 4, "032142"},           {"fpga", 5, "203123"},           {"fpga", 6, "333133"}};
  return all;
}

// Latency and accuracy that NASFLAT's paper (arXiv 2403.02446) gives for Pixel 2, CIFAR-100.
struct Point {
  const char* method;
  double latency_ms, accuracy, rounding;
};
constexpr const char* kPointsDevice = "pixel2";
constexpr Point kPoints[] = {{"NASFLAT", 12.2, 65.86, .005}, {"NASFLAT", 14.2, 69.82, .005},
                             {"NASFLAT", 19.8, 71.93, .005}, {"NASFLAT", 25.6, 72.99, .005},
                             {"NASFLAT", 34.0, 73.51, .005}, {"HELP", 13, 67.4, .05},
                             {"HELP", 19, 70.6, .05},        {"HELP", 34, 73.5, .05},
                             {"BRP-NAS", 14, 66.9, .05},     {"BRP-NAS", 34, 73.5, .05}};

// Of this thread alone: the machine may be shared.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

struct Row {
  std::string device, published_as;  // HELP-constraint, HELP-latency, or the method of a point
  double limit_ms;
  double published_latency_ms, published_accuracy;
  double rounding = 0;  // half a unit of the published accuracy's last digit
};

struct Device {
  std::string name;
  std::vector<double> latency_ms;  // per cell, in the space's order
  std::vector<Row> rows;
};

struct Tables {
  LatencyTable latencies;
  std::vector<double> accuracy;  // per cell, in the space's order

  explicit Tables(const std::string& data) {
    const Space& cells = space("nb201");
    const fs::path folder = fs::path(data) / "nb201";
    latencies = read_latency_table((folder / "latency_ms.csv").string(), cells);
    const CsvTable csv = read_csv((folder / "accuracy.csv").string());
    const std::size_t arch = csv.column("arch"), column = csv.column("test_acc_cifar100");
    accuracy.assign(cells.size(), std::nan(""));
    for (std::size_t row = 0; row < csv.rows.size(); ++row)
      accuracy[cells.index(cells.parse(csv.rows[row][arch]))] = csv.number(row, column);
  }

  std::vector<double> latency_of(const std::string& device) const {
    const Space& cells = space("nb201");
    const LatencyTable one = select_devices(latencies, {device});
    std::vector<double> latency(cells.size(), std::nan(""));
    for (std::size_t i = 0; i < one.architectures.size(); ++i)
      latency[cells.index(one.architectures[i])] = one.latency_ms[0][i];
    return latency;
  }
};

std::vector<Device> devices_of(const Tables& tables) {
  const Space& cells = space("nb201");
  std::vector<Device> devices;
  for (const Published& one : help()) {
    if (devices.empty() || devices.back().name != one.device)
      devices.push_back({one.device, tables.latency_of(one.device), {}});
    const std::size_t cell = cells.index(one.cell);
    const double latency_ms = devices.back().latency_ms[cell], accuracy = tables.accuracy[cell];
    devices.back().rows.push_back({one.device, "HELP, same constraint", one.limit_ms, latency_ms, accuracy});
    devices.back().rows.push_back({one.device, "HELP, its true latency", latency_ms, latency_ms, accuracy});
  }
  return devices;
}

// A device of its own, so that the measurements of a campaign serve ten limits at most.
Device device_of_points(const Tables& tables) {
  Device device{kPointsDevice, tables.latency_of(kPointsDevice), {}};
  for (const Point& point : kPoints)
    device.rows.push_back(
        {device.name, point.method, point.latency_ms, point.latency_ms, point.accuracy, point.rounding});
  return device;
}

struct Course {
  std::vector<std::optional<Measurement>> best;  // per row of the device
  std::size_t measurements;
  double seconds;
};

Course run(const Predictor& base, const Device& device, const std::vector<double>& accuracy,
           CampaignOptions options, std::uint64_t seed) {
  const Space& cells = base.space();
  options.limits_ms.clear();
  for (const Row& row : device.rows) options.limits_ms.push_back(row.limit_ms);
  options.transfer.seed = seed;
  std::vector<Architecture> candidates;
  std::vector<double> quality;
  for (std::size_t i = 0; i < accuracy.size(); ++i) {
    if (std::isnan(accuracy[i]) || std::isnan(device.latency_ms[i])) continue;
    candidates.push_back(cells.enumerate()[i]);
    quality.push_back(accuracy[i]);
  }
  const double start = cpu_seconds();
  Campaign campaign(base, std::move(candidates), std::move(quality), options);
  while (campaign.next()) campaign.tell(device.latency_ms[cells.index(*campaign.next())]);
  return {campaign.best(), campaign.measured().size(), cpu_seconds() - start};
}

json line(const Device& device, std::size_t at, const std::vector<double>& accuracy,
          const std::vector<Course>& courses) {
  const Row& row = device.rows[at];
  const Space& cells = space("nb201");
  double possible = 0;
  for (std::size_t i = 0; i < accuracy.size(); ++i)
    if (device.latency_ms[i] <= row.limit_ms) possible = std::max(possible, accuracy[i]);
  std::vector<double> found;
  int met = 0, not_worse = 0;
  std::size_t measurements = 0;
  double seconds = 0;
  for (const Course& course : courses) {
    measurements = std::max(measurements, course.measurements);
    seconds = std::max(seconds, course.seconds);
    if (!course.best[at]) continue;
    ++met;
    found.push_back(accuracy[cells.index(course.best[at]->architecture)]);
    not_worse += found.back() >= row.published_accuracy - row.rounding;
  }
  json result = {{"device", device.name},
                 {"limit_ms", row.limit_ms},
                 {"published", row.published_as},
                 {"published_latency_ms", row.published_latency_ms},
                 {"published_accuracy", row.published_accuracy},
                 {"published_met", row.published_latency_ms <= row.limit_ms},
                 {"accuracy_possible", possible},
                 {"seeds", courses.size()},
                 {"seeds_met", met},
                 {"seeds_not_worse", not_worse},
                 {"measurements", measurements},
                 {"seconds", seconds}};
  if (!found.empty()) result["accuracy"] = mean_and_std(found);
  if (const auto& first = courses.front().best[at]) {
    result["first_seed"] = {{"architecture", first->architecture},
                            {"accuracy", accuracy[cells.index(first->architecture)]},
                            {"latency_ms", first->latency_ms}};
  }
  return result;
}

}  // namespace

json search_table(const SearchTableOptions& options) {
  const Tables tables(options.laboratory.data);
  const auto task =
      std::find_if(all_tasks().begin(), all_tasks().end(), [](const Task& one) { return one.name == "ND"; });
  std::vector<std::string> needed = task->sources;
  needed.insert(needed.end(), task->targets.begin(), task->targets.end());
  const LatencyTable sources = select_devices(complete_table(tables.latencies, needed), task->sources);
  PretrainOptions pretraining = options.pretraining;
  pretraining.space = task->space;
  const Predictor base = pretrained((fs::path(options.laboratory.cache) / "pretrained").string(), task->name,
                                    sources, pretraining, progress_on_stderr(task->name, pretraining.steps));

  std::vector<Device> devices = devices_of(tables);
  devices.push_back(device_of_points(tables));
  const auto seeds = static_cast<std::size_t>(options.seeds);
  std::vector<std::vector<Course>> courses(devices.size(), std::vector<Course>(seeds));
  run_jobs("campaigns", devices.size() * seeds, options.laboratory.threads, [&](std::size_t i) {
    const std::size_t device = i / seeds, seed = i % seeds;
    courses[device][seed] = run(base, devices[device], tables.accuracy, options.campaign, seed);
  });
  json table = json::array();
  for (std::size_t d = 0; d < devices.size(); ++d)
    for (std::size_t row = 0; row < devices[d].rows.size(); ++row)
      table.push_back(line(devices[d], row, tables.accuracy, courses[d]));
  return table;
}

std::string as_markdown(const json& table) {
  std::string text =
      "| device | limit, ms | published: latency, accuracy | found, first seed: latency, accuracy | "
      "accuracy, all seeds | "
      "met | not worse | best there is | measurements | seconds "
      "|\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const json& row : table) {
    const auto number = [](const json& value, const char* format) {
      char shown[32];
      std::snprintf(shown, sizeof shown, format, value.get<double>());
      return std::string(shown);
    };
    const std::string first = row.contains("first_seed")
                                  ? number(row.at("first_seed").at("latency_ms"), "%.2f") + ", " +
                                        number(row.at("first_seed").at("accuracy"), "%.2f")
                                  : "none";
    const std::string all = row.contains("accuracy") ? number(row.at("accuracy").at("mean"), "%.2f") + " ± " +
                                                           number(row.at("accuracy").at("std"), "%.2f")
                                                     : "none";
    const auto of_seeds = [&](const char* key) { return row.at(key).dump() + "/" + row.at("seeds").dump(); };
    text += "| " + row.at("device").get<std::string>() + " | " + number(row.at("limit_ms"), "%.2f") + " | " +
            row.at("published").get<std::string>() + ": " + number(row.at("published_latency_ms"), "%.2f") +
            (row.at("published_met").get<bool>() ? ", " : " (not met), ") +
            number(row.at("published_accuracy"), "%.2f") + " | " + first + " | " + all + " | " +
            of_seeds("seeds_met") + " | " + of_seeds("seeds_not_worse") + " | " +
            number(row.at("accuracy_possible"), "%.2f") + " | " + row.at("measurements").dump() + " | " +
            number(row.at("seconds"), "%.2f") + " |\n";
  }
  return text;
}

}  // namespace latencast
