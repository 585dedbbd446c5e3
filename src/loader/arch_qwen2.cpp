// Qwen2 and Qwen2.5 (Yang et al. 2024): a bias on q, k and v.

#include "loader/architecture.h"

namespace tinyllm {

const Architecture kQwen2Architecture = {
    .name = "qwen2",
    .hugging_face_type = "qwen2",
    .hugging_face_class = "Qwen2ForCausalLM",
    .gguf_rope_pairing = RopePairing::split_halves,
    .qk_norm = false,
    .attention_bias = AttentionBias::q_k_v,
    .has_mlp_bias = false,
    .windows = WindowRule::upper_layers,
    .defaults = {.vocab_size = 151936,
                 .hidden_size = 4096,
                 .intermediate_size = 22016,
                 .n_layers = 32,
                 .n_heads = 32,
                 .n_kv_heads = 32,
                 .head_dim = 0,
                 .max_seq_len = 32768,
                 .norm_eps = 1e-6f,
                 .rope_theta = 10000.0},
};

}  // namespace tinyllm
