#include "baselines.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "adam.h"
#include "latencast/error.h"
#include "latencast/metrics.h"
#include "latencast/rng.h"
#include "layers.h"

namespace latencast {
namespace {

using Row = std::map<Architecture, std::size_t>;

Row rows_of(const LatencyTable& table) {
  Row row;
  for (std::size_t i = 0; i < table.architectures.size(); ++i) row[table.architectures[i]] = i;
  return row;
}

std::vector<Architecture> architectures_of(const std::vector<Measurement>& measured) {
  std::vector<Architecture> architectures;
  for (const auto& one : measured) architectures.push_back(one.architecture);
  return architectures;
}

Eigen::VectorXd log_latency(const std::vector<Measurement>& measured) {
  Eigen::VectorXd y(static_cast<Eigen::Index>(measured.size()));
  for (Eigen::Index i = 0; i < y.size(); ++i)
    y(i) = std::log(measured[static_cast<std::size_t>(i)].latency_ms);
  return y;
}

std::vector<double> to_vector(const Eigen::VectorXd& values) {
  return {values.data(), values.data() + values.size()};
}

Score by_count(const Space& space, std::int64_t (Space::*count)(const Architecture&) const) {
  return [&space, count](const std::vector<Architecture>& asked) {
    std::vector<double> values;
    for (const auto& architecture : asked) values.push_back(double((space.*count)(architecture)));
    return values;
  };
}

// A node's place in words: in a space whose nodes have no place of their own, their order is one.
using Label = std::tuple<int, int, int>;  // place, how many nodes before it have the same, operation

std::vector<Label> labels(const Graph& graph) {
  std::map<int, int> seen;
  std::vector<Label> labels;
  for (std::size_t i = 0; i < graph.op.size(); ++i) {
    const int place = graph.place[i];
    labels.emplace_back(place, seen[place]++, graph.op[i]);
  }
  return labels;
}

// The perceptron of MultiPredict: [features, device embedding] -> hidden -> 0..1.
struct DeviceMlp {
  static constexpr Eigen::Index kEmbedding = 8, kHidden = 1000;

  Block embedding;
  Linear first, second;
  std::size_t parameter_count = 0;

  DeviceMlp(Eigen::Index features, Eigen::Index devices) {
    const auto block = [this](const char* name, Eigen::Index rows, Eigen::Index cols) {
      Block made{name, parameter_count, rows, cols};
      parameter_count += made.size();
      return made;
    };
    embedding = block("embedding", devices, kEmbedding);
    first = {block("first.w", features + kEmbedding, kHidden), block("first.b", 1, kHidden)};
    second = {block("second.w", kHidden, 1), block("second.b", 1, 1)};
  }

  Flat<float> initial_parameters(Rng& rng) const {
    Flat<float> parameters(parameter_count, 0.0f);
    const auto fill = [&](const Block& block, double spread) {
      for (std::size_t i = 0; i < block.size(); ++i)
        parameters[block.offset + i] = static_cast<float>(spread * rng.normal());
    };
    fill(embedding, 1);
    for (const Block& w : {first.w, second.w}) fill(w, std::sqrt(2.0 / double(w.rows + w.cols)));
    return parameters;
  }

  struct Trace {
    Matrix<float> input, hidden, output;
  };

  // rows: of the features; devices: of the embedding, one per row. output: (rows, 1)
  void forward(const Flat<float>& parameters, const FeatureRows& features,
               const std::vector<Eigen::Index>& devices, Trace& trace) const {
    trace.input.resize(features.rows(), first.w.rows);
    trace.input.leftCols(features.cols()) = features;
    const auto table = embedding.of(parameters);
    for (Eigen::Index i = 0; i < features.rows(); ++i)
      trace.input.row(i).tail(kEmbedding) = table.row(devices[static_cast<std::size_t>(i)]);
    first.forward(parameters, trace.input, trace.hidden);
    relu_forward(trace.hidden);
    second.forward(parameters, trace.hidden, trace.output);
    trace.output = (1.0f + (-trace.output.array()).exp()).inverse();
  }

  // d_output: (rows, 1), becomes the gradient before the sigmoid.
  void backward(const Flat<float>& parameters, Flat<float>& gradients, const Trace& trace,
                const std::vector<Eigen::Index>& devices, Matrix<float>& d_output) const {
    d_output.array() *= trace.output.array() * (1.0f - trace.output.array());
    Matrix<float> d_hidden = Matrix<float>::Zero(trace.hidden.rows(), trace.hidden.cols());
    second.backward(parameters, gradients, trace.hidden, d_output, d_hidden);
    relu_backward(trace.hidden, d_hidden);
    Matrix<float> d_input = Matrix<float>::Zero(trace.input.rows(), trace.input.cols());
    first.backward(parameters, gradients, trace.input, d_hidden, d_input);
    auto d_table = embedding.of(gradients);
    d_table.setZero();
    for (Eigen::Index i = 0; i < d_input.rows(); ++i)
      d_table.row(devices[static_cast<std::size_t>(i)]) += d_input.row(i).tail(kEmbedding);
  }
};

// What is trained on: one architecture on one device.
struct Item {
  Eigen::Index feature_row, device;
  float label;
};

void train(const DeviceMlp& network, Flat<float>& parameters, const FeatureRows& features,
           std::vector<Item> items, double learning_rate, int epochs, Rng& rng) {
  constexpr std::size_t kBatch = 128;
  AdamOptions options;
  options.learning_rate = learning_rate;
  options.last_learning_rate = 0;
  options.weight_decay = 5e-4;
  const auto steps = static_cast<int>((items.size() + kBatch - 1) / kBatch);
  Adam<float> adam(parameters.size(), options, epochs * steps);
  Flat<float> gradients(parameters.size());
  DeviceMlp::Trace trace;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    rng.shuffle(items);
    for (std::size_t from = 0; from < items.size(); from += kBatch) {
      const std::size_t count = std::min(kBatch, items.size() - from);
      FeatureRows rows(static_cast<Eigen::Index>(count), features.cols());
      Matrix<float> d_output(rows.rows(), 1);
      std::vector<Eigen::Index> devices;
      for (std::size_t i = 0; i < count; ++i) {
        rows.row(static_cast<Eigen::Index>(i)) = features.row(items[from + i].feature_row);
        d_output(static_cast<Eigen::Index>(i), 0) = -items[from + i].label;
        devices.push_back(items[from + i].device);
      }
      network.forward(parameters, rows, devices, trace);
      d_output = 2.0f / static_cast<float>(count) * (trace.output + d_output);
      network.backward(parameters, gradients, trace, devices, d_output);
      adam.step(parameters, gradients);
    }
  }
}

// Latencies scaled to 0..1 by their own extremes; all 0 where they are equal.
std::vector<float> scaled(const std::vector<double>& latency_ms) {
  const auto [low, high] = std::minmax_element(latency_ms.begin(), latency_ms.end());
  const double span = *high > *low ? *high - *low : 1;
  std::vector<float> labels;
  for (const double value : latency_ms) labels.push_back(static_cast<float>((value - *low) / span));
  return labels;
}

}  // namespace

Score by_macs(const Space& space) { return by_count(space, &Space::macs); }
Score by_params(const Space& space) { return by_count(space, &Space::params); }

std::size_t best_source(const LatencyTable& sources, const std::vector<Measurement>& measured) {
  const Row row = rows_of(sources);
  double best = -2;
  std::size_t chosen = 0;
  for (std::size_t d = 0; d < sources.devices.size(); ++d) {
    std::vector<double> of_source, of_target;
    for (const auto& one : measured) {
      of_source.push_back(sources.latency_ms[d][row.at(one.architecture)]);
      of_target.push_back(one.latency_ms);
    }
    const double match = spearman(of_source, of_target);
    if (match > best) {
      best = match;
      chosen = d;
    }
  }
  return chosen;
}

Score by_best_source(const LatencyTable& sources, const std::vector<Measurement>& measured) {
  return [row = rows_of(sources), latency = sources.latency_ms[best_source(sources, measured)]](
             const std::vector<Architecture>& asked) {
    std::vector<double> values;
    for (const auto& architecture : asked) values.push_back(latency[row.at(architecture)]);
    return values;
  };
}

Ridge fit_ridge(const Eigen::MatrixXd& x, const Eigen::VectorXd& y) {
  const Eigen::Index n = x.rows();
  const Eigen::RowVectorXd means = x.colwise().mean();
  const double mean = y.mean();
  const Eigen::MatrixXd centred = x.rowwise() - means;
  const Eigen::VectorXd wanted = y.array() - mean;
  const Eigen::MatrixXd gram = centred * centred.transpose();
  Ridge best;
  best.leave_one_out = std::numeric_limits<double>::infinity();
  for (const double strength : {1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0}) {
    const Eigen::MatrixXd inverse = (gram + strength * Eigen::MatrixXd::Identity(n, n)).inverse();
    const Eigen::VectorXd dual = inverse * wanted;
    // Residual over one minus leverage; the intercept takes 1/n of the leverage.
    const Eigen::ArrayXd free = strength * inverse.diagonal().array() - 1.0 / double(n);
    const double error = (strength * dual.array() / free).square().mean();
    if (error < best.leave_one_out) {
      best.weights = centred.transpose() * dual;
      best.intercept = mean - means.dot(best.weights);
      best.strength = strength;
      best.leave_one_out = error;
    }
  }
  return best;
}

Features one_hot_features(const Space& space, const std::vector<Architecture>& known) {
  std::map<Label, Eigen::Index> column;
  for (const auto& architecture : known)
    for (const Label& label : labels(space.graph(architecture)))
      column.emplace(label, static_cast<Eigen::Index>(column.size()));
  return [&space, column](const std::vector<Architecture>& asked) {
    FeatureRows rows =
        FeatureRows::Zero(static_cast<Eigen::Index>(asked.size()), static_cast<Eigen::Index>(column.size()));
    for (std::size_t i = 0; i < asked.size(); ++i)
      for (const Label& label : labels(space.graph(asked[i])))
        if (const auto found = column.find(label); found != column.end())
          rows(static_cast<Eigen::Index>(i), found->second) = 1;
    return rows;
  };
}

Score by_one_hot_ridge(const Space& space, const std::vector<Measurement>& measured) {
  const auto architectures = architectures_of(measured);
  const Features features = one_hot_features(space, architectures);
  const Ridge ridge = fit_ridge(features(architectures).cast<double>(), log_latency(measured));
  return [features, ridge](const std::vector<Architecture>& asked) {
    return to_vector(features(asked).cast<double>() * ridge.weights);
  };
}

Score by_source_ridge(const LatencyTable& sources, const std::vector<Measurement>& measured) {
  // Every source in units of its own spread, so that one penalty suits all.
  const auto devices = static_cast<Eigen::Index>(sources.devices.size());
  Eigen::MatrixXd standard(static_cast<Eigen::Index>(sources.architectures.size()), devices);
  for (Eigen::Index d = 0; d < devices; ++d) {
    for (Eigen::Index i = 0; i < standard.rows(); ++i)
      standard(i, d) = std::log(sources.latency_ms[static_cast<std::size_t>(d)][static_cast<std::size_t>(i)]);
    standard.col(d).array() -= standard.col(d).mean();
    const double spread = std::sqrt(standard.col(d).squaredNorm() / double(standard.rows()));
    if (spread > 0) standard.col(d) /= spread;
  }
  const auto rows = [row = rows_of(sources), standard](const std::vector<Architecture>& asked) {
    Eigen::MatrixXd x(static_cast<Eigen::Index>(asked.size()), standard.cols());
    for (std::size_t i = 0; i < asked.size(); ++i)
      x.row(static_cast<Eigen::Index>(i)) = standard.row(static_cast<Eigen::Index>(row.at(asked[i])));
    return x;
  };
  const Ridge ridge = fit_ridge(rows(architectures_of(measured)), log_latency(measured));
  return [rows, ridge](const std::vector<Architecture>& asked) {
    return to_vector(rows(asked) * ridge.weights);
  };
}

Features encoded_features(const Encoder& encoder, Encoding encoding) {
  return [encoder, encoding](const std::vector<Architecture>& asked) {
    const auto values = encoder.encode(encoding, asked);
    return FeatureRows(Eigen::Map<const FeatureRows>(values.data(), static_cast<Eigen::Index>(asked.size()),
                                                     width_of(encoding)));
  };
}

MultiPredict::MultiPredict(const LatencyTable& sources, Features features, std::uint64_t seed)
    : sources_(sources), features_(std::move(features)) {
  constexpr std::size_t kSamples = 900;
  constexpr double kLearningRate = 4e-4;
  constexpr int kEpochs = 250;
  const FeatureRows rows = features_(sources.architectures);
  const DeviceMlp network(rows.cols(), static_cast<Eigen::Index>(sources.devices.size()));
  Rng rng(seed);
  parameters_ = network.initial_parameters(rng);
  std::vector<Item> items;
  for (std::size_t d = 0; d < sources.devices.size(); ++d) {
    const auto chosen =
        rng.choose(sources.architectures.size(), std::min(kSamples, sources.architectures.size()));
    std::vector<double> latency_ms;
    for (const std::size_t i : chosen) latency_ms.push_back(sources.latency_ms[d][i]);
    const auto labels = scaled(latency_ms);
    for (std::size_t i = 0; i < chosen.size(); ++i)
      items.push_back({static_cast<Eigen::Index>(chosen[i]), static_cast<Eigen::Index>(d), labels[i]});
  }
  train(network, parameters_, rows, std::move(items), kLearningRate, kEpochs, rng);
}

Score MultiPredict::adapt(const std::vector<Measurement>& measured, std::uint64_t seed) const {
  constexpr double kLearningRate = 1e-3;
  constexpr int kEpochs = 50;
  const FeatureRows rows = features_(architectures_of(measured));
  const DeviceMlp network(rows.cols(), static_cast<Eigen::Index>(sources_.devices.size()));
  const auto device = static_cast<Eigen::Index>(best_source(sources_, measured));
  std::vector<double> latency_ms;
  for (const auto& one : measured) latency_ms.push_back(one.latency_ms);
  const auto labels = scaled(latency_ms);
  std::vector<Item> items;
  for (std::size_t i = 0; i < measured.size(); ++i)
    items.push_back({static_cast<Eigen::Index>(i), device, labels[i]});
  Flat<float> parameters = parameters_;
  Rng rng(seed);
  train(network, parameters, rows, std::move(items), kLearningRate, kEpochs, rng);
  return [features = features_, network, device, parameters](const std::vector<Architecture>& asked) {
    const FeatureRows described = features(asked);
    DeviceMlp::Trace trace;
    network.forward(parameters, described, std::vector<Eigen::Index>(asked.size(), device), trace);
    return to_vector(trace.output.col(0).cast<double>());
  };
}

}  // namespace latencast
