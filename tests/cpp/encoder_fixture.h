// A small encoder for tests, trained once per run on made-up proxies.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "encode_train.h"

namespace latencast {

inline std::vector<Architecture> random_architectures(const Space& space, std::size_t count,
                                                      std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Architecture> drawn;
  while (drawn.size() < count) drawn.push_back(space.random(rng));
  return drawn;
}

/// Every proxy (jacov: less it) is a sum over the blocks of FBNet, of each (block, operation) a random
/// number.
inline ProxyList made_up_proxies(const std::vector<Architecture>& architectures) {
  ProxyList list;
  list.architectures = architectures;
  for (const auto& architecture : architectures) {
    list.proxies.emplace_back();
    for (int c = 0; c < kProxyCount; ++c) {
      double& sum = list.proxies.back()[static_cast<std::size_t>(c)];
      sum = 50;
      for (std::size_t block = 0; block < architecture.size(); ++block)
        sum += Rng(static_cast<std::uint64_t>(c * 10 + architecture[block])).uniform() *
               (1 + 0.1 * double(block));
      if (std::string(kProxies[static_cast<std::size_t>(c)]) == "jacov") sum = -sum;
    }
  }
  return list;
}

struct TinyEncoder : TrainedEncoder {
  std::map<std::string, std::vector<double>> losses;  ///< of each part, epoch by epoch
};

inline const TinyEncoder& tiny_encoder() {
  static const TinyEncoder trained = [] {
    EncoderTraining options;
    options.space = "fbnet";
    options.pool = 120;
    options.arch2vec_epochs = options.cate_epochs = 5;
    options.surrogate_epochs = 40;
    std::map<std::string, std::vector<double>> losses;
    auto result =
        train_encoder(options, made_up_proxies(random_architectures(space("fbnet"), 300, 5)),
                      [&](const char* part, int, int, double loss) { losses[part].push_back(loss); });
    return TinyEncoder{std::move(result), std::move(losses)};
  }();
  return trained;
}

}  // namespace latencast
