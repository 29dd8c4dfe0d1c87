#include "kernels_figures.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "jobs.h"
#include "kernel_data.h"
#include "kernels_pool.h"
#include "kernels_target.h"
#include "latencast/error.h"
#include "markdown.h"

namespace latencast {
namespace {

using nlohmann::json;

constexpr std::size_t kScored = 5000;

}  // namespace

void KernelsFiguresCommand::add_to(CLI::App& kernels) {
  auto* command = kernels.add_subcommand("figures", "accuracy on the measured platforms, each chip left out");
  command->add_option("--data", data, "folder of data sets, uncompressed")->required();
  command->add_option("--pool", pool, "folder of the pool learnt from them")->capture_default_str();
  command->add_option("--platforms", platforms, "ids; all if absent")->delimiter(',');
  command->add_option("--methods", methods)
      ->delimiter(',')
      ->check(CLI::IsMember(kernel_methods()))
      ->capture_default_str();
  command->add_option("--samples", samples)->delimiter(',')->capture_default_str();
  command->add_option("--seeds", seeds)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([this] { run(); });
}

void KernelsFiguresCommand::run() const {
  const auto timed = read_kernel_data(data);
  const auto known = read_pool(pool);
  struct Job {
    const TimedPlatform* platform;
    std::string method;
    std::size_t samples;
    json figures;
  };
  std::vector<Job> jobs;
  for (const TimedPlatform& one : timed) {
    if (!platforms.empty() && std::find(platforms.begin(), platforms.end(), one.entry.id) == platforms.end())
      continue;
    for (const std::string& method : methods)
      for (const std::size_t count : samples)
        if (one.timings.size() >= 2 * count) jobs.push_back({&one, method, count, {}});
  }
  run_jobs("evaluations", jobs.size(), threads, [&](std::size_t i) {
    Job& job = jobs[i];
    job.figures = evaluate_kernels(without_chip(known, job.platform->entry.chip), job.platform->timings,
                                   {job.method, job.samples, kScored, seeds});
  });
  const auto shown = [](const json& figure) {
    return figure.at("mean").is_null()
               ? std::string("-")
               : number_with_spread(figure.at("mean").get<double>(), figure.at("std").get<double>());
  };
  std::vector<Cells> rows;
  for (const Job& job : jobs) {
    const json& nearest = job.figures.at("nearest");
    rows.push_back({job.platform->entry.id, std::to_string(job.samples), job.method,
                    shown(job.figures.at("mdape")), shown(job.figures.at("within5")),
                    shown(job.figures.at("within10")), shown(job.figures.at("coverage90")),
                    nearest.empty() ? "" : nearest[0].at("platform").get<std::string>(),
                    number(job.figures.at("seconds").at("transfer").get<double>(), 1)});
  }
  std::printf("%s", markdown({"platform", "timings", "method", "median error", "within 5 %", "within 10 %",
                              "coverage of 90 %", "nearest", "seconds"},
                             rows)
                        .c_str());
}

}  // namespace latencast
