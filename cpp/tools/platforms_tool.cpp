#include "platforms_tool.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <map>

#include "data.h"
#include "jobs.h"
#include "latencast/error.h"
#include "latencast/rng.h"
#include "markdown.h"
#include "median.h"
#include "ncnn_benchmark.h"

namespace latencast {
namespace {

constexpr std::size_t kLeastModels = 18;  // of a run that is a target
constexpr std::size_t kUsual = 10;        // measured ones

constexpr const char* kBayes = "this";
constexpr const char* kUntold = "this, of a platform of which nothing is told";
constexpr const char* kScale = "one scale factor";
constexpr const char* kNearest = "nearest platform";
constexpr const char* kFlops = "multiply-adds";

// What an estimate is made in.
struct Setting {
  std::string method;
  bool unseen;         // the target model is left out on every platform
  std::string family;  // which measured ones are not allowed: "name", "backbone" or "any"
  std::size_t measured;

  bool is_ours() const { return method == kBayes || method == kUntold; }

  bool operator<(const Setting& other) const {
    return std::tie(method, unseen, family, measured) <
           std::tie(other.method, other.unseen, other.family, other.measured);
  }
};

// Of one run.
struct Errors {
  std::vector<double> relative;
  double held = 0;  // share of the 90 % intervals
};

struct Trials {
  std::map<std::pair<Setting, std::size_t>, Errors> by_run;

  void add(const Setting& setting, std::size_t run, double error, bool held) {
    Errors& errors = by_run[{setting, run}];
    errors.relative.push_back(std::abs(error));
    errors.held += held;
  }
};

double median(std::vector<double> values) {
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : median_of(std::move(values));
}

// Geometric mean of what `measured` take here and on another platform, as far as it measured them.
double log_ratio(const std::vector<double>& here, const std::vector<double>& there,
                 const std::vector<std::size_t>& measured, double& spread) {
  double sum = 0, squares = 0, count = 0;
  for (const std::size_t m : measured) {
    const double ratio = std::log(here[m] / there[m]);
    if (!std::isfinite(ratio)) continue;
    sum += ratio;
    squares += ratio * ratio;
    ++count;
  }
  spread = count < 3 ? std::numeric_limits<double>::infinity() : squares / count - sum * sum / count / count;
  return sum / count;
}

class Benchmark {
 public:
  explicit Benchmark(FleetSources sources) : all_(std::move(sources)) {
    for (const KnownPlatform& one : all_.platforms)
      if (std::find(boards_.begin(), boards_.end(), one.board) == boards_.end()) boards_.push_back(one.board);
  }

  const FleetSources& all() const { return all_; }
  std::size_t boards() const { return boards_.size(); }

  // All but a board and, unless it is the number of models, but a model.
  FleetSources without(std::size_t board, std::size_t model) const {
    FleetSources kept;
    for (std::size_t m = 0; m < all_.models.size(); ++m) {
      if (m == model) continue;
      kept.models.push_back(all_.models[m]);
      kept.decompositions.push_back(all_.decompositions[m]);
    }
    for (std::size_t p = 0; p < all_.platforms.size(); ++p) {
      if (all_.platforms[p].board == boards_[board]) continue;
      kept.platforms.push_back(all_.platforms[p]);
      kept.latency_ms.push_back(all_.latency_ms[p]);
      if (model < all_.models.size())
        kept.latency_ms.back().erase(kept.latency_ms.back().begin() + static_cast<std::ptrdiff_t>(model));
    }
    return kept;
  }

  // Runs of a board with enough models.
  std::vector<std::size_t> targets(std::size_t board) const {
    std::vector<std::size_t> runs;
    for (std::size_t p = 0; p < all_.platforms.size(); ++p)
      if (all_.platforms[p].board == boards_[board] && measured_on(p).size() >= kLeastModels)
        runs.push_back(p);
    return runs;
  }

  std::vector<std::size_t> measured_on(std::size_t run) const {
    std::vector<std::size_t> models;
    for (std::size_t m = 0; m < all_.models.size(); ++m)
      if (std::isfinite(all_.latency_ms[run][m])) models.push_back(m);
    return models;
  }

  std::vector<std::size_t> draw(const Setting& setting, std::size_t run, std::size_t target, int seed) const {
    std::vector<std::size_t> allowed;
    const auto family = [&](std::size_t m) {
      return setting.family == "any" ? all_.models[m].name
                                     : model_family(all_.models[m].name, setting.family == "backbone");
    };
    for (const std::size_t m : measured_on(run))
      if (family(m) != family(target)) allowed.push_back(m);
    Rng rng((static_cast<std::uint64_t>(seed) * 1009 + run) * 1013 + target);
    std::vector<std::size_t> drawn;
    for (const std::size_t i : rng.choose(allowed.size(), std::min(setting.measured, allowed.size())))
      drawn.push_back(allowed[i]);
    return drawn;
  }

  double baseline(const Setting& setting, std::size_t run, std::size_t target,
                  const std::vector<std::size_t>& drawn, std::size_t board) const {
    const auto& here = all_.latency_ms[run];
    if (setting.method == kFlops) {
      std::vector<double> macs;
      for (const Decomposition& one : all_.decompositions) macs.push_back(double(one.macs()));
      double spread = 0;
      return macs[target] * std::exp(log_ratio(here, macs, drawn, spread));
    }
    // What each other platform lets expect, and how well it fits.
    std::vector<double> expected;
    double nearest = 0, least = std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < all_.platforms.size(); ++p) {
      const auto& there = all_.latency_ms[p];
      if (all_.platforms[p].board == boards_[board] || !std::isfinite(there[target])) continue;
      double spread = 0;
      const double log_ms = std::log(there[target]) + log_ratio(here, there, drawn, spread);
      if (!std::isfinite(log_ms)) continue;
      expected.push_back(log_ms);
      if (spread >= least) continue;
      least = spread;
      nearest = log_ms;
    }
    return std::exp(setting.method == kNearest ? nearest : median(expected));
  }

 private:
  FleetSources all_;
  std::vector<std::string> boards_;
};

// What is tried, and with how many seeds: the usual setting with all, those beside it with one.
std::vector<std::pair<Setting, int>> settings(bool unseen, int seeds) {
  std::vector<std::pair<Setting, int>> all = {{{kBayes, unseen, "name", kUsual}, seeds},
                                              {{kBayes, unseen, "name", 5}, 1},
                                              {{kBayes, unseen, "name", 20}, 1},
                                              {{kBayes, unseen, "backbone", kUsual}, 1}};
  if (unseen) {
    all.push_back({{kFlops, true, "name", kUsual}, seeds});
  } else {
    all.push_back({{kBayes, false, "any", kUsual}, 1});
    all.push_back({{kUntold, false, "name", kUsual}, seeds});
    all.push_back({{kScale, false, "name", kUsual}, seeds});
    all.push_back({{kNearest, false, "name", kUsual}, seeds});
  }
  return all;
}

Trials try_board(const Benchmark& benchmark, std::size_t board, std::size_t left_out, int seeds) {
  const auto& all = benchmark.all();
  const bool unseen = left_out < all.models.size();
  const Fleet fleet = Fleet::learn(benchmark.without(board, left_out));
  const std::vector<std::string> processors = fleet.processors();
  Trials trials;
  for (const std::size_t run : benchmark.targets(board)) {
    for (const std::size_t target : benchmark.measured_on(run)) {
      if (unseen && target != left_out) continue;
      const double truth = all.latency_ms[run][target];
      for (const auto& [setting, times] : settings(unseen, seeds)) {
        for (int seed = 0; seed < times; ++seed) {
          const auto drawn = benchmark.draw(setting, run, target, seed);
          if (!setting.is_ours()) {
            trials.add(setting, run, benchmark.baseline(setting, run, target, drawn, board) / truth - 1,
                       false);
            continue;
          }
          std::vector<ModelMeasurement> measured;
          for (const std::size_t m : drawn)
            measured.push_back({all.decompositions[m], all.latency_ms[run][m]});
          AdaptOptions options;
          const KnownPlatform& told = all.platforms[run];
          if (setting.method == kBayes) {
            if (std::find(processors.begin(), processors.end(), told.processor) != processors.end())
              options.processor = told.processor;
            options.threads = told.threads;
          }
          const ModelEstimate estimate = fleet.adapt(measured, options).estimate(all.decompositions[target]);
          trials.add(setting, run, estimate.latency_ms / truth - 1,
                     estimate.low_ms <= truth && truth <= estimate.high_ms);
        }
      }
    }
  }
  return trials;
}

// Median over runs of the median error and of the share within 10 %, the means of these, and the share held.
Cells figures(const Trials& trials, const Setting& setting, const std::function<bool(std::size_t)>& counts) {
  std::vector<double> errors, shares;
  double error = 0, share = 0, held = 0, tried = 0;
  for (const auto& [key, of_run] : trials.by_run) {
    if (key.first < setting || setting < key.first || !counts(key.second)) continue;
    const auto n = double(of_run.relative.size());
    errors.push_back(median(of_run.relative));
    shares.push_back(double(std::count_if(of_run.relative.begin(), of_run.relative.end(),
                                          [](double one) { return one <= 0.1; })) /
                     n);
    error += errors.back();
    share += shares.back();
    held += of_run.held;
    tried += n;
  }
  const auto runs = double(errors.size());
  return {std::to_string(errors.size()),
          number(100 * median(errors), 1) + " %",
          number(100 * error / runs, 1) + " %",
          number(median(shares), 2),
          number(share / runs, 2),
          setting.is_ours() ? number(held / tried) : "-"};
}

std::string table(const std::string& name, const Benchmark& benchmark, const Trials& trials, int seeds) {
  const bool unseen = name == "unseen";
  std::vector<Cells> rows;
  const Cells header = {"runs",     "median error, median run", "mean run", "within 10 %, median run",
                        "mean run", "90 % interval holds"};
  const auto with = [](Cells cells, const Cells& more) {
    cells.insert(cells.end(), more.begin(), more.end());
    return cells;
  };
  const auto every = [](std::size_t) { return true; };
  if (name == "kinds") {
    const Setting usual{kBayes, false, "name", kUsual}, of_graph{kBayes, true, "name", kUsual};
    const auto& platforms = benchmark.all().platforms;
    const std::vector<std::pair<std::string, std::function<bool(std::size_t)>>> kinds = {
        {"CPU, 1 thread", [&](std::size_t p) { return !platforms[p].gpu && platforms[p].threads == 1; }},
        {"CPU, 2 to 8 threads",
         [&](std::size_t p) {
           return !platforms[p].gpu && platforms[p].threads > 1 && platforms[p].threads <= 8;
         }},
        {"CPU, more", [&](std::size_t p) { return !platforms[p].gpu && platforms[p].threads > 8; }},
        {"GPU", [&](std::size_t p) { return platforms[p].gpu; }}};
    for (const auto& [kind, counts] : kinds) {
      rows.push_back(with({kind, "known"}, figures(trials, usual, counts)));
      rows.push_back(with({kind, "never seen"}, figures(trials, of_graph, counts)));
    }
    return markdown(with({"runs on", "target model"}, header), rows);
  }
  for (const auto& [setting, times] : settings(unseen, seeds)) {
    const std::string family = setting.family == "name"       ? "of other names"
                               : setting.family == "backbone" ? "of other backbones"
                                                              : "any others";
    rows.push_back(
        with({setting.method, std::to_string(setting.measured), family}, figures(trials, setting, every)));
  }
  return markdown(with({"method", "measured", "which"}, header), rows);
}

}  // namespace

void PlatformsCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("platforms", "accuracy on platforms left out of the fleet");
  command->add_option("--data", data, "folder of ncnn's benchmark")->required();
  command->add_option("--out", out, "document whose tables are to be replaced");
  command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_flag("--known-only", known_only, "no models that no platform measured: half of the time");
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void PlatformsCommand::run() const {
  if (known_only && !out.empty())
    throw Error(ErrorCode::argument, "--known-only leaves out tables of " + out + ": it can only print");
  const Benchmark benchmark(read_ncnn_benchmark(data));
  const std::size_t models = benchmark.all().models.size(), per_board = models + 1;
  std::vector<Trials> parts(benchmark.boards() * per_board);
  run_jobs("boards and models left out", parts.size(), threads, [&](std::size_t job) {
    if (!benchmark.targets(job / per_board).empty() && (!known_only || job % per_board == models))
      parts[job] = try_board(benchmark, job / per_board, job % per_board, seeds);
  });
  Trials trials;
  for (const Trials& part : parts) {
    for (const auto& [key, errors] : part.by_run) {
      Errors& all = trials.by_run[key];
      all.relative.insert(all.relative.end(), errors.relative.begin(), errors.relative.end());
      all.held += errors.held;
    }
  }
  const auto replace = [&](const std::string& name, const std::string&) {
    return table(name, benchmark, trials, seeds);
  };
  if (out.empty()) {
    for (const char* name : {"known", "unseen", "kinds"})
      if (!known_only || name == std::string("known"))
        std::cout << name << "\n\n" << replace(name, "") << "\n";
    return;
  }
  write_file(out, with_tables(read_file(out), replace));
}

}  // namespace latencast
