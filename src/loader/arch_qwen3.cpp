// Qwen3, dense sizes (Yang et al. 2025): RMSNorm over each head of q and k instead of the bias, and
// a head_dim of its own.

#include "loader/architecture.h"

namespace tinyllm {

const Architecture kQwen3Architecture = {
    .name = "qwen3",
    .hugging_face_type = "qwen3",
    .hugging_face_class = "Qwen3ForCausalLM",
    .gguf_rope_pairing = RopePairing::split_halves,
    .qk_norm = true,
    .attention_bias = AttentionBias::by_config,
    .has_mlp_bias = false,
    .windows = WindowRule::upper_layers,
    .defaults = {.vocab_size = 151936,
                 .hidden_size = 4096,
                 .intermediate_size = 22016,
                 .n_layers = 32,
                 .n_heads = 32,
                 .n_kv_heads = 32,
                 .head_dim = 128,
                 .max_seq_len = 32768,
                 .norm_eps = 1e-6f,
                 .rope_theta = 10000.0},
};

}  // namespace tinyllm
