// Qwen3-MoE (Yang et al. 2025): Qwen3 with 128 experts a layer, of which a token uses 8 with weights
// that are 1 in sum; no shared expert.

#include "loader/architecture.h"

namespace tinyllm {

const Architecture kQwen3MoeArchitecture = {
    .name = "qwen3moe",
    .hugging_face_type = "qwen3_moe",
    .hugging_face_class = "Qwen3MoeForCausalLM",
    .gguf_rope_pairing = RopePairing::split_halves,
    .qk_norm = true,
    .attention_bias = AttentionBias::by_config,
    .has_mlp_bias = false,
    .windows = WindowRule::all_layers,
    .defaults = {.vocab_size = 151936,
                 .hidden_size = 2048,
                 .intermediate_size = 6144,
                 .n_layers = 24,
                 .n_heads = 32,
                 .n_kv_heads = 4,
                 .head_dim = 0,
                 .max_seq_len = 32768,
                 .norm_eps = 1e-6f,
                 .rope_theta = 10000.0},
    .moe = {.n_experts = 128,
            .n_experts_per_token = 8,
            .intermediate_size = 768,
            .shared_intermediate_size = 0,
            .gguf_norm_weights = true},
};

}  // namespace tinyllm
