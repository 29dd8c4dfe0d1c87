#include "closed_form.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <set>

#include "baselines.h"
#include "data.h"
#include "evaluate.h"
#include "jobs.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/posterior.h"
#include "latencast/prior.h"
#include "latencast/table.h"
#include "markdown.h"
#include "median.h"
#include "tasks.h"

namespace latencast {
namespace {

using Index = Eigen::Index;
using Rows = std::vector<std::size_t>;

RowMatrix rows_at(const RowMatrix& all, const Rows& at) {
  RowMatrix rows(static_cast<Index>(at.size()), all.cols());
  for (std::size_t i = 0; i < at.size(); ++i)
    rows.row(static_cast<Index>(i)) = all.row(static_cast<Index>(at[i]));
  return rows;
}

template <class T>
std::vector<T> values_at(const std::vector<T>& all, const Rows& at) {
  std::vector<T> values;
  for (const std::size_t i : at) values.push_back(all[i]);
  return values;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

double spread_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return values.size() > 1 ? std::sqrt(sum / double(values.size() - 1)) : 0;
}

// Sources, what was learned of them, and targets with all their latencies.
struct Bench {
  std::string name;
  Prior prior;
  RowMatrix psi;
  std::vector<std::string> targets;
  std::vector<std::vector<double>> truth;  // NaN where not measured
};

Bench bench_of(const std::string& name, const Space& in, const LatencyTable& table,
               const std::vector<std::string>& sources, const std::vector<std::string>& targets) {
  const RowMatrix features = features_of(in, table.architectures);
  Prior prior = learn_prior(in, {features, sources, select_devices(table, sources).latency_ms});
  RowMatrix psi = prior.embed(features);
  return {name, std::move(prior), std::move(psi), targets, select_devices(table, targets).latency_ms};
}

// A table of one's own and a device whose latencies it does not have.
struct OwnSpace {
  std::string name;
  std::string csv;  // with a column latency_ms:NAME for each known device
  std::vector<std::string> targets;
  std::vector<std::vector<double>> truth;  // NaN where not measured
  bool same_rows = false;                  // the known devices were measured on the target's rows
};

// Hardware-aware Transformers (Wang et al., arXiv 2005.14187): two processors that ran two and three tasks
// are known, each task as a device of its own; the Raspberry Pi is new. Every file has rows of its own.
OwnSpace transformers(const std::string& folder, const std::string& name,
                      const std::vector<std::string>& summed) {
  constexpr std::size_t kDescribed = 10;
  const std::vector<std::string> known = {"wmt14ende_gpu_titanxp", "wmt14enfr_gpu_titanxp",
                                          "wmt19ende_gpu_titanxp", "wmt14ende_cpu_xeon",
                                          "wmt14enfr_cpu_xeon"};
  OwnSpace own{name, {}, {"wmt14ende_cpu_raspberrypi", "wmt14enfr_cpu_raspberrypi"}, {}, false};
  std::vector<CsvTable> files;
  std::size_t rows = 0;
  for (const auto& devices : {known, own.targets})
    for (const auto& device : devices) {
      files.push_back(read_csv(folder + "/" + device + "_all.csv"));
      rows += files.back().rows.size();
    }
  for (std::size_t column = 0; column < kDescribed; ++column)
    own.csv += (column > 0 ? "," : "") + files.front().header[column];
  for (const auto& device : known) own.csv += ",latency_ms:" + device;
  own.csv += "\n";
  own.truth.assign(own.targets.size(), std::vector<double>(rows, std::nan("")));
  std::size_t at = 0;
  for (std::size_t file = 0; file < files.size(); ++file) {
    const CsvTable& csv = files[file];
    for (std::size_t row = 0; row < csv.rows.size(); ++row, ++at) {
      double latency = 0;
      for (const auto& part : summed) latency += csv.number(row, csv.column("latency_mean_" + part));
      for (std::size_t column = 0; column < kDescribed; ++column)
        own.csv += (column > 0 ? "," : "") + csv.rows[row][column];
      for (std::size_t device = 0; device < known.size(); ++device)
        own.csv += "," + (device == file ? std::to_string(latency) : std::string());
      own.csv += "\n";
      if (file >= known.size()) own.truth[file - known.size()][at] = latency;
    }
  }
  return own;
}

// Accel-NASBench (Ahmad et al., arXiv 2404.08005): EfficientNet-like networks; a ZCU102, GPUs and TPUs are
// known, the VCK190 is new. Throughputs are told as the time an image takes.
OwnSpace accelerators(const std::string& path) {
  const CsvTable csv = read_csv(path);
  OwnSpace own{"Accel-NASBench, VCK190", "id", {"vck190"}, {{}}, true};
  std::vector<std::size_t> described, throughputs;
  for (std::size_t column = 0; column < csv.header.size(); ++column) {
    const std::string& heading = csv.header[column];
    if (heading.rfind("block", 0) != 0 && heading != "macs" && heading != "params") continue;
    described.push_back(column);
    own.csv += "," + heading;
  }
  own.csv += ",latency_ms:zcu102";
  for (const char* device : {"a100", "3090", "tpuv2", "tpuv3"}) {
    throughputs.push_back(csv.column(std::string("throughput_") + device));
    own.csv += std::string(",latency_ms:") + device;
  }
  own.csv += "\n";
  const std::size_t id = csv.column("id"), zcu102 = csv.column("latency_zcu102"),
                    vck190 = csv.column("latency_vck190");
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    own.csv += csv.rows[row][id];
    for (const std::size_t column : described) own.csv += "," + csv.rows[row][column];
    own.csv += "," + csv.rows[row][zcu102];
    for (const std::size_t column : throughputs) {
      const double images = csv.number(row, column);
      own.csv += "," + (std::isfinite(images) ? std::to_string(1000 / images) : std::string());
    }
    own.csv += "\n";
    own.truth[0].push_back(csv.number(row, vck190));
  }
  return own;
}

enum class Choice { random, informative };

Rows choose(const Bench& bench, const Rows& from, std::size_t count, Choice choice, Rng& rng) {
  if (choice == Choice::random) return values_at(from, rng.choose(from.size(), count));
  // Another pool for every seed, so that the choice has a spread.
  constexpr std::size_t kPool = 100;  // as in suggest()
  const Rows pool = values_at(from, rng.choose(from.size(), std::min(kPool, from.size() / 2)));
  const Posterior nothing(bench.prior, RowMatrix(0, bench.psi.cols()), {});
  return values_at(pool, nothing.next(rows_at(bench.psi, pool), count).rows);
}

Rows measured_rows(const std::vector<double>& truth) {
  Rows rows;
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (std::isfinite(truth[i])) rows.push_back(i);
  return rows;
}

Rows without(const Rows& all, Rows some) {
  std::sort(some.begin(), some.end());
  Rows rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
  return rest;
}

struct Figures {
  double spearman = 0, mdape = 0, within5 = 0, within10 = 0;
  double coverage = 0, width = 0;  // of the 90 % intervals; width: (high - low) / median
  double conformal_coverage = 0, conformal_width = 0;
  double expected_spearman = 0;
  double ridge_spearman = 0, ridge_mdape = 0;  // of a table's columns and the same measurements
  double copied_spearman = 0;  // of the known device that ranks the measurements best, where it has all rows
};

Figures score(const Posterior& posterior, const RowMatrix& psi, const std::vector<double>& truth,
              const Rows& scored) {
  const auto beliefs = posterior.predict(rows_at(psi, scored));
  const double reach = normal_reach(0.9);
  Figures figures;
  std::vector<double> predicted, actual, errors;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    const auto interval = beliefs[i].within(reach);
    const double latency = truth[scored[i]], error = std::abs(interval.median / latency - 1);
    predicted.push_back(interval.median);
    actual.push_back(latency);
    errors.push_back(error);
    figures.within5 += error <= 0.05;
    figures.within10 += error <= 0.1;
    figures.coverage += interval.low <= latency && latency <= interval.high;
    figures.width += (interval.high - interval.low) / interval.median;
  }
  for (double* share : {&figures.within5, &figures.within10, &figures.coverage, &figures.width})
    *share /= double(scored.size());
  figures.spearman = spearman(predicted, actual);
  figures.mdape = median_of(errors);
  figures.expected_spearman = posterior.expected_spearman(psi);
  return figures;
}

// Split-conformal intervals (Vovk et al., 2005): half of the measurements predict the other half, whose
// absolute errors in log latency give one width for all.
void add_conformal(const Bench& bench, const std::vector<double>& truth, const Rows& measured,
                   const Rows& scored, Figures& figures) {
  const auto half = static_cast<std::ptrdiff_t>(measured.size() / 2);
  const Rows first(measured.begin(), measured.begin() + half),
      second(measured.begin() + half, measured.end());
  const Posterior posterior(bench.prior, rows_at(bench.psi, first), values_at(truth, first));
  std::vector<double> errors;
  const auto held_back = posterior.predict_log_ms(rows_at(bench.psi, second));
  for (std::size_t i = 0; i < second.size(); ++i)
    errors.push_back(std::abs(held_back[i] - std::log(truth[second[i]])));
  std::sort(errors.begin(), errors.end());
  const auto rank = static_cast<std::size_t>(std::ceil(0.9 * double(errors.size() + 1)));
  const double reach = errors[std::min(rank, errors.size()) - 1];
  figures.conformal_width = std::exp(reach) - std::exp(-reach);
  const auto predicted = posterior.predict_log_ms(rows_at(bench.psi, scored));
  for (std::size_t i = 0; i < scored.size(); ++i)
    figures.conformal_coverage +=
        (std::abs(predicted[i] - std::log(truth[scored[i]])) <= reach) / double(scored.size());
}

// What a ridge on a table's columns and a copy of a known device make of the same measurements.
void add_baselines(const Table& table, bool same_rows, const std::vector<double>& truth, const Rows& measured,
                   const Rows& scored, Figures& figures) {
  const auto described = [&](const Rows& rows) -> Eigen::MatrixXd {
    return rows_at(table.features.rightCols(table.described), rows).cast<double>();
  };
  Eigen::VectorXd log_ms(static_cast<Index>(measured.size()));
  for (Index i = 0; i < log_ms.size(); ++i)
    log_ms[i] = std::log(truth[measured[static_cast<std::size_t>(i)]]);
  const Ridge ridge = fit_ridge(described(measured), log_ms);
  const Eigen::VectorXd estimates = (described(scored) * ridge.weights).array() + ridge.intercept;
  const auto actual = values_at(truth, scored);
  std::vector<double> errors;
  for (std::size_t i = 0; i < scored.size(); ++i)
    errors.push_back(std::abs(std::exp(estimates[static_cast<Index>(i)]) / actual[i] - 1));
  figures.ridge_spearman = spearman({estimates.begin(), estimates.end()}, actual);
  figures.ridge_mdape = median_of(errors);
  if (!same_rows) return;
  double best = -2;
  for (const auto& known : table.latency_ms) {
    const auto likeness = [&](const Rows& rows) {
      Rows both;
      for (const std::size_t row : rows)
        if (std::isfinite(known[row])) both.push_back(row);
      return spearman(values_at(known, both), values_at(truth, both));
    };
    const double on_measured = likeness(measured);
    if (on_measured <= best) continue;
    best = on_measured;
    figures.copied_spearman = likeness(scored);
  }
}

struct Trial {
  std::size_t target;
  std::uint64_t seed;
};

class Tables {
 public:
  Tables(const ClosedFormCommand& command) : command_(command) {}

  std::string table(const std::string& name) {
    if (name == "tasks") return tasks();
    if (name == "intervals") return intervals();
    if (name == "development") return development();
    if (name == "families-nb201" || name == "families-fbnet" || name == "families-ofa")
      return families(name.substr(std::string("families-").size()));
    if (name == "outliers") return outliers();
    if (name == "stated") return stated(all_tasks());
    if (name == "stated-development") return stated(development_tasks());
    if (name == "sequential") return sequential();
    if (name == "datasets") return datasets();
    if (name == "own-space") return own_space();
    throw Error(ErrorCode::argument,
                "closed-form: found table \"" + name +
                    "\"; expected tasks, intervals, development, families-nb201, -fbnet, -ofa, outliers, "
                    "stated, stated-development, sequential, datasets or own-space");
  }

 private:
  const LatencyTable& latencies(const std::string& space_id) {
    const auto [entry, fresh] = latencies_.try_emplace(space_id);
    if (fresh)
      entry->second = read_latency_table(command_.data + "/" + space_id + "/latency_ms.csv", space(space_id));
    return entry->second;
  }

  const Bench& bench(const Task& task) {
    const auto found = benches_.find(task.name);
    if (found != benches_.end()) return found->second;
    std::vector<std::string> devices = task.sources;
    devices.insert(devices.end(), task.targets.begin(), task.targets.end());
    const LatencyTable table = complete_table(latencies(task.space), devices);
    return benches_
        .emplace(task.name, bench_of(task.name, space(task.space), table, task.sources, task.targets))
        .first->second;
  }

  // work(trial) for every target and seed; the results of a seed side by side.
  template <class Result>
  std::vector<std::vector<Result>> each(const Bench& bench,
                                        const std::function<Result(const Trial&)>& work) const {
    const auto seeds = static_cast<std::size_t>(command_.seeds);
    std::vector<std::vector<Result>> results(seeds, std::vector<Result>(bench.targets.size()));
    run_jobs(bench.name, seeds * bench.targets.size(), command_.threads, [&](std::size_t job) {
      const Trial trial{job / seeds, job % seeds};
      results[trial.seed][trial.target] = work(trial);
    });
    return results;
  }

  static Rng rng_of(const Trial& trial) { return Rng(1000 * trial.seed + 17 + trial.target); }

  std::vector<std::vector<Figures>> transfers(const Bench& bench, std::size_t count, Choice choice) const {
    return each<Figures>(bench, [&](const Trial& trial) {
      Rng rng = rng_of(trial);
      const auto& truth = bench.truth[trial.target];
      const Rows all = measured_rows(truth), measured = choose(bench, all, count, choice, rng);
      const Rows scored = without(all, measured);
      const Posterior posterior(bench.prior, rows_at(bench.psi, measured), values_at(truth, measured));
      Figures figures = score(posterior, bench.psi, truth, scored);
      if (count >= 10) add_conformal(bench, truth, measured, scored, figures);
      return figures;
    });
  }

  // Mean over targets of a figure, for each seed.
  static std::vector<double> by_seed(const std::vector<std::vector<Figures>>& results,
                                     double Figures::*figure) {
    std::vector<double> means;
    for (const auto& seed : results) {
      std::vector<double> values;
      for (const Figures& one : seed) values.push_back(one.*figure);
      means.push_back(mean_of(values));
    }
    return means;
  }

  // A figure that knows two thirds of a target's rows, at most 4,000: what this kind of model can reach.
  double ceiling(const Bench& bench, std::size_t target) const {
    const auto& truth = bench.truth[target];
    Rows all = measured_rows(truth);
    Rng rng(5);
    Rows known = values_at(all, rng.choose(all.size(), std::min<std::size_t>(all.size() * 2 / 3, 4000)));
    PosteriorOptions options;
    options.sets_aside = false;
    const Posterior posterior(bench.prior, rows_at(bench.psi, known), values_at(truth, known), options);
    return score(posterior, bench.psi, truth, without(all, known)).spearman;
  }

  double ceiling(const Bench& bench) const {
    std::vector<double> ceilings(bench.targets.size());
    run_jobs(bench.name + " ceilings", ceilings.size(), command_.threads,
             [&](std::size_t target) { ceilings[target] = ceiling(bench, target); });
    return mean_of(ceilings);
  }

  Cells task_row(const Task& task) {
    const Bench& on = bench(task);
    Cells row = {task.name};
    for (const Choice choice : {Choice::random, Choice::informative})
      for (const std::size_t count : {5, 10, 20}) {
        const auto spearmans = by_seed(transfers(on, count, choice), &Figures::spearman);
        row.push_back(number_with_spread(mean_of(spearmans), spread_of(spearmans)));
      }
    row.push_back(number(ceiling(on)));
    return row;
  }

  std::string tasks() {
    std::vector<Cells> rows;
    for (const Task& task : all_tasks()) rows.push_back(task_row(task));
    return markdown(
        {"task", "random, k = 5", "k = 10", "k = 20", "informative, k = 5", "k = 10", "k = 20", "all data"},
        rows);
  }

  std::string development() {
    std::vector<Cells> rows;
    for (const Task& task : development_tasks()) rows.push_back(task_row(task));
    return markdown(
        {"task", "random, k = 5", "k = 10", "k = 20", "informative, k = 5", "k = 10", "k = 20", "all data"},
        rows);
  }

  std::string intervals() {
    std::vector<Cells> rows;
    std::vector<std::vector<double>> all;
    for (const Task& task : all_tasks()) {
      const auto results = transfers(bench(task), 20, Choice::random);
      Cells row = {task.name};
      std::vector<double> means;
      for (const auto figure : {&Figures::mdape, &Figures::within5, &Figures::within10, &Figures::coverage,
                                &Figures::width, &Figures::conformal_coverage, &Figures::conformal_width,
                                &Figures::expected_spearman, &Figures::spearman}) {
        means.push_back(mean_of(by_seed(results, figure)));
        row.push_back(number(means.back()));
      }
      rows.push_back(row);
      all.push_back(means);
    }
    Cells mean = {"**mean**"};
    for (std::size_t column = 0; column < all.front().size(); ++column) {
      std::vector<double> values;
      for (const auto& row : all) values.push_back(row[column]);
      mean.push_back(number(mean_of(values)));
    }
    rows.push_back(mean);
    return markdown({"task, k = 20", "median error", "within 5 %", "within 10 %", "90 % interval holds",
                     "its width", "split conformal holds", "its width", "Spearman expected", "Spearman"},
                    rows);
  }

  std::string families(const std::string& space_id) {
    const LatencyTable& table = latencies(space_id);
    std::map<std::string, std::vector<std::string>> members;
    for (const auto& device : table.devices) members[device_family(device)].push_back(device);
    std::vector<Cells> rows;
    std::vector<double> spearmans, shares, errors, within;
    for (const auto& [family, devices] : members) {
      std::vector<std::string> sources;
      for (const auto& device : table.devices)
        if (device_family(device) != family) sources.push_back(device);
      const Bench on = bench_of(space_id + " without " + family, space(space_id), table, sources, devices);
      const auto random = transfers(on, 20, Choice::random), chosen = transfers(on, 20, Choice::informative);
      for (std::size_t d = 0; d < devices.size(); ++d) {
        const auto mean = [&](const auto& results, double Figures::*figure) {
          std::vector<double> values;
          for (const auto& seed : results) values.push_back(seed[d].*figure);
          return mean_of(values);
        };
        const double most = ceiling(on, d), reached = mean(chosen, &Figures::spearman);
        rows.push_back({devices[d], number(mean(random, &Figures::spearman)), number(reached), number(most),
                        number(reached / most), number(100 * mean(chosen, &Figures::mdape), 1) + " %",
                        number(mean(chosen, &Figures::within10))});
        spearmans.push_back(reached);
        shares.push_back(reached / most);
        errors.push_back(mean(chosen, &Figures::mdape));
        within.push_back(mean(chosen, &Figures::within10));
      }
    }
    const auto lowest = [](const std::vector<double>& values) {
      return *std::min_element(values.begin(), values.end());
    };
    rows.push_back({"**mean**", "", number(mean_of(spearmans)), "", number(mean_of(shares)),
                    number(100 * mean_of(errors), 1) + " %", number(mean_of(within))});
    rows.push_back({"**worst**", "", number(lowest(spearmans)), "", number(lowest(shares)),
                    number(100 * *std::max_element(errors.begin(), errors.end()), 1) + " %",
                    number(lowest(within))});
    return markdown({"device, its family unseen, k = 20", "random", "informative", "all data",
                     "informative / all data", "median error", "within 10 %"},
                    rows);
  }

  struct Slips {
    double clean = 0, slipped = 0, both = 0, false_alarms = 0;
  };

  // Two of twenty readings three times too long.
  std::string outliers() {
    std::vector<Cells> rows;
    std::vector<double> falls, named, alarms;
    for (const Task& task : all_tasks()) {
      const Bench& on = bench(task);
      const auto results = each<Slips>(on, [&](const Trial& trial) {
        Rng rng = rng_of(trial);
        const auto& truth = on.truth[trial.target];
        const Rows all = measured_rows(truth), measured = choose(on, all, 20, Choice::random, rng);
        const Rows scored = without(all, measured);
        auto latency = values_at(truth, measured);
        const RowMatrix psi = rows_at(on.psi, measured);
        const Posterior clean(on.prior, psi, latency);
        const Rows slips = rng.choose(latency.size(), 2);
        for (const std::size_t i : slips) latency[i] *= 3;
        const Posterior slipped(on.prior, psi, latency);
        Slips found;
        found.clean = score(clean, on.psi, truth, scored).spearman;
        found.slipped = score(slipped, on.psi, truth, scored).spearman;
        found.both = slipped.set_aside()[slips[0]] && slipped.set_aside()[slips[1]];
        found.false_alarms =
            double(std::count(clean.set_aside().begin(), clean.set_aside().end(), true)) / 20;
        return found;
      });
      std::vector<double> clean, slipped, both, false_alarms;
      for (const auto& seed : results)
        for (const Slips& one : seed) {
          clean.push_back(one.clean);
          slipped.push_back(one.slipped);
          both.push_back(one.both);
          false_alarms.push_back(one.false_alarms);
        }
      rows.push_back({task.name, number(mean_of(clean)), number(mean_of(slipped)), number(mean_of(both)),
                      number(mean_of(false_alarms))});
      falls.push_back(mean_of(clean) - mean_of(slipped));
      named.push_back(mean_of(both));
      alarms.push_back(mean_of(false_alarms));
    }
    rows.push_back(
        {"**mean**", "fall", number(mean_of(falls), 4), number(mean_of(named)), number(mean_of(alarms), 4)});
    return markdown({"task, k = 20", "clean", "2 of 20 x 3", "both named", "false alarms, clean"}, rows);
  }

  // Readings with errors of their own, which are stated or kept back.
  std::string stated(const std::vector<Task>& tasks) {
    std::vector<Cells> rows;
    std::vector<std::vector<double>> all_figures;
    for (const Task& task : tasks) {
      const Bench& on = bench(task);
      const auto results = each<std::vector<double>>(on, [&](const Trial& trial) {
        Rng rng = rng_of(trial);
        const auto& truth = on.truth[trial.target];
        const Rows all = measured_rows(truth), measured = choose(on, all, 20, Choice::random, rng);
        const Rows scored = without(all, measured);
        const RowMatrix psi = rows_at(on.psi, measured);
        auto latency = values_at(truth, measured);
        std::vector<double> figures;
        const auto add = [&](const PosteriorOptions& options) {
          const Figures found = score(Posterior(on.prior, psi, latency, options), on.psi, truth, scored);
          for (const double figure : {found.spearman, found.mdape, found.coverage}) figures.push_back(figure);
        };
        add({});
        PosteriorOptions options;
        for (double& ms : latency) {
          // From half of a percent to 30.
          options.relative_error.push_back(0.005 * std::pow(60.0, rng.uniform()));
          ms *= std::exp(options.relative_error.back() * rng.normal());
        }
        add({});
        add(options);
        return figures;
      });
      std::vector<double> mean(9, 0);
      for (const auto& seed : results)
        for (const auto& one : seed)
          for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] += one[i] / double(results.size() * seed.size());
      all_figures.push_back(mean);
      rows.push_back({task.name});
      for (const double figure : mean) rows.back().push_back(number(figure));
    }
    rows.push_back({"**mean**"});
    for (std::size_t i = 0; i < 9; ++i) {
      double sum = 0;
      for (const auto& figures : all_figures) sum += figures[i] / double(all_figures.size());
      rows.back().push_back(number(sum));
    }
    return markdown(
        {"task, k = 20", "clean", "median error", "90 % interval holds", "disturbed", "median error",
         "90 % interval holds", "disturbed and stated", "median error", "90 % interval holds"},
        rows);
  }

  // How many measurements, one after the other, reach what 20 random ones do.
  std::string sequential() {
    constexpr std::size_t kStart = 3, kMost = 20;
    std::vector<Cells> rows;
    std::vector<double> needed_all;
    for (const Task& task : all_tasks()) {
      const Bench& on = bench(task);
      const auto random = transfers(on, kMost, Choice::random);
      std::vector<double> reached(on.targets.size(), 0);
      for (const auto& seed : random)
        for (std::size_t t = 0; t < seed.size(); ++t) reached[t] += seed[t].spearman / double(random.size());
      const auto results = each<double>(on, [&](const Trial& trial) {
        Rng rng = rng_of(trial);
        const auto& truth = on.truth[trial.target];
        const Rows all = measured_rows(truth);
        Rows pool = values_at(all, rng.choose(all.size(), std::min<std::size_t>(all.size() / 2, 500)));
        Rows measured = choose(on, all, kStart, Choice::informative, rng);
        for (std::size_t count = kStart;; ++count) {
          const Posterior posterior(on.prior, rows_at(on.psi, measured), values_at(truth, measured));
          const Rows scored = without(all, measured);
          const auto predicted = posterior.predict_log_ms(rows_at(on.psi, scored));
          if (spearman(predicted, values_at(truth, scored)) >= reached[trial.target] || count == kMost)
            return double(count);
          Rows sorted = pool;
          std::sort(sorted.begin(), sorted.end());
          pool = without(sorted, measured);
          measured.push_back(pool[posterior.next(rows_at(on.psi, pool), 1).rows.front()]);
        }
      });
      std::vector<double> needed;
      for (const auto& seed : results) needed.push_back(mean_of(seed));
      rows.push_back({task.name, number(mean_of(reached)), number(mean_of(needed), 1)});
      needed_all.push_back(mean_of(needed));
    }
    rows.push_back({"**mean**", "", number(mean_of(needed_all), 1)});
    return markdown(
        {"task", "Spearman of 20 random ones", "one by one, measurements to reach it (20 at most)"}, rows);
  }

  // Other data sets and energies, from the devices that the shipped weights know.
  std::string datasets() {
    const std::string path = command_.data + "/nb201/hw_nas_bench.csv";
    const Space& nb201 = space("nb201");
    const LatencyTable& known = latencies("nb201");
    const std::set<std::string> unseen = {"raspi4", "eyeriss", "gold_6226", "gold_6240"};
    std::vector<std::string> sources;
    for (const auto& device : known.devices)
      if (!unseen.count(device)) sources.push_back(device);
    const LatencyTable measured = read_latency_table(path, nb201);
    const RowMatrix features = features_of(nb201, known.architectures);
    Bench on{"datasets",
             learn_prior(nb201, {features, sources, select_devices(known, sources).latency_ms}),
             {},
             {},
             {}};
    on.psi = on.prior.embed(features_of(nb201, measured.architectures));
    for (std::size_t d = 0; d < measured.devices.size(); ++d) {
      const std::string& column = measured.devices[d];
      if (column.find("intensity") != std::string::npos) continue;
      on.targets.push_back(column);
      on.truth.push_back(measured.latency_ms[d]);
    }
    const auto results = transfers(on, 20, Choice::informative);
    std::vector<Cells> rows;
    for (std::size_t t = 0; t < on.targets.size(); ++t) {
      const auto mean = [&](double Figures::*figure) {
        std::vector<double> values;
        for (const auto& seed : results) values.push_back(seed[t].*figure);
        return mean_of(values);
      };
      rows.push_back({on.targets[t], number(mean(&Figures::spearman)),
                      number(100 * mean(&Figures::mdape), 1) + " %", number(mean(&Figures::within10)),
                      number(mean(&Figures::coverage))});
    }
    return markdown(
        {"target, k = 20 informative", "Spearman", "median error", "within 10 %", "90 % interval holds"},
        rows);
  }

  // Tables in place of a built-in space.
  std::string own_space() const {
    const std::string hat = command_.data + "/hat";
    std::vector<Cells> rows;
    for (const OwnSpace& own : {transformers(hat, "HAT, Raspberry Pi", {"encoder", "decoder"}),
                                transformers(hat, "HAT, encoder alone", {"encoder"}),
                                transformers(hat, "HAT, decoder alone", {"decoder"}),
                                accelerators(command_.data + "/accel_nasbench/accel_nasbench.csv")}) {
      const TableSpace in(read_table(own.csv));
      const Bench on{own.name, in.prior(), in.psi(), own.targets, own.truth};
      const double most = ceiling(on);
      for (const Choice choice : {Choice::random, Choice::informative})
        for (const std::size_t count : {5, 10, 20}) {
          const auto results = each<Figures>(on, [&](const Trial& trial) {
            Rng rng = rng_of(trial);
            const auto& truth = on.truth[trial.target];
            const Rows all = measured_rows(truth), measured = choose(on, all, count, choice, rng);
            const Rows scored = without(all, measured);
            Figures figures =
                score(Posterior(on.prior, rows_at(on.psi, measured), values_at(truth, measured)), on.psi,
                      truth, scored);
            add_baselines(in.table(), own.same_rows, truth, measured, scored, figures);
            return figures;
          });
          const auto mean = [&](double Figures::*figure) { return mean_of(by_seed(results, figure)); };
          const auto percent = [](double share) { return number(100 * share, 1) + " %"; };
          const auto spearmans = by_seed(results, &Figures::spearman);
          rows.push_back({own.name + (choice == Choice::random ? ", random" : ", informative"),
                          std::to_string(count), number_with_spread(mean_of(spearmans), spread_of(spearmans)),
                          percent(mean(&Figures::mdape)), number(mean(&Figures::coverage)),
                          number(mean(&Figures::ridge_spearman)), percent(mean(&Figures::ridge_mdape)),
                          own.same_rows ? number(mean(&Figures::copied_spearman)) : "", number(most)});
        }
    }
    return markdown(
        {"table, new device, measurements", "k", "Spearman", "median error", "90 % interval holds",
         "ridge on the columns: Spearman", "its median error", "best known device copied", "all data"},
        rows);
  }

  const ClosedFormCommand& command_;
  std::map<std::string, LatencyTable> latencies_;
  std::map<std::string, Bench> benches_;
};

}  // namespace

void ClosedFormCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("closed-form", "accuracy of the closed-form transfer, as tables");
  command->add_option("--data", data, "directory of measured data")->required();
  command->add_option("--out", out, "Markdown file with markers; absent: print");
  command->add_option("--table", tables, "one or several; absent: all of the file")->delimiter(',');
  command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void ClosedFormCommand::run() const {
  Tables writer(*this);
  if (out.empty()) {
    for (const auto& name : tables) std::printf("%s\n\n%s\n", name.c_str(), writer.table(name).c_str());
    return;
  }
  const auto wanted = [&](const std::string& name) {
    return tables.empty() || std::find(tables.begin(), tables.end(), name) != tables.end();
  };
  write_file(out, with_tables(read_file(out), [&](const std::string& name, const std::string& present) {
               return wanted(name) ? writer.table(name) : present;
             }));
}

}  // namespace latencast
