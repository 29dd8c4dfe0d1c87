// Zero-cost proxies computed on the network itself, at random weights and on noise in place of images
// (definitions: Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021; Mellor et al.,
// "Neural Architecture Search without Training", ICML 2021; Lin et al., "Zen-NAS", ICCV 2021).
#pragma once

#include <array>

#include "encode_proxies.h"

namespace latencast {

struct ProxyOptions {
  int batch = 8;           ///< images of noise
  int shrink = 1;          ///< side of the image is divided by that
  std::uint64_t seed = 0;  ///< decides weights and images
};

/// In the order of kProxies. synflow is a logarithm, NaN where nothing of the image reaches the output.
/// epe_nas and grasp are NaN: on noise with random classes the first says nothing, and the second is noise
/// even on images. Activations are ReLU everywhere.
std::array<double, kProxyCount> compute_proxies(const Space& space, const Architecture& architecture,
                                                const ProxyOptions& options);

}  // namespace latencast
