#include "slips.h"

#include <algorithm>
#include <cmath>

namespace latencast {
namespace {

// A measurement is set aside where that multiplies the evidence by more than this (log): one in fifty is bad
// beforehand, and a bad one is anything within four powers of e.
const double kSuspicion = std::log(50.0) + std::log(8.0);

// What is off by less is the model's fault as likely as the measurement's.
const double kLeastSlip = std::log(1.4);

// Whatever disturbs a measurement makes it longer. One that is shorter than expected is the model's fault,
// unless it is so short that its unit, or a digit, must be wrong.
const double kTooShort = std::log(8.0);

constexpr std::size_t kFewest = 5;  // measurements that can tell

}  // namespace

// Two slips hide behind each other, because together they look like noise; so each step takes the most
// suspicious one, whether it is suspicious enough or not, and what counts is the best total.
std::vector<bool> find_slips(const std::vector<double>& log_ms, const std::vector<bool>& trusted,
                             const std::function<Evidence(const std::vector<bool>& aside)>& fit) {
  const std::size_t n = log_ms.size(), most = std::min<std::size_t>(std::max<std::size_t>(n / 4, 1), 12);
  std::vector<bool> aside(n, false), best = aside;
  if (n < kFewest) return best;
  Evidence now = fit(aside);
  const double start = now.log_evidence;
  double best_gain = 0;
  const auto may_be = [&](std::size_t i) {
    const double off = log_ms[i] - now.left_out[i].mean;
    return !aside[i] && !(i < trusted.size() && trusted[i]) && (off > kLeastSlip || off < -kTooShort);
  };
  for (std::size_t count = 1; count <= most; ++count) {
    std::size_t worst = n;
    for (std::size_t i = 0; i < n; ++i)
      if (may_be(i) && (worst == n || now.without[i] > now.without[worst])) worst = i;
    if (worst == n) break;
    const double gain = now.without[worst] - start - kSuspicion * double(count);
    // Nothing looks odd even by itself: the usual case, and the cheap one.
    if (gain < -1.5 * kSuspicion * double(count)) break;
    aside[worst] = true;
    if (gain > best_gain) {
      best_gain = gain;
      best = aside;
    }
    if (count < most) now = fit(aside);
  }
  return best;
}

}  // namespace latencast
