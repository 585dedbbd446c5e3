#pragma once
// How the loading of a model tells how far it is. Whoever has a screen draws it.

#include <cstdint>

#include "base/function_ref.h"

namespace tinyllm {

// Layers that were packed, or bytes that were read.
using LoadProgress = function_ref<void(std::int64_t n_done, std::int64_t n_total)>;

}  // namespace tinyllm
