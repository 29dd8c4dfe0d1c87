// Accuracy of the closed-form transfer (latencast/posterior.h) under the clean protocol.
#include "closed_form.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>

#include "data.h"
#include "evaluate.h"
#include "jobs.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/posterior.h"
#include "latencast/prior.h"
#include "tasks.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

RowMatrix rows_at(const RowMatrix& all, const std::vector<std::size_t>& at) {
  RowMatrix rows(static_cast<Index>(at.size()), all.cols());
  for (std::size_t i = 0; i < at.size(); ++i)
    rows.row(static_cast<Index>(i)) = all.row(static_cast<Index>(at[i]));
  return rows;
}

template <class T>
std::vector<T> at(const std::vector<T>& all, const std::vector<std::size_t>& at) {
  std::vector<T> values;
  for (const std::size_t i : at) values.push_back(all[i]);
  return values;
}

struct Figures {
  double spearman = 0, mdape = 0, within5 = 0, within10 = 0, coverage = 0, width = 0, expected = 0;
};

Figures score(const Posterior& posterior, const RowMatrix& psi, const std::vector<double>& latency_ms,
              const std::vector<std::size_t>& measured) {
  std::vector<bool> is_measured(latency_ms.size(), false);
  for (const std::size_t i : measured) is_measured[i] = true;
  const auto beliefs = posterior.predict(psi);
  Figures figures;
  std::vector<double> predicted, truth, errors;
  for (std::size_t i = 0; i < latency_ms.size(); ++i) {
    if (is_measured[i]) continue;
    const auto interval = beliefs[i].interval();
    predicted.push_back(interval.median);
    truth.push_back(latency_ms[i]);
    const double error = std::abs(interval.median / latency_ms[i] - 1);
    errors.push_back(error);
    figures.within5 += error <= 0.05;
    figures.within10 += error <= 0.1;
    figures.coverage += interval.low <= latency_ms[i] && latency_ms[i] <= interval.high;
    figures.width += (interval.high - interval.low) / interval.median;
  }
  const double n = double(truth.size());
  figures.spearman = spearman(predicted, truth);
  std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2),
                   errors.end());
  figures.mdape = errors[errors.size() / 2];
  for (double* share : {&figures.within5, &figures.within10, &figures.coverage, &figures.width}) *share /= n;
  figures.expected = posterior.expected_spearman(psi);
  return figures;
}

}  // namespace

void run_closed_form(const ClosedFormOptions& options) {
  std::vector<Task> tasks;
  for (const auto* list : {&all_tasks(), &development_tasks()})
    for (const Task& task : *list)
      if (options.tasks.empty()
              ? list == &all_tasks()
              : std::find(options.tasks.begin(), options.tasks.end(), task.name) != options.tasks.end())
        tasks.push_back(task);
  for (const Task& task : tasks) {
    const Space& in = space(task.space);
    const LatencyTable all = read_latency_table(options.data + "/" + task.space + "/latency_ms.csv", in);
    std::vector<std::string> devices = task.sources;
    devices.insert(devices.end(), task.targets.begin(), task.targets.end());
    const LatencyTable table = complete_table(all, devices);
    const auto begin = std::chrono::steady_clock::now();
    PriorSources sources{features_of(in, table.architectures), task.sources, {}};
    for (std::size_t d = 0; d < task.sources.size(); ++d) sources.latency_ms.push_back(table.latency_ms[d]);
    const Prior prior = learn_prior(in, sources);
    const RowMatrix psi = prior.embed(sources.features);
    const std::chrono::duration<double> learning = std::chrono::steady_clock::now() - begin;
    std::printf("%s (learned in %.1f s)\n", task.name.c_str(), learning.count());
    for (const std::size_t k : options.samples) {
      for (const bool chosen : {false, true}) {
        std::vector<Figures> figures(task.targets.size() * static_cast<std::size_t>(options.seeds));
        run_jobs(task.name, figures.size(), options.threads, [&](std::size_t job) {
          const std::size_t target = job / static_cast<std::size_t>(options.seeds);
          Rng rng(job % static_cast<std::size_t>(options.seeds) * 1000 + 17);
          const auto& truth = table.latency_ms[task.sources.size() + target];
          std::vector<std::size_t> measured;
          if (chosen) {
            const auto pool = rng.choose(truth.size(), std::min<std::size_t>(truth.size() / 2, 1000));
            const Posterior nothing(prior, RowMatrix(0, psi.cols()), {});
            measured = at(pool, nothing.next(rows_at(psi, pool), k).rows);
          } else {
            measured = rng.choose(truth.size(), k);
          }
          const Posterior posterior(prior, rows_at(psi, measured), at(truth, measured));
          figures[job] = score(posterior, psi, truth, measured);
        });
        Figures mean;
        std::map<std::size_t, double> by_target;
        for (std::size_t job = 0; job < figures.size(); ++job) {
          const double share = 1 / double(figures.size());
          mean.spearman += share * figures[job].spearman;
          mean.mdape += share * figures[job].mdape;
          mean.within10 += share * figures[job].within10;
          mean.coverage += share * figures[job].coverage;
          mean.width += share * figures[job].width;
          mean.expected += share * figures[job].expected;
          by_target[job / static_cast<std::size_t>(options.seeds)] += figures[job].spearman / options.seeds;
        }
        std::printf("  k %3zu %s: spearman %.4f expected %.4f mdape %.3f w10 %.3f coverage %.3f width %.3f |",
                    k, chosen ? "chosen" : "random", mean.spearman, mean.expected, mean.mdape, mean.within10,
                    mean.coverage, mean.width);
        for (const auto& [target, value] : by_target)
          std::printf(" %s %.3f", task.targets[target].c_str(), value);
        std::printf("\n");
        std::fflush(stdout);
      }
    }
  }
}

}  // namespace latencast
