#pragma once
// The number of a token: its index in the model's vocabulary, in [0, vocab_size).

#include <cstdint>

namespace tinyllm {

using TokenId = std::int32_t;

}  // namespace tinyllm
