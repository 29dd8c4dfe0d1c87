#include "latencast/prior.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "json.h"
#include "latencast/checkpoint.h"
#include "latencast/design.h"
#include "latencast/error.h"
#include "linear.h"
#include "median.h"
#include "product.h"
#include "simulate.h"

namespace latencast {
namespace {

using Index = Eigen::Index;

// How a device may differ from the one it is most like: as invented devices differ among themselves, as real
// ones do, and in what physical totals cost. Shares chosen on source devices (docs/closed-form.md).
constexpr double kLikeInvented = 0.5, kLikeReal = 0.3, kPhysical = 0.2;

// log(ms) more than this below the median is a network that was computed beforehand; how much faster says
// nothing.
constexpr double kFarBelow = 3;

// Latencies of one device as a function of the features: theta with (features - mean) . theta ~ log latency.
Eigen::VectorXd regress(const DoubleMatrix& features, const Eigen::VectorXd& log_latency, double ridge) {
  const Eigen::RowVectorXd mean = features.colwise().mean();
  const DoubleMatrix centred = features.rowwise() - mean;
  DoubleMatrix gram;
  set_product(centred.transpose(), centred, gram);
  gram.diagonal().array() += ridge;
  const DoubleMatrix lower = cholesky(gram);
  const DoubleMatrix target = (log_latency.array() - log_latency.mean()).matrix();
  DoubleMatrix right;
  set_product(centred.transpose(), target, right);
  return solve_lower_transposed(lower, solve_lower(lower, right)).col(0);
}

void clip_far_below(Eigen::VectorXd& log_latency) {
  const double lowest = median_of({log_latency.begin(), log_latency.end()}) - kFarBelow;
  log_latency = log_latency.cwiseMax(lowest);
}

struct Scaling {
  Eigen::VectorXd mean, inverse;  // inverse spread; 0 for a feature that never changes

  explicit Scaling(const RowMatrix& features) {
    const DoubleMatrix values = features.cast<double>();
    mean = values.colwise().mean();
    const Eigen::VectorXd spread =
        ((values.rowwise() - mean.transpose()).colwise().squaredNorm() / double(values.rows())).cwiseSqrt();
    inverse = (spread.array() > 1e-9).select(spread.array().max(1e-9).inverse(), 0.0);
  }

  DoubleMatrix operator()(const RowMatrix& features) const {
    return (features.cast<double>().rowwise() - mean.transpose()) * inverse.asDiagonal();
  }
};

float half(double value) { return round_to_half(static_cast<float>(value)); }

// scaled: features of the architectures that stand for the space, scaled. invented: theta of each invented
// device, a row each.
Prior assemble(const Scaling& scaling, const DoubleMatrix& scaled, const PriorSources& sources, int physical,
               const DoubleMatrix& invented, const PriorOptions& options) {
  constexpr double kRidge = 3;
  const Index p = scaled.cols(), real = static_cast<Index>(sources.devices.size());
  DoubleMatrix thetas(real, p);
  std::vector<double> levels;
  const DoubleMatrix source_features = scaling(sources.features);
  for (Index d = 0; d < real; ++d) {
    const auto& latency = sources.latency_ms[static_cast<std::size_t>(d)];
    std::vector<Index> known;
    for (std::size_t i = 0; i < latency.size(); ++i)
      if (std::isfinite(latency[i])) known.push_back(static_cast<Index>(i));
    DoubleMatrix rows(static_cast<Index>(known.size()), p);
    Eigen::VectorXd log_latency(rows.rows());
    for (Index i = 0; i < rows.rows(); ++i) {
      const Index from = known[static_cast<std::size_t>(i)];
      rows.row(i) = source_features.row(from);
      log_latency[i] = std::log(latency[static_cast<std::size_t>(from)]);
    }
    if (known.size() < 2)
      throw Error(ErrorCode::argument, "prior: device " + sources.devices[static_cast<std::size_t>(d)] +
                                           " has " + std::to_string(known.size()) +
                                           " latencies; expected at least 2");
    clip_far_below(log_latency);
    thetas.row(d) = regress(rows, log_latency, kRidge).transpose();
    levels.push_back(log_latency.mean() - rows.colwise().mean().dot(thetas.row(d)));
  }

  // In coordinates where the length of theta is the spread of its function over the space.
  DoubleMatrix gram;
  set_product(scaled.transpose(), scaled, gram);
  gram /= double(scaled.rows());
  gram.diagonal().array() += 1e-6;
  const DoubleMatrix lower = cholesky(gram);
  const auto as_functions = [&](const DoubleMatrix& rows) {
    DoubleMatrix functions;
    set_product(rows, lower, functions);
    return functions;
  };

  const Index q_invented = invented.rows() > 0 ? std::min<Index>(options.directions, p) : 0;
  const Index q = q_invented + real + physical;
  DoubleMatrix basis = DoubleMatrix::Zero(p, q);
  DoubleMatrix centres = DoubleMatrix::Zero(real + std::max<Index>(invented.rows(), 1), q);
  const double shares = (q_invented > 0 ? kLikeInvented : 0) + (real > 0 ? kLikeReal : 0) + kPhysical;
  if (q_invented > 0) {
    const DoubleMatrix functions = as_functions(invented);
    const double mean_square = functions.squaredNorm() / double(functions.rows());
    DoubleMatrix covariance;
    set_product(functions.transpose(), functions, covariance);
    covariance /= double(functions.rows());
    const Eigenpairs pairs = leading_eigenpairs(covariance, static_cast<int>(q_invented));
    const double share = kLikeInvented / shares / mean_square;
    DoubleMatrix directions = solve_lower_transposed(lower, pairs.vectors), coordinates;
    set_product(functions, pairs.vectors, coordinates);
    for (Index j = 0; j < q_invented; ++j) {
      const double scale = std::sqrt(share * std::max(pairs.values[j], 1e-12));
      basis.col(j) = scale * directions.col(j);
      centres.block(real, j, invented.rows(), 1) = coordinates.col(j) / scale;
    }
  }
  if (real > 0) {
    const double mean_square = as_functions(thetas).squaredNorm() / double(real);
    const double scale = std::sqrt(kLikeReal / shares / mean_square / double(real));
    for (Index d = 0; d < real; ++d) {
      basis.col(q_invented + d) = scale * thetas.row(d).transpose();
      centres(d, q_invented + d) = 1 / scale;
    }
  }
  for (Index j = 0; j < physical; ++j)
    basis(p - physical + j, q_invented + real + j) = std::sqrt(kPhysical / shares / double(physical));

  Prior prior;
  prior.mean = scaling.mean.unaryExpr(&half);
  prior.basis = (scaling.inverse.asDiagonal() * basis).unaryExpr(&half);
  prior.centres = centres.unaryExpr(&half);
  prior.devices = sources.devices;
  prior.real_mass = real == 0 ? 0 : invented.rows() == 0 ? 0.5 : options.real_mass;
  // A new device may be a hundred times faster or slower than any known one.
  constexpr double kAnyLevel = 3;
  prior.level_spread = kAnyLevel;
  if (real > 0) {
    prior.level = median_of(levels);
    const auto [low, high] = std::minmax_element(levels.begin(), levels.end());
    prior.level_low = *low;
    prior.level_high = *high;
  }
  return prior;
}

void check(const PriorSources& sources) {
  for (std::size_t d = 0; d < sources.latency_ms.size(); ++d)
    if (sources.latency_ms[d].size() != static_cast<std::size_t>(sources.features.rows()))
      throw Error(ErrorCode::argument, "prior: device " + std::to_string(d + 1) + " has " +
                                           std::to_string(sources.latency_ms[d].size()) +
                                           " latencies; expected " + std::to_string(sources.features.rows()));
  if (sources.devices.size() != sources.latency_ms.size())
    throw Error(ErrorCode::argument, "prior: found " + std::to_string(sources.devices.size()) +
                                         " names and " + std::to_string(sources.latency_ms.size()) +
                                         " devices");
}

}  // namespace

RowMatrix Prior::embed(const RowMatrix& features) const {
  const RowMatrix centred = features.rowwise() - mean.transpose();
  RowMatrix psi;
  set_product(centred, basis, psi);
  return psi;
}

RowMatrix features_of(const Space& space, const std::vector<Architecture>& architectures) {
  const Design& design = design_of(space);
  RowMatrix features(static_cast<Index>(architectures.size()), design.width());
  for (std::size_t i = 0; i < architectures.size(); ++i)
    design.write_row(architectures[i], features.row(static_cast<Index>(i)).data());
  return features;
}

Prior learn_prior(const Space& space, const PriorSources& sources, const PriorOptions& options) {
  check(sources);
  Rng rng(options.seed);
  std::vector<Architecture> sample;
  for (std::size_t i = 0; i < options.architectures; ++i) sample.push_back(space.random(rng));
  const RowMatrix features = features_of(space, sample);
  const Scaling scaling(features);
  const DoubleMatrix scaled = scaling(features);

  std::vector<Graph> graphs;
  for (const auto& architecture : sample) graphs.push_back(space.graph(architecture));
  const auto n = static_cast<Index>(sample.size());
  DoubleMatrix log_latency(n, options.invented);
  for (Index v = 0; v < options.invented; ++v) {
    SimulatedDevice device(space, rng);
    Eigen::VectorXd one(n);
    for (Index i = 0; i < n; ++i) one[i] = std::log(device.latency(graphs[static_cast<std::size_t>(i)]));
    clip_far_below(one);
    log_latency.col(v) = one.array() - one.mean();
  }
  DoubleMatrix gram, right;
  set_product(scaled.transpose(), scaled, gram);
  gram.diagonal().array() += 1e-4 * double(n);
  set_product(scaled.transpose(), log_latency, right);
  const DoubleMatrix lower = cholesky(gram);
  const DoubleMatrix invented = solve_lower_transposed(lower, solve_lower(lower, right)).transpose();
  return assemble(scaling, scaled, sources, design_of(space).physical(), invented, options);
}

Prior learn_prior(const PriorSources& sources, int physical, const PriorOptions& options) {
  check(sources);
  const Scaling scaling(sources.features);
  return assemble(scaling, scaling(sources.features), sources, physical, DoubleMatrix(0, 0), options);
}

double Prior::mass(Index centre) const {
  const auto real = static_cast<Index>(devices.size());
  return centre < real ? real_mass / double(real) : (1 - real_mass) / double(centres.rows() - real);
}

std::vector<Tensor> prior_tensors(const Prior& prior) {
  const auto tensor = [](const char* name, const auto& matrix) {
    return Tensor{name,
                  {static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())},
                  {matrix.data(), matrix.data() + matrix.size()}};
  };
  return {tensor("prior.mean", prior.mean), tensor("prior.basis", prior.basis),
          tensor("prior.centres", prior.centres)};
}

std::string prior_meta(const Prior& prior) {
  return nlohmann::json{{"devices", prior.devices},     {"real_mass", prior.real_mass},
                        {"level", prior.level},         {"level_spread", prior.level_spread},
                        {"level_low", prior.level_low}, {"level_high", prior.level_high}}
      .dump();
}

Prior read_prior(const std::vector<Tensor>& tensors, const std::string& meta_text) {
  const auto damaged = [](const std::string& what) { return Error(ErrorCode::checkpoint, "prior: " + what); };
  const nlohmann::json meta = read_json(meta_text);
  if (tensors.size() != 3) throw damaged("found " + std::to_string(tensors.size()) + " tensors; expected 3");
  const auto matrix = [&](std::size_t i, const char* name) {
    const Tensor& tensor = tensors[i];
    if (tensor.name != name || tensor.shape.size() != 2)
      throw damaged("found the tensor " + tensor.name + "; expected " + name + " with two dimensions");
    return RowMatrix(Eigen::Map<const RowMatrix>(tensor.values.data(), static_cast<Index>(tensor.shape[0]),
                                                 static_cast<Index>(tensor.shape[1])));
  };
  Prior prior;
  const RowMatrix mean = matrix(0, "prior.mean");
  prior.basis = matrix(1, "prior.basis");
  prior.centres = matrix(2, "prior.centres");
  meta.at("devices").get_to(prior.devices);
  meta.at("real_mass").get_to(prior.real_mass);
  meta.at("level").get_to(prior.level);
  meta.at("level_spread").get_to(prior.level_spread);
  meta.at("level_low").get_to(prior.level_low);
  meta.at("level_high").get_to(prior.level_high);
  if (mean.cols() != 1 || mean.rows() != prior.basis.rows() || prior.centres.cols() != prior.basis.cols() ||
      prior.basis.cols() < 1 || prior.centres.rows() <= static_cast<Index>(prior.devices.size()))
    throw damaged("its tensors do not fit each other");
  if (!(prior.real_mass >= 0 && prior.real_mass < 1) || !(prior.level_spread > 0) ||
      !std::isfinite(prior.level))
    throw damaged("found a level or mass that none can have");
  prior.mean = mean.col(0);
  return prior;
}

}  // namespace latencast
