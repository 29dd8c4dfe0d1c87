#include "latencast/kernel.h"

namespace latencast {

std::int64_t Kernel::macs() const {
  if (type != Type::conv && type != Type::linear) return 0;
  return outputs() * (in_channels / groups) * size * size;
}

std::int64_t Kernel::params() const {
  const std::int64_t scale_and_shift = norm ? 2 * std::int64_t{out_channels} : 0;
  switch (type) {
    case Type::conv:
      return std::int64_t{out_channels} * (in_channels / groups) * size * size + (bias ? out_channels : 0) +
             scale_and_shift;
    case Type::linear:
      return std::int64_t{out_channels} * in_channels + (bias ? out_channels : 0);
    case Type::scale:
      return scale_and_shift;
    case Type::avg_pool:
    case Type::global_pool:
    case Type::add:
      break;
  }
  return 0;
}

std::int64_t Kernel::inputs() const {
  const std::int64_t once = std::int64_t{height} * width * in_channels;
  return type == Type::add ? 2 * once : once;
}

std::int64_t Kernel::outputs() const {
  if (type == Type::global_pool) return out_channels;
  return std::int64_t{out_height()} * out_width() * out_channels;
}

}  // namespace latencast
