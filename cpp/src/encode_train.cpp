#include "encode_train.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "adam.h"
#include "encode_impl.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "predictor_impl.h"

namespace latencast {
namespace {

constexpr AdamOptions kAdam{1e-3};
constexpr double kHiddenShare = 0.2, kHiddenShareByItself = 0.5;
constexpr std::size_t kReported = 1000;  // graphs at most in one pass over what was held back

struct Split {
  std::vector<std::size_t> train, held;
};

Split split(std::size_t n, double held_back, Rng& rng) {
  auto order = rng.choose(n, n);
  const auto held = static_cast<std::ptrdiff_t>(std::max(1.0, held_back * double(n)));
  return {{order.begin() + held, order.end()}, {order.begin(), order.begin() + held}};
}

std::vector<Graph> graphs_at(const std::vector<Graph>& graphs, const std::vector<std::size_t>& at) {
  std::vector<Graph> chosen;
  for (const std::size_t i : at) chosen.push_back(graphs[i]);
  return chosen;
}

// Calls step(items of one batch) over shuffled items until the epochs are over; step returns the batch's
// loss.
template <class Step>
void run_epochs(const char* part, int epochs, std::vector<std::size_t> items, int batch, Rng& rng,
                const EncoderProgress& progress, const Step& step) {
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    rng.shuffle(items);
    double loss = 0;
    for (std::size_t from = 0; from < items.size(); from += static_cast<std::size_t>(batch)) {
      const auto to = std::min(from + static_cast<std::size_t>(batch), items.size());
      const std::vector<std::size_t> now(items.begin() + static_cast<std::ptrdiff_t>(from),
                                         items.begin() + static_cast<std::ptrdiff_t>(to));
      loss += step(now) * double(now.size()) / double(items.size());
    }
    progress(part, epoch, epochs, loss);
  }
}

int steps(int epochs, std::size_t items, int batch) {
  return epochs *
         static_cast<int>((items + static_cast<std::size_t>(batch) - 1) / static_cast<std::size_t>(batch));
}

// Mean and inverse spread of each column.
struct ColumnScale {
  RowVector<float> mean, inverse;

  explicit ColumnScale(const Matrix<float>& values) : mean(values.colwise().mean()) {
    inverse =
        (values.rowwise() - mean).array().square().colwise().mean().sqrt().max(1e-6f).inverse().matrix();
  }
};

// Embeddings of `seen` come to have columns of mean 0 and spread 1.
template <class Network>
void finish(const Network& network, const GraphBatch& seen, Flat<float>& parameters) {
  Matrix<float> values;
  network.encode(parameters, seen, values);
  const ColumnScale scale(values);
  network.rescale(parameters, scale.mean, scale.inverse);
  parameters = rounded_to_half(parameters);
}

void train_arch2vec(const EncoderTraining& options, const std::vector<Graph>& graphs, const Split& parts,
                    Rng& rng, const EncoderProgress& progress, EncoderImpl& impl, EncoderReport& report) {
  const Arch2Vec network(impl.inputs, true);
  auto parameters = network.initial_parameters<float>(rng);
  Flat<float> gradients(parameters.size());
  Adam<float> adam(parameters.size(), kAdam,
                   steps(options.arch2vec_epochs, parts.train.size(), options.batch));
  run_epochs("arch2vec", options.arch2vec_epochs, parts.train, options.batch, rng, progress,
             [&](const std::vector<std::size_t>& items) {
               const GraphBatch batch = impl.inputs.batch(graphs_at(graphs, items));
               Matrix<float> noise(batch.rows(), Arch2Vec::kWidth);
               for (auto& value : noise.reshaped()) value = static_cast<float>(rng.normal());
               const double loss = network.loss(parameters, gradients, batch, noise).loss;
               adam.step(parameters, gradients);
               return loss;
             });

  const auto some = [&](const std::vector<std::size_t>& of) {
    return impl.inputs.batch(graphs_at(
        graphs, {of.begin(), of.begin() + static_cast<std::ptrdiff_t>(std::min(kReported, of.size()))}));
  };
  const GraphBatch held = some(parts.held), seen = some(parts.train);
  report.arch2vec = network.loss(parameters, gradients, held,
                                 Matrix<float>(Matrix<float>::Zero(held.rows(), Arch2Vec::kWidth)));
  impl.arch2vec_parameters = network.folded(std::move(parameters), seen);
  finish(impl.arch2vec, seen, impl.arch2vec_parameters);
}

void train_cate(const EncoderTraining& options, const std::vector<Architecture>& pool,
                const std::vector<Graph>& graphs, const Split& parts, Rng& rng,
                const EncoderProgress& progress, EncoderImpl& impl, EncoderReport& report) {
  const Cate network(impl.inputs, true);
  auto parameters = network.initial_parameters<float>(rng);
  Flat<float> gradients(parameters.size());
  std::vector<std::int64_t> size(pool.size());
  for (std::size_t i = 0; i < pool.size(); ++i) size[i] = impl.space->params(pool[i]);
  const auto by_size = [&](std::vector<std::size_t> items) {
    std::stable_sort(items.begin(), items.end(), [&](auto a, auto b) { return size[a] < size[b]; });
    return graphs_at(graphs, items);
  };
  // The helper is near in size, or the architecture itself: where operations are drawn independently, a
  // neighbour alone says too little to learn from.
  const auto batch_of = [&](const std::vector<Graph>& sorted, const std::vector<std::size_t>& items,
                            double itself) {
    const std::size_t reach = std::max<std::size_t>(1, sorted.size() / 500);
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (const std::size_t i : items) {
      const std::size_t low = i > reach ? i - reach : 0, high = std::min(i + reach, sorted.size() - 1);
      const std::size_t other = low + rng.below(high - low);
      pairs.emplace_back(rng.uniform() < itself ? i : other < i ? other : other + 1, i);
    }
    return cate_batch(impl.inputs, sorted, pairs, rng);
  };
  const auto sorted = by_size(parts.train);
  std::vector<std::size_t> positions(sorted.size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  Adam<float> adam(parameters.size(), kAdam, steps(options.cate_epochs, positions.size(), options.batch));
  run_epochs("cate", options.cate_epochs, positions, options.batch, rng, progress,
             [&](const std::vector<std::size_t>& items) {
               const double loss = network.loss(parameters, gradients, batch_of(sorted, items, 0.6)).loss;
               adam.step(parameters, gradients);
               return loss;
             });
  const auto held = by_size(parts.held);
  const auto asked = rng.choose(held.size(), std::min(kReported, held.size()));
  report.cate = network.loss(parameters, gradients, batch_of(held, asked, 0));
  report.cate_itself = network.loss(parameters, gradients, batch_of(held, asked, 1));

  parameters.resize(impl.cate.parameter_count());
  impl.cate_parameters = std::move(parameters);
  const auto seen = rng.choose(sorted.size(), std::min(kReported, sorted.size()));
  finish(impl.cate, impl.inputs.batch(graphs_at(sorted, seen)), impl.cate_parameters);
}

// The listed proxies on their scales; NaN where there is none, 0 throughout where no architecture has any.
// Values beyond all but a few are drawn in first: single outliers of jacov and grasp would leave the others
// no room.
Matrix<float> scaled_proxies(const ProxyList& listed) {
  constexpr double kOutlying = 0.002;
  Matrix<float> values(static_cast<Eigen::Index>(listed.architectures.size()), kComputedCount);
  for (int c = 0; c < kComputedCount; ++c) {
    const int proxy = kComputedProxies[static_cast<std::size_t>(c)];
    std::vector<double> raw, known;
    for (const auto& row : listed.proxies) {
      raw.push_back(proxy_scale(proxy, row[static_cast<std::size_t>(proxy)]));
      if (!std::isnan(raw.back())) known.push_back(raw.back());
    }
    if (known.empty()) {
      values.col(c).setZero();
      continue;
    }
    std::sort(known.begin(), known.end());
    const auto cut = static_cast<std::size_t>(kOutlying * double(known.size()));
    const double low = known[cut], high = known[known.size() - 1 - cut];
    double sum = 0, squares = 0;
    for (double& value : known) {
      value = std::clamp(value, low, high);
      sum += value;
      squares += value * value;
    }
    const double mean = sum / double(known.size());
    const double spread = std::sqrt(std::max(0.0, squares / double(known.size()) - mean * mean));
    // A proxy that is the same for all is 0.
    const double width = high > low ? high - low : 1, unit = high > low ? spread : 1;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const double value = std::isnan(raw[i]) ? raw[i] : std::clamp(raw[i], low, high);
      values(static_cast<Eigen::Index>(i), c) = static_cast<float>(
          c != kGrasp ? (value - low) / width
                      : std::clamp((value - mean) / unit, -double(kGraspLimit), double(kGraspLimit)));
    }
  }
  return values;
}

double agreement(const Matrix<float>& found, const Matrix<float>& truth, int column) {
  std::vector<double> a, b;
  for (Eigen::Index i = 0; i < truth.rows(); ++i) {
    if (std::isnan(truth(i, column))) continue;
    a.push_back(double(found(i, column)));
    b.push_back(double(truth(i, column)));
  }
  return spearman(a, b);
}

void make_table(const ProxyList& listed, const Matrix<float>& scaled, EncoderImpl& impl,
                EncoderReport& report) {
  std::map<Architecture, Eigen::Index> row;
  for (std::size_t i = 0; i < listed.architectures.size(); ++i)
    row.emplace(listed.architectures[i], static_cast<Eigen::Index>(i));
  std::vector<float> levels;
  for (const auto& cell : impl.space->enumerate()) {
    if (without_dead(*impl.space, cell) != cell) continue;
    const auto found = row.find(cell);
    if (found == row.end())
      throw Error(ErrorCode::argument, "encode: no proxies are listed for the cell " + cell);
    for (int c = 0; c < kComputedCount; ++c) {
      const float value = scaled(found->second, c);
      // Of a cell that computes nothing some proxies do not exist: the lowest there is.
      levels.push_back(ProxyTable::level_of(c, std::isnan(value) ? -kGraspLimit : value));
    }
  }
  impl.table = ProxyTable(*impl.space, std::move(levels));
  Matrix<float> held(scaled.rows(), kComputedCount);
  for (Eigen::Index i = 0; i < scaled.rows(); ++i)
    impl.table.look_up(*impl.space, listed.architectures[static_cast<std::size_t>(i)], held.row(i).data());
  for (int c = 0; c < kComputedCount; ++c)
    report.proxies[static_cast<std::size_t>(c)] = agreement(held, scaled, c);
}

void train_surrogate(const EncoderTraining& options, const ProxyList& listed, const Matrix<float>& scaled,
                     Rng& rng, const EncoderProgress& progress, EncoderImpl& impl, EncoderReport& report) {
  for (Eigen::Index i = 0; i < scaled.rows(); ++i)
    if (scaled.row(i).hasNaN())
      throw Error(ErrorCode::argument, "encode: some proxies are missing of the architecture " +
                                           listed.architectures[static_cast<std::size_t>(i)]);
  const Matrix<float> exact = impl.exact(listed.architectures);
  std::vector<Graph> graphs;
  for (const auto& architecture : listed.architectures) graphs.push_back(impl.space->graph(architecture));
  const Split parts = split(graphs.size(), options.held_back, rng);
  const ColumnScale scale(scaled);
  const Matrix<float> target = (scaled.rowwise() - scale.mean).array().rowwise() * scale.inverse.array();

  const auto rows_of = [](const Matrix<float>& of, const std::vector<std::size_t>& items) {
    Matrix<float> rows(static_cast<Eigen::Index>(items.size()), of.cols());
    for (std::size_t i = 0; i < items.size(); ++i)
      rows.row(static_cast<Eigen::Index>(i)) = of.row(static_cast<Eigen::Index>(items[i]));
    return rows;
  };
  const Surrogate& network = impl.surrogate;
  auto parameters = network.initial_parameters<float>(rng);
  Flat<float> gradients(parameters.size());
  AdamOptions adam_options = kAdam;
  adam_options.learning_rate = 3e-3;
  Adam<float> adam(parameters.size(), adam_options,
                   steps(options.surrogate_epochs, parts.train.size(), options.batch));
  run_epochs("surrogate", options.surrogate_epochs, parts.train, options.batch, rng, progress,
             [&](const std::vector<std::size_t>& items) {
               const double loss =
                   network.loss(parameters, gradients, impl.inputs.batch(graphs_at(graphs, items)),
                                rows_of(exact, items), rows_of(target, items));
               adam.step(parameters, gradients);
               return loss;
             });
  network.rescale(parameters, scale.mean, scale.inverse.cwiseInverse());
  impl.surrogate_parameters = rounded_to_half(parameters);
  Matrix<float> found;
  network.predict(impl.surrogate_parameters, impl.inputs.batch(graphs_at(graphs, parts.held)),
                  rows_of(exact, parts.held), found);
  for (int c = 0; c < kComputedCount; ++c)
    report.proxies[static_cast<std::size_t>(c)] = agreement(found, rows_of(scaled, parts.held), c);
}

}  // namespace

CateBatch cate_batch(const NodeInputs& inputs, const std::vector<Graph>& sorted,
                     const std::vector<std::pair<std::size_t, std::size_t>>& pairs, Rng& rng) {
  CateBatch batch;
  std::vector<Graph> graphs;
  std::size_t rows = 0;
  for (const auto& pair : pairs) {
    graphs.push_back(sorted[pair.first]);
    rows += graphs.back().op.size();
  }
  batch.hidden.assign(rows, 0);
  for (const auto& pair : pairs) {
    graphs.push_back(sorted[pair.second]);
    const std::size_t inner = graphs.back().op.size() - 2;
    const auto count = static_cast<std::size_t>(std::max(
        1.0, std::round((pair.first == pair.second ? kHiddenShareByItself : kHiddenShare) * double(inner))));
    batch.hidden.resize(rows + inner + 2);
    for (const std::size_t node : rng.choose(inner, count)) batch.hidden[rows + 1 + node] = 1;
    rows += inner + 2;
  }
  batch.graphs = inputs.batch(graphs, batch.hidden);
  return batch;
}

TrainedEncoder train_encoder(const EncoderTraining& options, const ProxyList& listed,
                             const EncoderProgress& progress) {
  if (options.batch < 2 || options.arch2vec_epochs < 1 || options.cate_epochs < 1 ||
      options.surrogate_epochs < 1 || options.pool < 10 || !(options.held_back > 0 && options.held_back < 1))
    throw Error(ErrorCode::argument,
                "encode: epochs must be at least 1, batch 2, pool 10, held_back between 0 and 1");
  const Space& space = latencast::space(options.space);
  auto impl = std::make_shared<EncoderImpl>(space);
  Rng rng(options.seed);
  std::vector<Architecture> pool;
  if (space.size() > 0) {
    pool = space.enumerate();
    rng.shuffle(pool);
    pool.resize(std::min(pool.size(), options.pool));
  } else {
    while (pool.size() < options.pool) pool.push_back(space.random(rng));
  }
  std::vector<Graph> graphs;
  const double infinity = std::numeric_limits<double>::infinity();
  impl->flops = impl->params = {infinity, -infinity};
  const auto widen = [](ProxyRange& range, double value) {
    range = {std::min(range.low, value), std::max(range.high, value)};
  };
  for (const auto& architecture : pool) {
    graphs.push_back(space.graph(architecture));
    widen(impl->flops, proxy_scale(kFlops, double(space.macs(architecture))));
    widen(impl->params, proxy_scale(kParams, double(space.params(architecture))));
  }
  const Split parts = split(pool.size(), options.held_back, rng);

  EncoderReport report;
  train_arch2vec(options, graphs, parts, rng, progress, *impl, report);
  train_cate(options, pool, graphs, parts, rng, progress, *impl, report);
  if (listed.architectures.empty()) throw Error(ErrorCode::argument, "encode: no proxies are listed");
  const Matrix<float> scaled = scaled_proxies(listed);
  if (space.size() > 0)
    make_table(listed, scaled, *impl, report);
  else
    train_surrogate(options, listed, scaled, rng, progress, *impl, report);
  return {Encoder(std::move(impl)), report};
}

}  // namespace latencast
