#include "simulate.h"

#include <algorithm>
#include <cmath>

namespace latencast {
namespace {

// The spread of real devices: a phone's and a server's rates differ by orders, their ratios by factors.
double log_normal(Rng& rng, double median, double spread) { return median * std::exp(spread * rng.normal()); }

int padded(int channels, int lanes) { return (channels + lanes - 1) / lanes * lanes; }

}  // namespace

SimulatedDevice::SimulatedDevice(const Space& space, Rng& rng) : space_(space) {
  // Units: a million multiply-adds of a dense convolution take about one unit of time.
  const double common_overhead = log_normal(rng, 0.3, 1.5);
  const auto rate = [&](double macs) {
    return Rate{log_normal(rng, macs, 0.7), common_overhead * log_normal(rng, 1, 0.4)};
  };
  dense_ = rate(1e6);
  pointwise_ = rate(1e6);
  grouped_ = rate(6e5);
  depthwise_ = rate(2e5);
  wide_depthwise_ = rate(2e5);
  other_ = rate(1e6);
  bandwidth_ = log_normal(rng, 1e5, 1.2);
  weight_bandwidth_ = log_normal(rng, 1e5, 1.5);
  by_resolution_ = 0.25 * rng.normal();
  by_channels_ = 0.25 * rng.normal();
  constexpr int kLanes[] = {1, 4, 8, 16, 32};
  lanes_ = kLanes[rng.below(5)];
  overlap_ = rng.uniform() < 0.5 ? 1 : 1 + 4 * rng.uniform();
  critical_path_ = rng.uniform() < 0.6 ? 0 : rng.uniform();
  executes_dead_ = rng.uniform() < 0.6;
  for (std::size_t op = 0; op < space.op_names().size(); ++op) {
    quirk_.push_back(log_normal(rng, 1, 0.15));
    idle_.push_back(rng.uniform() < 0.5 ? 0 : common_overhead * log_normal(rng, 0.3, 1));
  }
}

double SimulatedDevice::time_of(const Kernel& kernel) const {
  const bool windowed = kernel.size > 1;
  const Rate& rate = kernel.type != Kernel::Type::conv ? other_
                     : kernel.depthwise()              ? (kernel.size > 3 ? wide_depthwise_ : depthwise_)
                     : kernel.groups > 1               ? grouped_
                     : windowed                        ? dense_
                                                       : pointwise_;
  const double channels = std::sqrt(double(kernel.in_channels) * kernel.out_channels);
  const double fill = double(padded(kernel.in_channels, lanes_)) * padded(kernel.out_channels, lanes_) /
                      (double(kernel.in_channels) * kernel.out_channels);
  const double speed =
      std::pow(kernel.out_height() / 16.0, by_resolution_) * std::pow(channels / 64, by_channels_);
  const double arithmetic = double(kernel.macs()) * fill / (rate.macs * speed);
  const double traffic =
      double(kernel.inputs() + kernel.outputs()) / bandwidth_ + double(kernel.params()) / weight_bandwidth_;
  return rate.overhead + std::pow(std::pow(arithmetic, overlap_) + std::pow(traffic, overlap_), 1 / overlap_);
}

double SimulatedDevice::node_time(int op, int place) {
  const auto [entry, fresh] = known_.try_emplace({op, place}, 0);
  if (!fresh) return entry->second;
  const auto kernels = space_.kernels(op, place);
  const auto o = static_cast<std::size_t>(op);
  double time = kernels.empty() ? idle_[o] : 0;
  for (const Kernel& kernel : kernels) time += quirk_[o] * time_of(kernel);
  return entry->second = time;
}

double SimulatedDevice::latency(const Graph& graph) {
  double sum = 0;
  std::vector<double> until(graph.op.size(), 0.0);
  for (std::size_t i = 0; i < graph.op.size(); ++i) {
    const double time = node_time(graph.op[i], graph.place[i]);
    if (graph.live[i] || executes_dead_) sum += time;
    for (const auto p : graph.predecessors[i]) until[i] = std::max(until[i], until[p]);
    until[i] += time;
  }
  return (1 - critical_path_) * sum + critical_path_ * until.back();
}

}  // namespace latencast
