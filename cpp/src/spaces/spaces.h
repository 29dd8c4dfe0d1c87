// The built-in spaces; one file each in this folder.
#pragma once

#include "latencast/space.h"

namespace latencast {

const Space& nb201_space();
const Space& fbnet_space();
const Space& ofa_space();

}  // namespace latencast
