#include "latencast/error.h"

namespace latencast {

namespace {

// In the order of the enum; `name` and `error_code_names` both read it.
constexpr const char* kCodeNames[] = {"argument", "architecture", "measurement", "checkpoint",
                                      "model",    "cancelled",    "internal"};
static_assert(sizeof(kCodeNames) / sizeof(kCodeNames[0]) ==
              static_cast<std::size_t>(ErrorCode::internal) + 1);

}  // namespace

const char* name(ErrorCode code) { return kCodeNames[static_cast<std::size_t>(code)]; }

std::vector<std::string> error_code_names() { return {std::begin(kCodeNames), std::end(kCodeNames)}; }

}  // namespace latencast
