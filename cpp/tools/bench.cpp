#include "bench.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "data.h"
#include "latencast/transfer.h"
#include "predictor_impl.h"

namespace latencast {
namespace {

double median_seconds(int repetitions, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + repetitions / 2, seconds.end());
  return seconds[static_cast<std::size_t>(repetitions / 2)];
}

}  // namespace

void BenchCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "time predictions and a transfer, one thread");
  command->add_option("--weights", weights, "pre-trained predictor file")->required();
  command->add_option("--repetitions", repetitions)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_flag("--json", as_json, "print JSON");
  command->callback([this] { run(); });
}

void BenchCommand::run() const {
  const Predictor base = Predictor::read(read_file(weights));
  const auto& all = base.space().enumerate();
  // Any labels do: the work does not depend on them.
  std::vector<Measurement> measurements;
  for (std::size_t i = 0; i < 20; ++i)
    measurements.push_back({all[i], 1e-6 * double(base.space().macs(all[i])) + 1});
  std::vector<Graph> graphs;
  for (const auto& architecture : all) graphs.push_back(base.space().graph(architecture));
  const Network& network = base.impl().network;
  const Plan plan = network.plan(base.space(), graphs, std::vector<int>(graphs.size(), 0), {});
  const double gflop = 2e-9 * network.multiply_adds(plan);
  const double predict = median_seconds(repetitions, [&] { base.scores(base.devices().front(), all); });
  const double adapt = median_seconds(repetitions, [&] { transfer(base, measurements, {}); });
  if (as_json) {
    std::cout << nlohmann::json{{"predict_all_seconds", predict},
                                {"transfer_seconds", adapt},
                                {"predict_all_gflop", gflop}}
                     .dump()
              << "\n";
  } else {
    std::cout << "all " << all.size() << " architectures: " << predict << " s, " << gflop
              << " GFLOP\ntransfer from 20: " << adapt << " s\n";
  }
}

}  // namespace latencast
