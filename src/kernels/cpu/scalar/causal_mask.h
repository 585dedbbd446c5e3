#pragma once
// No token may look at those that come after it.

#include <cstdint>

namespace tinyllm::scalar {

// mask[i][j] = 0 where query i may see key j, -inf where it may not: it is added to the scores
// before the softmax. mask: [n_queries, n_keys] f32. The queries are the last n_queries of the
// n_keys positions: query i is at n_keys - n_queries + i and sees keys up to and with its position.
void causal_mask(float* mask, std::int64_t n_queries, std::int64_t n_keys);

}  // namespace tinyllm::scalar
