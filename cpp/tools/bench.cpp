#include "bench.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "latencast/transfer.h"
#include "layers.h"
#include "predictor_impl.h"
#include "pretrained.h"

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

// The best that a matrix product reaches, GFLOP/s.
template <class S>
double peak_gflops(int repetitions) {
  constexpr Eigen::Index kSize = 512;
  const Matrix<S> a = Matrix<S>::Constant(kSize, kSize, S(0.5)), b = a;
  Matrix<S> c(kSize, kSize);
  double best = 0;
  for (int i = 0; i < 4 * repetitions; ++i) {
    const double seconds = median_seconds(1, [&] { set_product(a, b, c); });
    best = std::max(best, 2e-9 * double(kSize * kSize * kSize) / seconds);
  }
  return best;
}

// Of the matrix products of one pass forward over these architectures together, GFLOP.
double forward_gflop(const PredictorImpl& impl, const std::vector<Architecture>& architectures) {
  std::vector<Graph> graphs;
  for (const auto& architecture : architectures) graphs.push_back(impl.space->graph(architecture));
  const auto supplements = supplements_of(impl, architectures);
  const Plan plan = impl.network.plan(*impl.space, graphs, std::vector<int>(graphs.size(), 0),
                                      rows_of(supplements, graphs.size(), impl.network.shape().supplement));
  return 2e-9 * impl.network.multiply_adds(plan);
}

}  // namespace

void BenchCommand::add_to(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "time predictions and a transfer, one thread");
  command->add_option("--weights", weights, "pre-trained predictor file")->required();
  command->add_option("--encoders", encoders, "folder of SPACE.encoder.latencast")->capture_default_str();
  command->add_option("--architectures", architectures, "to predict, where the space is too large to list")
      ->check(CLI::Range(20, 1000000))
      ->capture_default_str();
  command->add_option("--repetitions", repetitions)->check(CLI::PositiveNumber)->capture_default_str();
  command->add_flag("--json", as_json, "print JSON");
  command->callback([this] { run(); });
}

void BenchCommand::run() const {
  constexpr std::size_t kMeasured = 20, kBatch = 16;  // of a transfer
  const Predictor base = read_weights(weights, encoders);
  std::vector<Architecture> all;
  if (base.space().size() > 0) {
    all = base.space().enumerate();
  } else {
    Rng rng(1);
    while (all.size() < architectures) all.push_back(base.space().random(rng));
  }
  // Any labels do: the work does not depend on them.
  std::vector<Measurement> measurements;
  for (std::size_t i = 0; i < kMeasured; ++i)
    measurements.push_back({all[i], 1e-6 * double(base.space().macs(all[i])) + 1});
  // Backward has two products for each of forward.
  const auto some = all.begin() + kBatch;
  const double epoch_gflop = 3 * (forward_gflop(base.impl(), {all.begin(), some}) +
                                  forward_gflop(base.impl(), {some, all.begin() + kMeasured}));
  double alone_gflop = 0;
  for (const auto& architecture : all) alone_gflop += forward_gflop(base.impl(), {architecture});
  const nlohmann::json result = {
      {"space", base.space().id()},
      {"architectures", all.size()},
      {"predict_seconds", median_seconds(repetitions, [&] { base.scores(base.devices().front(), all); })},
      {"predict_gflop", forward_gflop(base.impl(), all)},
      {"predict_alone_gflop", alone_gflop},
      {"transfer_seconds", median_seconds(repetitions, [&] { transfer(base, measurements, {}); })},
      {"transfer_gflop", epoch_gflop * TransferOptions().epochs},
      {"peak_gflops", peak_gflops<float>(repetitions)},
      {"peak_gflops_double", peak_gflops<double>(repetitions)}};
  if (as_json) {
    std::cout << result.dump() << "\n";
    return;
  }
  for (const auto& [name, value] : result.items()) std::cout << name << ": " << value << "\n";
}

}  // namespace latencast
