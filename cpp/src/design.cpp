#include "latencast/design.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "latencast/error.h"

namespace latencast {
namespace {

// Appends to a row of known length.
class Writer {
 public:
  explicit Writer(float* row) : at_(row) {}
  void operator()(double value) { *at_++ = static_cast<float>(value); }
  float* at() const { return at_; }

 private:
  float* at_;
};

// --- NAS-Bench-201 -----------------------------------------------------------------------------------------
//
// One cell, repeated: which operation is on which edge, alive or not, and totals over the cell. Runtimes
// differ in what they do with operations that cannot reach the output, with sums, with equal pools of one
// tensor and with parallel branches; each has a feature to show itself in.

enum CellOp { kNone, kSkip, kConv1x1, kConv3x3, kPool, kCellOps };
constexpr int kEdges = 6, kKinds = kCellOps - 1;
constexpr std::array<std::array<int, 2>, kEdges> kEnds{{{0, 1}, {0, 2}, {1, 2}, {0, 3}, {1, 3}, {2, 3}}};
constexpr int kOutputNode = 3;

struct Cell {
  std::array<int, kEdges> op;
  std::array<bool, kEdges> live;

  explicit Cell(const Architecture& architecture) {
    std::array<bool, 4> from_input{true}, to_output{};
    to_output[kOutputNode] = true;
    for (std::size_t e = 0; e < kEdges; ++e) op[e] = architecture[e] - '0';
    for (std::size_t e = 0; e < kEdges; ++e)  // edges are in the order of their ends
      if (op[e] != kNone && from_input[from(e)]) from_input[to(e)] = true;
    for (const std::size_t e : {5u, 4u, 2u, 3u, 1u, 0u})  // and these in that of their beginnings, backwards
      if (op[e] != kNone && to_output[to(e)]) to_output[from(e)] = true;
    for (std::size_t e = 0; e < kEdges; ++e)
      live[e] = op[e] != kNone && from_input[from(e)] && to_output[to(e)];
  }

  static std::size_t from(std::size_t edge) { return static_cast<std::size_t>(kEnds[edge][0]); }
  static std::size_t to(std::size_t edge) { return static_cast<std::size_t>(kEnds[edge][1]); }

  double longest_path(const std::array<double, kCellOps>& length) const {
    std::array<double, 4> until{0, -1, -1, -1};
    for (std::size_t e = 0; e < kEdges; ++e)
      if (live[e])
        until[to(e)] = std::max(until[to(e)], until[from(e)] + length[static_cast<std::size_t>(op[e])]);
    return std::max(until[kOutputNode], 0.0);
  }

  // Pools that a runtime executes which computes equal expressions once, and sums: a pool has no weights, so
  // two of them on one tensor are equal, and a node that is fed by a skip alone is its predecessor's tensor.
  std::pair<int, int> distinct_pools_and_sums() const {
    std::array<std::string, 4> value{"x"};
    std::set<std::string> pools, sums;
    for (std::size_t node = 1; node < value.size(); ++node) {
      std::vector<std::string> terms;
      for (std::size_t e = 0; e < kEdges; ++e) {
        if (to(e) != node || !live[e]) continue;
        const std::string& tensor = value[from(e)];
        if (op[e] == kSkip)
          terms.push_back(tensor);
        else if (op[e] == kPool)
          terms.push_back(*pools.insert("p(" + tensor + ")").first);
        else
          terms.push_back("c" + std::to_string(e));
      }
      std::sort(terms.begin(), terms.end());
      std::string sum;
      for (const auto& term : terms) sum += (sum.empty() ? "" : "+") + term;
      value[node] = terms.size() > 1 ? *sums.insert("(" + sum + ")").first : sum;
    }
    return {static_cast<int>(pools.size()), static_cast<int>(sums.size())};
  }
};

class CellDesign final : public Design {
 public:
  const Space& space() const override { return latencast::space("nb201"); }
  int width() const override { return 2 * kEdges * kKinds + kKinds * (kKinds + 1) / 2 + 1 + physical(); }
  int physical() const override { return 2 * kKinds + 5 + 9 + 8 + 2; }

  void write_row(const Architecture& architecture, float* row) const override {
    const Cell cell(architecture);
    Writer put(row);
    std::array<double, kKinds> all{}, live{};
    std::array<int, 4> live_inputs{}, inputs{};
    for (std::size_t e = 0; e < kEdges; ++e) {
      for (int op = kSkip; op < kCellOps; ++op) {
        const bool here = cell.op[e] == op;
        put(here && cell.live[e]);
        put(here);
        all[static_cast<std::size_t>(op - kSkip)] += here;
        live[static_cast<std::size_t>(op - kSkip)] += here && cell.live[e];
      }
      live_inputs[Cell::to(e)] += cell.live[e];
      inputs[Cell::to(e)] += cell.op[e] != kNone;
    }
    for (std::size_t i = 0; i < kKinds; ++i)
      for (std::size_t j = i; j < kKinds; ++j) put(live[i] * live[j]);
    put(std::none_of(cell.live.begin(), cell.live.end(), [](bool is_live) { return is_live; }));
    for (const double count : all) put(count);
    for (const double count : live) put(count);
    // In operations; in convolutions; in 3x3 ones; without skips; in what they cost where arithmetic counts.
    for (const auto& length : {std::array<double, kCellOps>{0, 1, 1, 1, 1},
                               {0, 0, 1, 1, 0},
                               {0, 0, 0, 1, 0},
                               {0, 0, 1, 1, 1},
                               {0, 0, 1, 3, 0.5}})
      put(cell.longest_path(length));
    int sums = 0, summing = 0, all_sums = 0;
    for (std::size_t node = 1; node < inputs.size(); ++node) {
      sums += std::max(live_inputs[node] - 1, 0);
      summing += live_inputs[node] > 1;
      all_sums += std::max(inputs[node] - 1, 0);
    }
    put(sums);
    put(summing);
    put(all_sums);
    for (std::size_t node = 1; node < inputs.size(); ++node) put(live_inputs[node] > 0);
    for (std::size_t node = 1; node < inputs.size(); ++node) put(std::max(live_inputs[node] - 1, 0));
    for (const auto& counts : {live, all}) {
      // Multiply-adds in units of a 1x1 convolution's, over overheads from small to large.
      const double work = counts[kConv1x1 - kSkip] + 9 * counts[kConv3x3 - kSkip];
      for (const double overhead : {1.0, 4.0, 16.0}) put(std::log(work + overhead));
      double executed = 1;
      for (const double count : counts) executed += count;
      put(std::log(executed));
    }
    const auto [distinct_pools, distinct_sums] = cell.distinct_pools_and_sums();
    put(distinct_pools);
    put(distinct_sums);
  }
};

// --- Chains ------------------------------------------------------------------------------------------------
//
// Which operation is in which slot, and totals of what the kernels do, over the network and by stage.

constexpr int kTotals = 9;
constexpr double kNothing = 1e-3;  // added before a logarithm, as a share of the most a network has
using Totals = std::array<double, kTotals>;

Totals totals_of(const std::vector<Kernel>& kernels) {
  Totals totals{};
  for (const Kernel& kernel : kernels) {
    const double macs = double(kernel.macs());
    if (kernel.depthwise()) {
      totals[kernel.size <= 3 ? 1 : 2] += macs;
      totals[7] += double(kernel.inputs());
    } else if (kernel.groups > 1) {
      totals[3] += macs;
      totals[8] += 1;
    } else {
      totals[0] += macs;
    }
    totals[4] += double(kernel.inputs() + kernel.outputs());
    totals[5] += double(kernel.params());
    totals[6] += 1;
  }
  return totals;
}

class ChainDesign final : public Design {
 public:
  // stage: of each slot. places: how many there are for one size of the image; 0 is the input, then the
  // slots.
  ChainDesign(const Space& space, int slots, std::vector<int> stage, int places)
      : space_(space), slots_(slots), stage_(std::move(stage)), places_(places) {
    stages_ = *std::max_element(stage_.begin(), stage_.end()) + 1;
    ops_ = static_cast<int>(space.op_names().size()) - 2;
    most_.fill(1);
    Rng rng(1);
    for (int i = 0; i < 64; ++i) {
      Totals sum{};
      const Graph graph = space.graph(space.random(rng));
      for (std::size_t node = 0; node < graph.op.size(); ++node)
        add(sum, totals(graph.op[node], graph.place[node]));
      for (std::size_t t = 0; t < kTotals; ++t) most_[t] = std::max(most_[t], sum[t]);
    }
  }

  const Space& space() const override { return space_; }
  int width() const override { return slots_ * ops_ + 2 * kTotals * stages_ + physical(); }
  int physical() const override { return 3 + 1 + 2 * kTotals; }

  void write_row(const Architecture& architecture, float* row) const override {
    const Graph graph = space_.graph(architecture);
    std::vector<Totals> by_stage(static_cast<std::size_t>(stages_), Totals{});
    Totals sum{};
    std::fill(row, row + slots_ * ops_, 0.0f);
    int filled = 0;
    for (std::size_t node = 0; node < graph.op.size(); ++node) {
      const int op = graph.op[node], place = graph.place[node];
      const Totals& here = totals(op, place);
      add(sum, here);
      const int slot = place % places_ - 1;
      if (slot < 0 || slot >= slots_) continue;
      row[slot * ops_ + op - 2] = 1;
      filled += here[6] > 0;
      add(by_stage[static_cast<std::size_t>(stage_[static_cast<std::size_t>(slot)])], here);
    }
    Writer put(row + slots_ * ops_);
    for (const Totals& stage : by_stage)
      for (std::size_t t = 0; t < kTotals; ++t) put(stage[t] / most_[t]);
    for (const Totals& stage : by_stage)
      for (std::size_t t = 0; t < kTotals; ++t) put(std::log(stage[t] / most_[t] + kNothing));
    const double side = space_.kernels(graph.op.front(), graph.place.front()).front().height / 200.0;
    put(side);
    put(side * side);
    put(std::log(side));
    put(filled);
    for (std::size_t t = 0; t < kTotals; ++t) put(sum[t] / most_[t]);
    for (std::size_t t = 0; t < kTotals; ++t) put(std::log(sum[t] / most_[t] + kNothing));
  }

 private:
  static void add(Totals& to, const Totals& what) {
    for (std::size_t t = 0; t < kTotals; ++t) to[t] += what[t];
  }

  // A map never moves its entries, so one that was found is read without the lock.
  const Totals& totals(int op, int place) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [entry, fresh] = known_.try_emplace({op, place});
    if (fresh) entry->second = totals_of(space_.kernels(op, place));
    return entry->second;
  }

  const Space& space_;
  int slots_, stages_ = 0, ops_ = 0;
  std::vector<int> stage_;
  int places_;
  Totals most_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, int>, Totals> known_;
};

std::vector<int> equal_stages(int slots, int per_stage) {
  std::vector<int> stage;
  for (int slot = 0; slot < slots; ++slot) stage.push_back(slot / per_stage);
  return stage;
}

}  // namespace

const Design& design_of(const Space& space) {
  static const CellDesign cell;
  // 1, 4, 4, 4, 4, 4 and 1 blocks.
  static const ChainDesign fbnet(latencast::space("fbnet"), 22,
                                 {0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6}, 24);
  static const ChainDesign ofa(latencast::space("ofa"), 20, equal_stages(20, 4), 22);
  for (const Design* design : {static_cast<const Design*>(&cell), static_cast<const Design*>(&fbnet),
                               static_cast<const Design*>(&ofa)})
    if (&design->space() == &space) return *design;
  throw Error(ErrorCode::argument,
              std::string("design: found the space ") + space.id() + "; expected one of nb201, fbnet, ofa");
}

}  // namespace latencast
