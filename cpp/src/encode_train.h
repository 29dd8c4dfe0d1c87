// Architectures and their listed proxies -> an encoder.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "encode_arch2vec.h"
#include "encode_cate.h"
#include "encode_proxies.h"
#include "latencast/encode.h"

namespace latencast {

/// Raw zero-cost proxies.
struct ProxyList {
  std::vector<Architecture> architectures;               ///< canonical
  std::vector<std::array<double, kProxyCount>> proxies;  ///< NaN where there is none
};

struct EncoderTraining {
  std::string space = "nb201";
  std::size_t pool = 16000;  ///< architectures drawn to learn from, at most
  double held_back = 0.1;    ///< share of them, and of the proxies, kept for the report
  int arch2vec_epochs = 15;
  int cate_epochs = 25;
  int surrogate_epochs = 100;
  int batch = 32;
  std::uint64_t seed = 0;  ///< decides everything random
};

/// Measured on what was held back.
struct EncoderReport {
  Reconstruction arch2vec;
  Cate::Result cate;                             ///< helped by a neighbour
  Cate::Result cate_itself;                      ///< helped by itself
  std::array<double, kComputedCount> proxies{};  ///< Spearman's rho of a proxy as encoded to the listed one
};

struct TrainedEncoder {
  Encoder encoder;
  EncoderReport report;
};

/// Called after each epoch, counted from 1.
using EncoderProgress = std::function<void(const char* part, int epoch, int epochs, double loss)>;

/// listed: of all cells of without_dead() where the space is listed whole, else of any.
TrainedEncoder train_encoder(const EncoderTraining& options, const ProxyList& listed,
                             const EncoderProgress& progress);

/// A batch of CATE: of each pair of `sorted` (graphs by ascending parameters), given by position, the second
/// with a fifth of its operations hidden.
CateBatch cate_batch(const NodeInputs& inputs, const std::vector<Graph>& sorted,
                     const std::vector<std::pair<std::size_t, std::size_t>>& pairs, Rng& rng);

}  // namespace latencast
