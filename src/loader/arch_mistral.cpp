// Mistral 7B (Jiang et al. 2023): Llama with a window in every layer, which later versions have
// given up again. GGUF files call it llama.

#include "loader/architecture.h"

namespace tinyllm {

const Architecture kMistralArchitecture = {
    .name = "llama",
    .hugging_face_type = "mistral",
    .hugging_face_class = "MistralForCausalLM",
    .gguf_rope_pairing = RopePairing::interleaved,
    .qk_norm = false,
    .attention_bias = AttentionBias::none,
    .has_mlp_bias = false,
    .windows = WindowRule::always,
    .defaults = {.vocab_size = 32000,
                 .hidden_size = 4096,
                 .intermediate_size = 14336,
                 .n_layers = 32,
                 .n_heads = 32,
                 .n_kv_heads = 8,
                 .head_dim = 0,
                 .max_seq_len = 131072,
                 .norm_eps = 1e-6f,
                 .rope_theta = 10000.0},
};

}  // namespace tinyllm
