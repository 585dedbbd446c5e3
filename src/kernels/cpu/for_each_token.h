#pragma once
// A parallel pass over the tokens of a step, each on its own: norms, RoPE, quantisation.

#include <cstdint>

#include "base/function_ref.h"
#include "base/thread_pool.h"

namespace tinyllm {

// each(t) for t in [0, n_tokens). One token stays on the caller: waking the others costs more.
inline void for_each_token(ThreadPool& pool, std::int64_t n_tokens,
                           function_ref<void(std::int64_t t)> each) {
  if (n_tokens == 1) return each(0);
  pool.parallel_for(n_tokens, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) each(t);
  });
}

}  // namespace tinyllm
