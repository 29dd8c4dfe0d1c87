#include "kernels_figures.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "data.h"
#include "jobs.h"
#include "kernel_data.h"
#include "kernels_pool.h"
#include "kernels_target.h"
#include "latencast/rng.h"
#include "markdown.h"
#include "options.h"

namespace latencast {
namespace {

using nlohmann::json;

const std::vector<std::string> kTables = {"kernel-goals", "kernel-platforms", "kernel-similarity"};

// Of the goals: one platform of each of three instruction sets.
const std::vector<std::string> kGoals = {"miopen-gfx906_60-hip-fp32", "miopen-gfx1030_36-hip-fp32",
                                         "miopen-gfx90a68-hip-fp32"};
constexpr std::size_t kScored = 5000, kScoredOfMany = 500, kFewestOfMany = 1000;

struct Job {
  const TimedPlatform* platform;
  KernelProtocol protocol;
  json figures = {};
};

std::string shown(const json& figure) {
  return figure.at("mean").is_null()
             ? "-"
             : number_with_spread(figure.at("mean").get<double>(), figure.at("std").get<double>());
}

class Writer {
 public:
  explicit Writer(const KernelsFiguresCommand& command)
      : command_(command),
        timed_(read_kernel_data(command.data)),
        pool_(timed_so(read_pool(command.pool), Timed::alone)) {}

  std::string table(const std::string& name) const {
    if (name == kTables[0]) return goals();
    if (name == kTables[1]) return platforms();
    return similarity();
  }

 private:
  void run(std::vector<Job>& jobs) const {
    run_jobs("evaluations", jobs.size(), command_.threads, [&](std::size_t i) {
      jobs[i].figures = evaluate_kernels(without_chip(pool_, jobs[i].platform->entry.chip),
                                         jobs[i].platform->timings, jobs[i].protocol);
    });
  }

  std::string goals() const {
    std::vector<Job> jobs;
    for (const TimedPlatform& one : timed_) {
      if (std::find(kGoals.begin(), kGoals.end(), one.entry.id) == kGoals.end()) continue;
      for (const std::size_t samples : {20, 100, 500, 2000})
        for (const std::string method : {"pool", "alone", "extra-trees"})
          if (method == "pool" || samples == 500)
            jobs.push_back({&one, {method, samples, kScored, command_.seeds}});
    }
    run(jobs);
    std::vector<Cells> rows;
    for (const Job& job : jobs)
      rows.push_back({job.platform->entry.title, std::to_string(job.protocol.samples), job.protocol.method,
                      shown(job.figures.at("mdape")), shown(job.figures.at("within5")),
                      shown(job.figures.at("within10")), shown(job.figures.at("coverage90")),
                      number(job.figures.at("seconds").at("transfer").get<double>(), 1)});
    return markdown({"platform", "timings", "method", "median error", "within 5 %", "within 10 %",
                     "coverage of 90 %", "seconds"},
                    rows);
  }

  std::string platforms() const {
    std::vector<Job> jobs;
    for (const TimedPlatform& one : timed_)
      if (one.timings.size() >= kFewestOfMany)
        for (const std::size_t samples : {20, 100, 500})
          jobs.push_back({&one,
                          {kernel_methods().front(), samples, std::min(kScoredOfMany, one.timings.size() / 2),
                           std::min(command_.seeds, 2)}});
    run(jobs);
    std::vector<Cells> rows;
    for (std::size_t i = 0; i < jobs.size(); i += 3) {
      rows.push_back({jobs[i].platform->entry.id, std::to_string(jobs[i].platform->timings.size())});
      for (const char* figure : {"mdape", "within10"})
        for (std::size_t j = i; j < i + 3; ++j)
          rows.back().push_back(number(jobs[j].figures.at(figure).at("mean").get<double>()));
      const json& nearest = jobs[i + 1].figures.at("nearest");
      rows.back().push_back(nearest.empty() ? "-" : nearest[0].at("platform").get<std::string>());
    }
    return markdown({"platform", "rows", "median error, 20 timings", "100", "500", "within 10 %, 20 timings",
                     "100", "500", "most similar (100)"},
                    rows);
  }

  // What each way to choose one platform costs: its median error on other timings up to one factor for each
  // type, between that of the best choice in hindsight (0) and of a random one (1).
  std::string similarity() const {
    constexpr std::size_t kProbe = 20, kAsked = 300;
    struct Row {
      double ours = 0, loaded = 0, index = 0, divergence = 0, best = 0, random = 0;  // summed over draws
      int draws = 0;
    };
    const auto probes = read_probes(command_.pool);
    std::vector<Row> found(timed_.size());
    run_jobs("similarities", timed_.size(), command_.threads, [&](std::size_t t) {
      const TimedPlatform& one = timed_[t];
      const auto others = without_chip(pool_, one.entry.chip);
      for (int draw = 0; draw < command_.seeds; ++draw) {
        const auto drawn = Rng(t + 1 + 1000 * static_cast<std::uint64_t>(draw))
                               .choose(one.timings.size(), std::min(one.timings.size(), kProbe + kAsked));
        std::vector<KernelTiming> probe, rest;
        for (std::size_t i = 0; i < drawn.size(); ++i)
          (i < kProbe ? probe : rest).push_back(one.timings[drawn[i]]);
        // Those that know all types of the probe: no choice among others would be made.
        std::vector<PoolPlatform> candidates;
        for (const PoolPlatform& other : others)
          if (std::all_of(probe.begin(), probe.end(), [&](const KernelTiming& timing) {
                return other.entry().timings[static_cast<std::size_t>(timing.kernel.type)] > 0;
              }))
            candidates.push_back(other);
        if (candidates.size() < 5) continue;
        std::vector<double> errors(candidates.size());
        for (const Similarity& known : similarities(candidates, rest)) errors[known.platform] = known.error;
        Row& row = found[t];
        row.ours += errors[similarities(candidates, probe).front().platform];
        std::vector<std::size_t> nearest;
        for (const Similarity& likely : PoolIndex(probes, candidates).similarities(probe))
          nearest.push_back(likely.platform);
        row.index += errors[nearest.front()];
        nearest.resize(std::min(nearest.size(), kPlatformsToLoad));
        std::vector<PoolPlatform> loaded;
        for (const std::size_t i : nearest) loaded.push_back(candidates[i]);
        row.loaded += errors[nearest[similarities(loaded, probe).front().platform]];
        row.divergence += errors[similarities_by_divergence(candidates, probe).front().platform];
        row.best += *std::min_element(errors.begin(), errors.end());
        for (const double error : errors) row.random += error / double(errors.size());
        ++row.draws;
      }
    });
    std::map<std::string, std::pair<Row, int>> of_source;
    for (std::size_t t = 0; t < timed_.size(); ++t) {
      if (found[t].draws == 0) continue;
      for (const std::string& source : {timed_[t].entry.source, std::string("all")}) {
        auto& [sum, count] = of_source[source];
        sum.loaded += found[t].loaded / found[t].draws, sum.index += found[t].index / found[t].draws;
        sum.ours += found[t].ours / found[t].draws, sum.divergence += found[t].divergence / found[t].draws;
        sum.best += found[t].best / found[t].draws, sum.random += found[t].random / found[t].draws;
        ++count;
      }
    }
    std::vector<Cells> rows;
    for (const auto& [source, entry] : of_source) {
      const auto& [sum, count] = entry;
      const double gap = std::max(sum.random - sum.best, 1e-9);
      rows.push_back({source, std::to_string(count), number(sum.best / count), number(sum.random / count),
                      number(sum.ours / count), number((sum.ours - sum.best) / gap),
                      number(sum.loaded / count), number((sum.loaded - sum.best) / gap),
                      number(sum.index / count), number((sum.index - sum.best) / gap),
                      number(sum.divergence / count), number((sum.divergence - sum.best) / gap)});
    }
    return markdown({"data", "platforms", "best in hindsight", "random", "by error", "regret",
                     "of the 16 loaded", "regret", "by probes alone", "regret", "by divergence", "regret"},
                    rows);
  }

  const KernelsFiguresCommand& command_;
  std::vector<TimedPlatform> timed_;
  std::vector<PoolPlatform> pool_;
};

}  // namespace

void KernelsFiguresCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("figures", "accuracy on the measured platforms, each chip left out");
  command->add_option("--data", data, "folder of data sets, uncompressed")->required();
  add_options(*command, *this, kTables);
  command->callback([this] { run(); });
}

void KernelsFiguresCommand::run() const {
  const Writer writer(*this);
  write_tables(out, tables, [&](const std::string& name) { return writer.table(name); });
}

}  // namespace latencast
