#pragma once
// From the states of a text's tokens to its vector, as the modules of a sentence-transformers
// folder say (Reimers & Gurevych 2019). Any thread.

#include <cstdint>

namespace tinyllm {

enum class PoolingKind { mean, cls };  // over all tokens; the first one's

struct Pooling {
  PoolingKind kind = PoolingKind::mean;
  bool normalises = false;  // to length 1
};

// states: [n_tokens, n_dims] f32, n_tokens > 0; out: [n_dims] f32.
void pool(const Pooling& pooling, const float* states, std::int64_t n_tokens, std::int64_t n_dims,
          float* out);

// x / max(|x|, 1e-12), in place: torch.nn.functional.normalize. x: [n] f32.
void normalise(float* x, std::int64_t n);

}  // namespace tinyllm
