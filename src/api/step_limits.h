#pragma once
// How much one step of the engine may hold. Scheduler, runner and backend size themselves by it. A
// plain struct.

#include <cstdint>

namespace tinyllm {

struct StepLimits {
  std::int32_t max_num_seqs = 32;             // sequences, a row of the batch each
  std::int32_t max_num_batched_tokens = 512;  // tokens of all of them; at least max_num_seqs
  std::int32_t max_model_len = 0;             // positions of a sequence: prompt and output together
};

}  // namespace tinyllm
