#include "simulate.h"

#include <algorithm>
#include <cmath>

namespace latencast {
namespace {

// The spread of real devices: a phone's and a server's rates differ by orders, their ratios by factors.
double log_normal(Rng& rng, double median, double spread) { return median * std::exp(spread * rng.normal()); }

double log_uniform(Rng& rng, double low, double high) {
  return low * std::exp(rng.uniform() * std::log(high / low));
}

bool chance(Rng& rng, double probability) { return rng.uniform() < probability; }

int padded(int channels, int lanes) { return (channels + lanes - 1) / lanes * lanes; }

double fill(const Kernel& kernel, int lanes) {
  const double in = double(padded(kernel.in_channels, lanes)) / kernel.in_channels;
  return kernel.depthwise() ? in : in * padded(kernel.out_channels, lanes) / kernel.out_channels;
}

// The p-norm: 1 adds, a large p takes the larger.
double combined(double a, double b, double p) {
  return p == 1 ? a + b : std::pow(std::pow(a, p) + std::pow(b, p), 1 / p);
}

}  // namespace

SimulatedDevice::SimulatedDevice(const Space& space, Rng& rng)
    : space_(space), kernel_rng_(rng.below(1u << 30)) {
  // Units: a million multiply-adds of a dense convolution take about one unit of time. Overheads range from
  // nothing to all there is: a batch of one on a server's GPU is nothing but launches.
  const double common_overhead = log_uniform(rng, 0.01, 100);
  const auto rate = [&](double macs) {
    return Rate{log_normal(rng, macs, 0.7), common_overhead * log_normal(rng, 1, 0.3)};
  };
  dense_ = rate(1e6);
  pointwise_ = rate(1e6);
  grouped_ = rate(6e5);
  depthwise_ = rate(2e5);
  wide_depthwise_ = {depthwise_.macs * log_normal(rng, 1, 0.3), depthwise_.overhead};
  other_ = rate(1e6);
  other_.overhead *= log_normal(rng, 0.6, 0.6);
  // Some runtimes shuffle channels in kernels of their own.
  if (chance(rng, 0.5)) grouped_.overhead += common_overhead * log_normal(rng, 1, 0.6);
  const auto memory = [&](double spread, double smallest_cache) {
    Memory drawn{log_normal(rng, 1e5, spread), log_uniform(rng, smallest_cache, 1e3 * smallest_cache), 1};
    const double miss = 1 + 9 * rng.uniform();
    if (chance(rng, 0.3)) drawn.miss = miss;
    return drawn;
  };
  activations_ = memory(1.2, 3e3);
  weights_ = memory(1.5, 1e3);
  by_resolution_ = 0.25 * rng.normal();
  by_channels_ = 0.25 * rng.normal();
  depthwise_by_resolution_ = 0.25 * rng.normal();
  depthwise_by_channels_ = 0.25 * rng.normal();
  constexpr int kLanes[] = {1, 4, 8, 16, 32};
  lanes_ = kLanes[rng.below(5)];
  overlap_ = chance(rng, 0.5) ? 1 : 1 + 4 * rng.uniform();
  launch_overlap_ = chance(rng, 0.6) ? 1 : 1 + 7 * rng.uniform();
  critical_path_ = chance(rng, 0.6) ? 0 : rng.uniform();
  executes_dead_ = chance(rng, 0.6);
  folds_constants_ = chance(rng, 0.6) && !executes_dead_;
  fuses_ = chance(rng, 0.4);
  kernel_spread_ = chance(rng, 0.5) ? 0 : 0.3 * rng.uniform();
  const bool has_quirks = chance(rng, 0.6), has_idle = chance(rng, 0.6);
  for (std::size_t op = 0; op < space.op_names().size(); ++op) {
    const double quirk = log_normal(rng, 1, 0.15), idle = common_overhead * log_normal(rng, 0.5, 0.7);
    quirk_.push_back(has_quirks ? quirk : 1);
    idle_.push_back(chance(rng, 0.6) && has_idle ? idle : 0);
  }
}

const SimulatedDevice::Rate& SimulatedDevice::rate_of(const Kernel& kernel) const {
  if (kernel.type != Kernel::Type::conv && kernel.type != Kernel::Type::linear) return other_;
  if (kernel.depthwise()) return kernel.size > 3 ? wide_depthwise_ : depthwise_;
  if (kernel.groups > 1) return grouped_;
  return kernel.size > 1 ? dense_ : pointwise_;
}

double SimulatedDevice::kernel_quirk(const Kernel& kernel) {
  if (kernel_spread_ == 0) return 1;
  const auto [entry, fresh] =
      kernel_quirk_.try_emplace({static_cast<int>(kernel.type), kernel.size, kernel.stride, kernel.groups,
                                 kernel.in_channels, kernel.out_channels, kernel.height},
                                1);
  if (fresh) entry->second = log_normal(kernel_rng_, 1, kernel_spread_);
  return entry->second;
}

double SimulatedDevice::time_of(const Kernel& kernel, double quirk) {
  const Rate& rate = rate_of(kernel);
  const bool depthwise = kernel.depthwise();
  const double channels = std::sqrt(double(kernel.in_channels) * kernel.out_channels);
  const double speed =
      std::pow(kernel.out_height() / 16.0, depthwise ? depthwise_by_resolution_ : by_resolution_) *
      std::pow(channels / 64, depthwise ? depthwise_by_channels_ : by_channels_);
  const double arithmetic = double(kernel.macs()) * fill(kernel, lanes_) / (rate.macs * speed);
  const double traffic =
      activations_.time(double(kernel.inputs() + kernel.outputs())) + weights_.time(double(kernel.params()));
  const double work = quirk * kernel_quirk(kernel) * combined(arithmetic, traffic, overlap_);
  return combined(&rate == &other_ && fuses_ ? 0 : rate.overhead, work, launch_overlap_);
}

double SimulatedDevice::node_time(int op, int place) {
  const auto [entry, fresh] = known_.try_emplace({op, place}, 0);
  if (!fresh) return entry->second;
  const auto kernels = space_.kernels(op, place);
  const auto o = static_cast<std::size_t>(op);
  double time = kernels.empty() ? idle_[o] : 0;
  for (const Kernel& kernel : kernels) time += time_of(kernel, quirk_[o]);
  return entry->second = time;
}

double SimulatedDevice::latency(const Graph& graph) {
  double sum = 0;
  bool constant = true;
  std::vector<double> until(graph.op.size(), 0.0);
  for (std::size_t i = 0; i < graph.op.size(); ++i) {
    const double time = node_time(graph.op[i], graph.place[i]);
    const bool fixed = i == 0 || i + 1 == graph.op.size();  // what surrounds the choices is always there
    if (graph.live[i] || fixed || executes_dead_) sum += time;
    if (graph.live[i] && !fixed) constant = false;
    for (const auto p : graph.predecessors[i]) until[i] = std::max(until[i], until[p]);
    until[i] += time;
  }
  constexpr double kOfAConstant = 1e-3;  // raspi4 and pixel3 on disconnected cells of NAS-Bench-201
  const double time = (1 - critical_path_) * sum + critical_path_ * until.back();
  return constant && folds_constants_ ? kOfAConstant * time : time;
}

}  // namespace latencast
