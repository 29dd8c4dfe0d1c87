#include "kernel_samples.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "families.h"
#include "kernel_data.h"
#include "kernel_features.h"
#include "latencast/error.h"

namespace latencast {
namespace {

constexpr std::int64_t kChannelStep = 8, kImageChannels = 3;

std::int64_t& of(Configuration& configuration, Dimension dimension) {
  return configuration[static_cast<std::size_t>(dimension)];
}
std::int64_t of(const Configuration& configuration, Dimension dimension) {
  return configuration[static_cast<std::size_t>(dimension)];
}

bool is_size(Dimension dimension) { return dimension != Dimension::window && dimension != Dimension::stride; }

bool has(KernelType type, Dimension dimension) {
  const auto& all = dimensions_of(type);
  return std::find(all.begin(), all.end(), dimension) != all.end();
}

// The scale on which an auto-encoder sees it.
double scaled(Dimension dimension, std::int64_t value) {
  return is_size(dimension) ? std::log2(double(value)) : double(value);
}

double most_macs(KernelType type, const std::vector<Configuration>& known) {
  double most = 0;
  for (const Configuration& one : known) most = std::max(most, work_of(shape_of(type, one)).macs);
  return most;
}

std::vector<std::int64_t> values_of(const std::vector<Configuration>& known, Dimension dimension) {
  std::set<std::int64_t> values;
  for (const Configuration& one : known) values.insert(of(one, dimension));
  return {values.begin(), values.end()};
}

// What auto-encoders see of the configurations of one type.
class UnitScale {
 public:
  UnitScale(KernelType type, const std::vector<Configuration>& known) {
    for (const Dimension dimension : dimensions_of(type)) {
      const auto values = values_of(known, dimension);
      axes_.push_back({dimension, values, scaled(dimension, values.front()),
                       std::max(scaled(dimension, values.back()) - scaled(dimension, values.front()), 1e-9)});
    }
  }

  Matrix<float> rows(const std::vector<Configuration>& known) const {
    Matrix<float> rows(static_cast<Eigen::Index>(known.size()), static_cast<Eigen::Index>(axes_.size()));
    for (std::size_t i = 0; i < known.size(); ++i)
      for (std::size_t a = 0; a < axes_.size(); ++a)
        rows(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(a)) = static_cast<float>(
            (scaled(axes_[a].dimension, of(known[i], axes_[a].dimension)) - axes_[a].low) / axes_[a].span);
    return rows;
  }

  /// The configuration nearest to a row.
  Configuration configuration(const float* row) const {
    Configuration made;
    made.fill(1);
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const Axis& axis = axes_[a];
      const double value = axis.low + axis.span * std::clamp(double(row[a]), 0.0, 1.0);
      of(made, axis.dimension) =
          axis.dimension == Dimension::channels_in || axis.dimension == Dimension::channels_out
              ? channels(axis, std::exp2(value))
              : nearest(axis, value);
    }
    return made;
  }

 private:
  struct Axis {
    Dimension dimension;
    std::vector<std::int64_t> values;  // that occur, ascending
    double low, span;
  };

  static std::int64_t nearest(const Axis& axis, double value) {
    return *std::min_element(axis.values.begin(), axis.values.end(), [&](std::int64_t a, std::int64_t b) {
      return std::abs(scaled(axis.dimension, a) - value) < std::abs(scaled(axis.dimension, b) - value);
    });
  }

  static std::int64_t channels(const Axis& axis, double value) {
    if (axis.values.front() == kImageChannels && value * value < double(kImageChannels * kChannelStep))
      return kImageChannels;
    return kChannelStep * std::max<std::int64_t>(1, std::llround(value / double(kChannelStep)));
  }

  std::vector<Axis> axes_;
};

using Histogram = std::map<Configuration, double>;

// per_octave: bins of pixels and channels.
Histogram histogram(const std::vector<Configuration>& items, const std::vector<Dimension>& dimensions,
                    double per_octave) {
  Histogram bins;
  for (const Configuration& item : items) {
    Configuration bin;
    bin.fill(0);
    for (const Dimension dimension : dimensions)
      of(bin, dimension) = is_size(dimension)
                               ? std::llround(per_octave * scaled(dimension, of(item, dimension)))
                               : of(item, dimension);
    bins[bin] += 1;
  }
  return bins;
}

double divergence_of(const Histogram& real, Histogram found) {
  constexpr double kEven = 0.01;
  double all_real = 0, all_found = 0, sum = 0;
  for (const auto& [bin, count] : real) {
    found[bin] += 0;
    all_real += count;
  }
  for (const auto& [bin, count] : found) all_found += count;
  for (const auto& [bin, count] : real) {
    const double p = count / all_real,
                 q = (1 - kEven) * found[bin] / all_found + kEven / double(found.size());
    sum += p * std::log(p / q);
  }
  return sum;
}

}  // namespace

const char* name(Dimension dimension) {
  constexpr const char* kNames[kDimensions] = {"pixels", "channels in", "channels out", "window", "stride"};
  return kNames[static_cast<std::size_t>(dimension)];
}

const std::vector<Dimension>& dimensions_of(KernelType type) {
  using D = Dimension;
  static const std::vector<Dimension> conv = {D::pixels, D::channels_in, D::channels_out, D::window,
                                              D::stride};
  static const std::vector<Dimension> window = {D::pixels, D::channels_in, D::window, D::stride};
  static const std::vector<Dimension> fc = {D::channels_in, D::channels_out};
  static const std::vector<Dimension> image = {D::pixels, D::channels_in};
  switch (type) {
    case KernelType::conv:
      return conv;
    case KernelType::dwconv:
    case KernelType::maxpool:
    case KernelType::avgpool:
      return window;
    case KernelType::fc:
      return fc;
    case KernelType::gap:
    case KernelType::add:
    case KernelType::se:
    case KernelType::swish:
    case KernelType::hswish:
      return image;
    default:
      throw Error(ErrorCode::argument, std::string("configurations: found kernel type '") + name(type) +
                                           "'; one of convolutional networks expected");
  }
}

KernelShape shape_of(KernelType type, const Configuration& configuration) {
  KernelShape shape;
  shape.type = type;
  shape.h = shape.w = of(configuration, Dimension::pixels);
  shape.cin = of(configuration, Dimension::channels_in);
  shape.cout = has(type, Dimension::channels_out) ? of(configuration, Dimension::channels_out) : shape.cin;
  shape.kh = shape.kw = of(configuration, Dimension::window);
  shape.stride_h = shape.stride_w = of(configuration, Dimension::stride);
  shape.out_h = shape.out_w = type == KernelType::gap ? 1 : (shape.h + shape.stride_h - 1) / shape.stride_h;
  if (type == KernelType::dwconv) shape.groups = shape.cin;
  return shape;
}

bool read_configuration(const KernelShape& kernel, Configuration& configuration) {
  configuration.fill(1);
  const Configuration read = {kernel.h, kernel.cin, kernel.cout, kernel.kh, kernel.stride_h};
  for (const Dimension dimension : dimensions_of(kernel.type))
    of(configuration, dimension) = of(read, dimension);
  const KernelShape made = shape_of(kernel.type, configuration);
  const auto all = [](const KernelShape& k) {
    return std::vector<std::int64_t>{k.n,  k.h,  k.w,        k.cin,      k.cout,     k.out_h, k.out_w,
                                     k.kh, k.kw, k.stride_h, k.stride_w, k.dilation, k.groups};
  };
  return all(made) == all(kernel);
}

std::vector<KernelShape> kernels_of_families(std::size_t networks, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<KernelShape> all;
  for (std::size_t i = 0; i < networks; ++i) {
    const auto kernels = kernels_of(families()[i % families().size()].draw(rng));
    all.insert(all.end(), kernels.begin(), kernels.end());
  }
  return all;
}

std::vector<Configuration> occurring(KernelType type, const std::vector<KernelShape>& kernels) {
  std::vector<Configuration> found;
  for (const KernelShape& kernel : kernels) {
    Configuration configuration;
    if (kernel.type == type && read_configuration(kernel, configuration)) found.push_back(configuration);
  }
  if (found.empty())
    throw Error(ErrorCode::argument,
                std::string("configurations: none of the networks has a kernel of type ") + name(type));
  return found;
}

ConfigurationSampler sample_known(std::vector<Configuration> known) {
  return [known = std::move(known)](Rng& rng) { return known[rng.below(known.size())]; };
}

ConfigurationSampler sample_at_random(KernelType type, const std::vector<Configuration>& known) {
  return [type, most = most_macs(type, known)](Rng& rng) {
    static const std::vector<std::int64_t> kPixels = {1, 7, 8, 13, 14, 27, 28, 32, 56, 112, 224};
    static const std::vector<std::int64_t> kWindows = {1, 3, 5, 7}, kPools = {2, 3}, kStrides = {1, 2, 4};
    const auto one_of = [&](const std::vector<std::int64_t>& values) {
      return values[rng.below(values.size())];
    };
    const auto between = [&](double low, double high) {
      return std::llround(low * std::pow(high / low, rng.uniform()));
    };
    const bool is_pool = type == KernelType::maxpool || type == KernelType::avgpool;
    while (true) {
      const Configuration drawn = {one_of(kPixels), between(3, 2160), between(16, 2048),
                                   one_of(is_pool ? kPools : kWindows), one_of(kStrides)};
      Configuration made;
      made.fill(1);
      for (const Dimension dimension : dimensions_of(type)) of(made, dimension) = of(drawn, dimension);
      if (work_of(shape_of(type, made)).macs <= most) return made;
    }
  };
}

ConfigurationSampler sample_like(KernelType type, const std::vector<Configuration>& known,
                                 const AutoencoderOptions& options) {
  const UnitScale scale(type, known);
  const Matrix<float> rows = scale.rows(known);
  const auto network = std::make_shared<const Autoencoder>(rows.cols(), options);
  return [network, scale, parameters = train(*network, rows, options)](Rng& rng) {
    const Matrix<float> decoded = network->decode(parameters, normal_matrix(1, network->latent(), rng));
    return scale.configuration(decoded.data());
  };
}

std::vector<Configuration> distinct(const ConfigurationSampler& sampler, std::size_t count,
                                    std::uint64_t seed) {
  constexpr int kPatience = 1000;
  Rng rng(seed);
  std::vector<Configuration> chosen;
  std::set<Configuration> seen;
  int in_vain = 0;
  while (chosen.size() < count) {
    const Configuration drawn = sampler(rng);
    if (seen.insert(drawn).second) {
      chosen.push_back(drawn);
      in_vain = 0;
    } else if (++in_vain == kPatience) {
      throw Error(ErrorCode::argument, "configurations: found " + std::to_string(chosen.size()) +
                                           " different ones; " + std::to_string(count) + " asked for");
    }
  }
  return chosen;
}

Divergence divergence(KernelType type, const std::vector<Configuration>& real,
                      const std::vector<Configuration>& found) {
  const auto& dimensions = dimensions_of(type);
  Divergence result;
  for (const Dimension dimension : dimensions)
    result.of_dimension.push_back(
        divergence_of(histogram(real, {dimension}, 2), histogram(found, {dimension}, 2)));
  result.joint = divergence_of(histogram(real, dimensions, 1), histogram(found, dimensions, 1));
  return result;
}

std::string csv_of(KernelType type, const std::vector<Configuration>& configurations) {
  std::string text = std::string(kKernelColumns) + "\n";
  for (const Configuration& one : configurations) text += key_of(shape_of(type, one)) + "\n";
  return text;
}

}  // namespace latencast
