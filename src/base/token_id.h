#pragma once
// The number of a token: its place in the model's vocabulary, [0, vocab_size).

#include <cstdint>

namespace tinyllm {

using TokenId = std::int32_t;

}  // namespace tinyllm
