#pragma once
// Which two elements of a head rotate together: Su et al. 2021, RoFormer, or GPT-NeoX's order.

namespace tinyllm {

enum class RopePairing {
  interleaved,   // (0, 1), (2, 3), ...          GGUF files of the llama architecture
  split_halves,  // (0, d/2), (1, d/2 + 1), ...  Hugging Face folders, GGUF files of qwen2 and qwen3
};

}  // namespace tinyllm
