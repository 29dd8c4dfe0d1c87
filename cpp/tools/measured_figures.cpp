#include "measured_figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "data.h"
#include "jobs.h"
#include "kernels_pool.h"
#include "kernels_target.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"
#include "markdown.h"
#include "measured.h"

namespace latencast {
namespace {

using nlohmann::json;

const std::vector<std::string> kTables = {"measured-platforms", "measured-kernels", "measured-models"};
const std::vector<std::size_t> kSamples = {20, 100, 500, 2000};
constexpr std::size_t kScored = 500;
constexpr std::size_t kModelSamples = 200;  // kernels timed, for whole models
const std::vector<std::size_t> kModels = {0, 5, 10, 20};

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? std::nan("") : sum / double(values.size());
}

std::string shown(double value) { return std::isnan(value) ? "-" : number(value); }

class Writer {
 public:
  explicit Writer(const MeasuredFiguresCommand& command)
      : command_(command),
        measured_(read_measured(command.measured)),
        networks_(measured_.networks),
        pool_(read_pool(command.pool)) {
    for (const MeasuredPlatform& one : measured_.platforms) models_.push_back(networks_.measured_on(one));
  }

  std::string table(const std::string& name) const {
    if (name == kTables[0]) return platforms();
    if (name == kTables[1]) return kernels();
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

  std::string models() const {
    struct Row {
      std::map<std::string, double> within_5, within_10, error;
      double held = 0;
    };
    std::vector<Row> found(measured_.platforms.size());
    run_jobs("platforms", found.size(), command_.threads, [&](std::size_t p) {
      found[p] = Row();
      score(p, found[p]);
    });
    std::vector<std::string> columns = {"sum"};
    for (const std::size_t count : kModels) columns.push_back(std::to_string(count));
    Cells header = {"within 5 % / 10 %", "networks", "a sum"};
    for (const std::size_t count : kModels)
      header.push_back(count == 0 ? "as on other platforms" : "and " + std::to_string(count) + " networks");
    header.push_back("median error, no network");
    header.push_back("90 % interval holds");
    std::vector<Cells> rows;
    std::map<std::string, std::vector<double>> all;
    for (std::size_t p = 0; p < found.size(); ++p) {
      if (models_[p].size() < 40) continue;
      rows.push_back({measured_.platforms[p].entry.id, std::to_string(models_[p].size())});
      for (const std::string& column : columns) {
        rows.back().push_back(number(found[p].within_5[column]) + " / " + number(found[p].within_10[column]));
        all["5 " + column].push_back(found[p].within_5[column]);
        all["10 " + column].push_back(found[p].within_10[column]);
      }
      rows.back().push_back(number(found[p].error["0"]));
      rows.back().push_back(number(found[p].held));
      all["error"].push_back(found[p].error["0"]), all["held"].push_back(found[p].held);
    }
    rows.push_back({"mean", ""});
    for (const std::string& column : columns)
      rows.back().push_back(shown(mean(all["5 " + column])) + " / " + shown(mean(all["10 " + column])));
    rows.back().push_back(shown(mean(all["error"])));
    rows.back().push_back(shown(mean(all["held"])));
    return markdown(header, rows);
  }

  template <class Row>
  void score(std::size_t p, Row& row) const {
    const MeasuredPlatform& one = measured_.platforms[p];
    const auto others = without_chip(pool_, one.entry.chip);
    const std::vector<KernelTiming> timings = usual(one);
    if (timings.size() < kModelSamples || models_[p].size() < 40) return;
    const auto tally = [&](const std::string& column, const std::vector<double>& predicted,
                           const std::vector<double>& truth) {
      row.within_5[column] += within(predicted, truth, 0.05) / command_.seeds;
      row.within_10[column] += within(predicted, truth, 0.10) / command_.seeds;
      row.error[column] += mdape(predicted, truth) / command_.seeds;
    };
    for (int seed = 0; seed < command_.seeds; ++seed) {
      Rng rng(static_cast<std::uint64_t>(seed) * 1000003 + 17);
      std::vector<KernelTiming> known;
      for (const std::size_t i : rng.choose(timings.size(), kModelSamples)) known.push_back(timings[i]);
      const std::vector<std::size_t> order = rng.choose(models_[p].size(), models_[p].size());
      for (const std::size_t count : kModels) {
        std::vector<ModelMeasurement> measured;
        std::vector<double> predicted, truth, summed;
        for (std::size_t i = 0; i < count; ++i) measured.push_back(models_[p][order[i]]);
        const AdaptedPlatform adapted = adapt(others, known, measured);
        // Always scored on the same: those that no column was told.
        for (std::size_t i = kModels.back(); i < order.size(); ++i) {
          const ModelMeasurement& asked = models_[p][order[i]];
          const KernelSum sum = estimate_model(adapted, asked.model);
          predicted.push_back(sum.latency_ms);
          truth.push_back(asked.latency_ms);
          if (count > 0) continue;
          row.held += (sum.low_ms <= truth.back() && truth.back() <= sum.high_ms) /
                      double(command_.seeds * (order.size() - kModels.back()));
          double plain = 0;
          for (const FusedKernel& kernel : asked.model.kernels)
            plain += adapted.estimate({shape_of(kernel)}).front().latency_ms;
          summed.push_back(plain);
        }
        tally(std::to_string(count), predicted, truth);
        if (count == 0) tally("sum", summed, truth);
      }
    }
  }

  const MeasuredFiguresCommand& command_;
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
  command->add_option("--pool", pool, "folder of the pool learnt from them")->capture_default_str();
  command->add_option("--out", out, "document with markers; printed if absent");
  command->add_option("--tables", tables, "which, of all")->delimiter(',')->check(CLI::IsMember(kTables));
  command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void MeasuredFiguresCommand::run() const {
  const Writer writer(*this);
  write_tables(out, tables.empty() ? kTables : tables,
               [&](const std::string& name) { return writer.table(name); });
}

}  // namespace latencast
