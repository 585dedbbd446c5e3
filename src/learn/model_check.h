#pragma once
// The last level of a check: a whole small model computes with the learner's operator, and its
// logits must be those of the engine's own. One thread.

#include <string>
#include <vector>

#include "learn/manifest.h"

namespace tinyllm::learn {

struct ModelLogits {
  std::vector<double> reference;  // the plain f32 path, logits of the last prompt position
  std::vector<double> engine;     // the batched engine; empty for tasks that it does not run
};

// A Qwen2 of 2 layers with random weights and biases that are not zero, on a fixed prompt, once with
// each kind of RoPE pairs: the logits of both stand one behind the other. The
// engine's row kernels are those of TINYLLM_KERNELS.
ModelLogits small_model_logits(bool with_engine);

// "" when they are equal, else a sentence. A row operator that adds in another order moves a logit
// by some 1e-6 of the largest. The tolerance, 1e-4, leaves room for a hundred times that; no real
// mistake is as small.
std::string compare_logits(const ModelLogits& wanted, const ModelLogits& got);

}  // namespace tinyllm::learn
