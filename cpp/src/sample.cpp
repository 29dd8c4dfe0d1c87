// k-means: S. Lloyd, IEEE Trans. Inf. Theory 28(2), 1982; its start: D. Arthur, S. Vassilvitskii,
// "k-means++", SODA 2007.
#include "latencast/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "latencast/error.h"

namespace latencast {
namespace {

constexpr int kRounds = 10;  // of k-means; on these pools the centres have settled by then

struct Sampler {
  enum class Kind { random, params, kmeans, cosine, both };
  std::string name;
  Kind kind;
  Encoding encoding = Encoding::none;
};

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = [] {
    std::vector<Sampler> list = {{"random", Sampler::Kind::random}, {"params", Sampler::Kind::params}};
    for (const Encoding encoding : {Encoding::arch2vec, Encoding::cate, Encoding::zcp, Encoding::caz}) {
      const std::string suffix = std::string("-") + name_of(encoding);
      list.push_back({"kmeans" + suffix, Sampler::Kind::kmeans, encoding});
      list.push_back({"cosine" + suffix, Sampler::Kind::cosine, encoding});
      list.push_back({"both" + suffix, Sampler::Kind::both, encoding});
    }
    return list;
  }();
  return all;
}

const Sampler& sampler_called(const std::string& name) {
  std::string known;
  for (const Sampler& one : samplers()) {
    if (one.name == name) return one;
    known += (known.empty() ? "" : ", ") + one.name;
  }
  throw Error(ErrorCode::argument, "sampler: found \"" + name + "\"; expected one of " + known);
}

// Rows of equal width, one an architecture.
struct Rows {
  std::size_t width = 0;
  std::vector<float> values;

  std::size_t count() const { return values.size() / width; }
  const float* row(std::size_t i) const { return values.data() + i * width; }
};

// Each column to mean 0 and spread 1, so that none counts for more than another.
void standardise(Rows& rows) {
  const double n = double(rows.count());
  for (std::size_t c = 0; c < rows.width; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = c; i < rows.values.size(); i += rows.width) sum += double(rows.values[i]);
    const double mean = sum / n;
    for (std::size_t i = c; i < rows.values.size(); i += rows.width)
      squares += (double(rows.values[i]) - mean) * (double(rows.values[i]) - mean);
    const double spread = std::sqrt(squares / n);
    const double factor = spread > 0 ? 1 / spread : 0;
    for (std::size_t i = c; i < rows.values.size(); i += rows.width)
      rows.values[i] = static_cast<float>((double(rows.values[i]) - mean) * factor);
  }
}

float squared_distance(const float* a, const float* b, std::size_t width) {
  float sum = 0;
  for (std::size_t c = 0; c < width; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

// One at random from each of `count` equal stretches of the items, sorted by `key`.
std::vector<std::size_t> from_buckets(const std::vector<double>& key, std::vector<std::size_t> items,
                                      std::size_t count, Rng& rng) {
  std::stable_sort(items.begin(), items.end(), [&](auto a, auto b) { return key[a] < key[b]; });
  std::vector<std::size_t> chosen;
  for (std::size_t b = 0; b < count; ++b) {
    const std::size_t from = b * items.size() / count, to = (b + 1) * items.size() / count;
    chosen.push_back(items[from + rng.below(to - from)]);
  }
  return chosen;
}

// Mean cosine similarity of each row to all others, up to a constant and a factor that keep its order: the
// product of its direction with the sum of all directions.
std::vector<double> similarity_to_rest(const Rows& rows) {
  std::vector<double> total(rows.width, 0.0), inverse(rows.count()), similarity(rows.count());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    double squares = 0;
    for (std::size_t c = 0; c < rows.width; ++c) squares += double(rows.row(i)[c]) * double(rows.row(i)[c]);
    inverse[i] = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (std::size_t c = 0; c < rows.width; ++c) total[c] += inverse[i] * double(rows.row(i)[c]);
  }
  for (std::size_t i = 0; i < rows.count(); ++i)
    for (std::size_t c = 0; c < rows.width; ++c)
      similarity[i] += inverse[i] * double(rows.row(i)[c]) * total[c];
  return similarity;
}

std::vector<std::size_t> nearest_to_centres(const Rows& rows, std::size_t count, Rng& rng) {
  const std::size_t n = rows.count(), width = rows.width;
  std::vector<float> centres;
  const auto add_centre = [&](std::size_t i) {
    centres.insert(centres.end(), rows.row(i), rows.row(i) + width);
  };
  // Each further start is drawn in proportion to the squared distance to the nearest one so far.
  std::vector<double> distance(n, std::numeric_limits<double>::infinity());
  for (std::size_t k = 0; k < count; ++k) {
    if (k == 0) {
      add_centre(rng.below(n));
    } else {
      double left = rng.uniform() * std::accumulate(distance.begin(), distance.end(), 0.0);
      std::size_t i = 0;
      while (i + 1 < n && (left -= distance[i]) >= 0) ++i;
      add_centre(i);
    }
    const float* centre = centres.data() + k * width;
    for (std::size_t i = 0; i < n; ++i)
      distance[i] = std::min(distance[i], double(squared_distance(rows.row(i), centre, width)));
  }

  std::vector<double> sum(count * width);
  std::vector<std::size_t> members(count);
  for (int round = 0; round < kRounds; ++round) {
    std::fill(sum.begin(), sum.end(), 0.0);
    std::fill(members.begin(), members.end(), std::size_t{0});
    for (std::size_t i = 0; i < n; ++i) {
      std::size_t best = 0;
      float least = std::numeric_limits<float>::infinity();
      for (std::size_t k = 0; k < count; ++k) {
        const float d = squared_distance(rows.row(i), centres.data() + k * width, width);
        if (d < least) {
          least = d;
          best = k;
        }
      }
      ++members[best];
      for (std::size_t c = 0; c < width; ++c) sum[best * width + c] += double(rows.row(i)[c]);
    }
    for (std::size_t k = 0; k < count; ++k)
      for (std::size_t c = 0; c < width && members[k] > 0; ++c)
        centres[k * width + c] = static_cast<float>(sum[k * width + c] / double(members[k]));
  }

  std::vector<std::size_t> chosen;
  std::vector<char> taken(n, 0);
  for (std::size_t k = 0; k < count; ++k) {
    std::size_t best = n;
    float least = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < n; ++i) {
      if (taken[i]) continue;
      const float d = squared_distance(rows.row(i), centres.data() + k * width, width);
      if (best == n || d < least) {
        least = d;
        best = i;
      }
    }
    taken[best] = 1;
    chosen.push_back(best);
  }
  return chosen;
}

}  // namespace

const std::vector<std::string>& sampler_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Sampler& one : samplers()) all.push_back(one.name);
    return all;
  }();
  return names;
}

bool needs_encoder(const std::string& sampler) { return sampler_called(sampler).encoding != Encoding::none; }

std::vector<std::size_t> choose_samples(const std::string& sampler, const Space& space,
                                        const std::vector<Architecture>& pool, std::size_t count,
                                        const Encoder* encoder, std::uint64_t seed) {
  const Sampler& method = sampler_called(sampler);
  if (count > pool.size())
    throw Error(ErrorCode::argument, "sampler: cannot choose " + std::to_string(count) + " of " +
                                         std::to_string(pool.size()) + " architectures");
  if (needs_encoder(sampler) && !encoder)
    throw Error(ErrorCode::argument, "sampler: " + sampler + " needs an encoder of the space");
  if (encoder && &encoder->space() != &space)
    throw Error(ErrorCode::argument, "sampler: the encoder is of " + std::string(encoder->space().id()) +
                                         "; expected one of " + space.id());

  // In alphabetical order, so that the choice does not depend on the pool's.
  std::vector<std::size_t> position(pool.size());
  std::iota(position.begin(), position.end(), std::size_t{0});
  std::stable_sort(position.begin(), position.end(), [&](auto a, auto b) { return pool[a] < pool[b]; });
  std::vector<Architecture> sorted;
  for (const std::size_t i : position) sorted.push_back(pool[i]);
  std::vector<std::size_t> items(sorted.size());
  std::iota(items.begin(), items.end(), std::size_t{0});

  Rng rng(seed);
  Rows rows;
  if (method.encoding != Encoding::none && !sorted.empty()) {
    rows = {static_cast<std::size_t>(width_of(method.encoding)), encoder->encode(method.encoding, sorted)};
    standardise(rows);
  }
  std::vector<std::size_t> chosen;
  if (count == 0) return chosen;
  switch (method.kind) {
    case Sampler::Kind::random:
      chosen = rng.choose(sorted.size(), count);
      break;
    case Sampler::Kind::params: {
      std::vector<double> size;
      for (const auto& architecture : sorted) size.push_back(double(space.params(architecture)));
      chosen = from_buckets(size, items, count, rng);
      break;
    }
    case Sampler::Kind::kmeans:
      chosen = nearest_to_centres(rows, count, rng);
      break;
    case Sampler::Kind::cosine:
      chosen = from_buckets(similarity_to_rest(rows), items, count, rng);
      break;
    case Sampler::Kind::both: {
      if (count > 1) chosen = nearest_to_centres(rows, count / 2, rng);
      for (const std::size_t i : chosen) items.erase(std::lower_bound(items.begin(), items.end(), i));
      const auto rest = from_buckets(similarity_to_rest(rows), items, count - chosen.size(), rng);
      chosen.insert(chosen.end(), rest.begin(), rest.end());
      break;
    }
  }
  for (std::size_t& i : chosen) i = position[i];
  return chosen;
}

}  // namespace latencast
