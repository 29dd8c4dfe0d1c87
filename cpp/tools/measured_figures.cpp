#include "measured_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "data.h"
#include "jobs.h"
#include "kernel_choice.h"
#include "kernels_pool.h"
#include "kernels_target.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"
#include "markdown.h"
#include "measured.h"
#include "options.h"

namespace latencast {
namespace {

using nlohmann::json;

const std::vector<std::string> kTables = {"measured-platforms", "measured-kernels", "measured-models",
                                          "inside-platforms",   "inside-kernels",   "inside-models"};
const std::vector<std::size_t> kSamples = {20, 100, 500, 2000};
constexpr std::size_t kScored = 500, kChosen = 200;
constexpr std::size_t kMostTold = 20, kFewestModels = 40;

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? std::nan("") : sum / double(values.size());
}

std::string shown(double value) { return std::isnan(value) ? "-" : number(value); }

class Writer {
 public:
  Writer(const MeasuredFiguresCommand& command, Timed timed)
      : command_(command),
        timed_(timed),
        measured_(read_measured(command.measured, timed)),
        networks_(measured_.networks),
        pool_(timed_so(read_pool(command.pool), timed)) {
    for (const MeasuredPlatform& one : measured_.platforms) models_.push_back(networks_.measured_on(one));
  }

  std::string table(const std::string& name) const {
    if (name == kTables[0] || name == kTables[3]) return platforms();
    if (name == kTables[1] || name == kTables[4]) return kernels();
    return models();
  }

 private:
  std::string platforms() const {
    std::vector<Cells> rows;
    for (std::size_t p = 0; p < measured_.platforms.size(); ++p) {
      const MeasuredPlatform& one = measured_.platforms[p];
      std::array<bool, kKernelTypes> types{};
      for (const KernelTiming& timing : one.timings)
        types[static_cast<std::size_t>(timing.kernel.type)] = true;
      rows.push_back({one.entry.id, one.version, std::to_string(one.timings.size()),
                      std::to_string(std::count(types.begin(), types.end(), true)),
                      std::to_string(models_[p].size()), number(one.retest_5), number(one.retest_10)});
    }
    return markdown({"platform", "version", "kernels", "types", "networks", "retest within 5 %", "10 %"},
                    rows);
  }

  // Of kernels of networks and ranges, not of what was sampled for the sampler's sake.
  static std::vector<KernelTiming> usual(const MeasuredPlatform& one) {
    std::vector<KernelTiming> timings;
    for (std::size_t i = 0; i < one.timings.size(); ++i)
      if (one.origins[i] == "real" || one.origins[i] == "range") timings.push_back(one.timings[i]);
    return timings;
  }

  std::string kernels() const {
    struct Job {
      std::size_t platform, samples;
      json figures = {};
    };
    std::vector<Job> jobs;
    for (std::size_t p = 0; p < measured_.platforms.size(); ++p)
      for (const std::size_t samples : kSamples)
        if (usual(measured_.platforms[p]).size() >= samples + kScored) jobs.push_back({p, samples});
    run_jobs("evaluations", jobs.size(), command_.threads, [&](std::size_t i) {
      const MeasuredPlatform& one = measured_.platforms[jobs[i].platform];
      jobs[i].figures = evaluate_kernels(without_chip(pool_, one.entry.chip), usual(one),
                                         {"pool", jobs[i].samples, kScored, command_.seeds});
    });
    const auto find = [&](std::size_t p, std::size_t samples, const char* figure) {
      for (const Job& job : jobs)
        if (job.platform == p && job.samples == samples)
          return job.figures.at(figure).at("mean").get<double>();
      return std::nan("");
    };
    std::vector<Cells> rows;
    std::map<std::pair<std::string, std::size_t>, std::vector<double>> all;
    std::vector<double> retest_5, retest_10;
    for (std::size_t p = 0; p < measured_.platforms.size(); ++p) {
      const MeasuredPlatform& one = measured_.platforms[p];
      rows.push_back({one.entry.id, number(one.retest_5) + " / " + number(one.retest_10)});
      retest_5.push_back(one.retest_5), retest_10.push_back(one.retest_10);
      for (const std::size_t samples : kSamples) {
        const double five = find(p, samples, "within5"), ten = find(p, samples, "within10");
        rows.back().push_back(std::isnan(five) ? "-" : number(five) + " / " + number(ten));
        if (std::isnan(five)) continue;
        all[{"within5", samples}].push_back(five);
        all[{"within10", samples}].push_back(ten);
      }
    }
    rows.push_back({"mean", number(mean(retest_5)) + " / " + number(mean(retest_10))});
    for (const std::size_t samples : kSamples)
      rows.back().push_back(shown(mean(all[{"within5", samples}])) + " / " +
                            shown(mean(all[{"within10", samples}])));
    return markdown({"within 5 % / 10 %", "retest", "20 timings", "100", "500", "2000"}, rows);
  }

  // One way to adapt: so many kernels, random ones or chosen for networks, and so many networks.
  struct Way {
    std::size_t kernels, networks;
    bool chosen = false, framework_out = false;

    std::string title() const {
      return std::to_string(kernels) + (chosen ? " chosen" : "") + " kernels" +
             (networks > 0 ? ", " + std::to_string(networks) + " networks" : "") +
             (framework_out ? ", framework out" : "");
    }
  };
  std::vector<Way> ways() const {
    std::vector<Way> all = {{200, 0},    {200, 5},     {200, 10},          {200, 20},
                            {many(), 0}, {many(), 20}, {kChosen, 0, true}, {kChosen, 20, true}};
    if (several_machines())
      for (const auto& [kernels, networks] :
           {std::pair<std::size_t, std::size_t>{200, 0}, {200, 20}, {many(), 20}})
        all.push_back({kernels, networks, false, true});
    return all;
  }

  // On one machine a runtime that is out takes its framework with it.
  bool several_machines() const {
    return measured_.platforms.front().machine != measured_.platforms.back().machine;
  }

  // What most platforms have as many timings of.
  std::size_t many() const { return timed_ == Timed::alone ? 2000 : 1000; }

  struct Scores {
    double within_5 = 0, within_10 = 0, error = 0, held = 0;
  };

  std::string models() const {
    std::vector<std::vector<Scores>> found(measured_.platforms.size());
    run_jobs("platforms", found.size(), command_.threads, [&](std::size_t p) { found[p] = score(p); });
    Cells header = {"within 5 % / 10 %", "networks"};
    for (const Way& way : ways()) header.push_back(way.title());
    for (const char* further : {"median error, 200 kernels", "with 20 networks", "90 % interval holds"})
      header.push_back(further);
    std::vector<Cells> rows;
    std::map<std::string, std::vector<Scores>> sums;
    std::map<std::string, double> counts;
    const auto put = [&](const std::string& name, const std::string& networks,
                         const std::vector<Scores>& scores, double over) {
      rows.push_back({name, networks});
      for (const Scores& one : scores)
        rows.back().push_back(number(one.within_5 / over) + " / " + number(one.within_10 / over));
      for (const double value : {scores[0].error, scores[3].error, scores[3].held})
        rows.back().push_back(number(value / over));
    };
    for (std::size_t p = 0; p < found.size(); ++p) {
      if (found[p].empty()) continue;
      put(measured_.platforms[p].entry.id, std::to_string(models_[p].size()), found[p], 1);
      for (const std::string& name : {measured_.platforms[p].machine + ", mean", std::string("mean")}) {
        std::vector<Scores>& sum = sums[name];
        sum.resize(ways().size());
        for (std::size_t w = 0; w < sum.size(); ++w) {
          sum[w].within_5 += found[p][w].within_5, sum[w].within_10 += found[p][w].within_10;
          sum[w].error += found[p][w].error, sum[w].held += found[p][w].held;
        }
        ++counts[name];
      }
    }
    for (const auto& [name, sum] : sums) put(name, "", sum, counts[name]);
    return markdown(header, rows);
  }

  std::vector<Scores> score(std::size_t p) const {
    const MeasuredPlatform& one = measured_.platforms[p];
    const auto without_pair = without_chip(pool_, one.entry.chip),
               without_framework = without_runtime(pool_, measured_, one.runtime);
    const std::vector<KernelTiming> timings = usual(one);
    std::vector<Scores> scores(ways().size());
    if (timings.size() < many() || models_[p].size() < kFewestModels) return {};
    std::vector<KernelShape> candidates;
    for (const KernelTiming& timing : timings) candidates.push_back(timing.kernel);
    const std::vector<std::size_t> chosen =
        choose_kernels(candidates, wanted_of_families(without_pair), kChosen);
    for (int seed = 0; seed < command_.seeds; ++seed) {
      Rng rng(static_cast<std::uint64_t>(seed) * 1000003 + 17);
      const std::vector<std::size_t> drawn = rng.choose(timings.size(), timings.size()),
                                     order = rng.choose(models_[p].size(), models_[p].size());
      for (std::size_t w = 0; w < ways().size(); ++w) {
        const Way way = ways()[w];
        std::vector<KernelTiming> known;
        const std::vector<std::size_t>& order_of_kernels = way.chosen ? chosen : drawn;
        for (std::size_t i = 0; i < std::min(way.kernels, order_of_kernels.size()); ++i)
          known.push_back(timings[order_of_kernels[i]]);
        std::vector<ModelMeasurement> measured;
        for (std::size_t i = 0; i < way.networks; ++i) measured.push_back(models_[p][order[i]]);
        const AdaptedPlatform adapted =
            adapt(way.framework_out ? without_framework : without_pair, known, measured, timed_);
        // Always the same, of which no way was told.
        std::vector<double> predicted, truth;
        double held = 0;
        for (std::size_t i = kMostTold; i < order.size(); ++i) {
          const ModelMeasurement& asked = models_[p][order[i]];
          const KernelSum sum = estimate_model(adapted, asked.model);
          predicted.push_back(sum.latency_ms);
          truth.push_back(asked.latency_ms);
          held += sum.low_ms <= asked.latency_ms && asked.latency_ms <= sum.high_ms;
        }
        const double share = 1.0 / command_.seeds;
        scores[w].within_5 += share * within(predicted, truth, 0.05);
        scores[w].within_10 += share * within(predicted, truth, 0.10);
        scores[w].error += share * mdape(predicted, truth);
        scores[w].held += share * held / double(truth.size());
      }
    }
    return scores;
  }

  const MeasuredFiguresCommand& command_;
  Timed timed_;
  Measured measured_;
  NetworksInParts networks_;
  std::vector<PoolPlatform> pool_;
  std::vector<std::vector<ModelMeasurement>> models_;  // of each platform
};

}  // namespace

void MeasuredFiguresCommand::add_to(CLI::App& kernels) {
  auto* command =
      kernels.add_subcommand("measured", "accuracy on platforms of the profiler, each runtime left out");
  command->add_option("--measured", measured, "folder of what the profiler measured")->capture_default_str();
  seeds = 2;
  add_options(*command, *this, kTables);
  command->callback([this] { run(); });
}

void MeasuredFiguresCommand::run() const {
  std::map<Timed, Writer> writers;
  write_tables(out, tables, [&](const std::string& name) {
    const bool alone = std::find(kTables.begin(), kTables.end(), name) - kTables.begin() < 3;
    const Timed timed = alone ? Timed::alone : Timed::inside;
    return writers.try_emplace(timed, *this, timed).first->second.table(name);
  });
}

}  // namespace latencast
