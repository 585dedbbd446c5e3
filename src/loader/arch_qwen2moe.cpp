// Qwen1.5-MoE and Qwen2-MoE (Yang et al. 2024): Qwen2 with 60 small experts a layer, of which a token
// uses 4 with the weights that softmax gave them, and one shared expert behind a gate of its own.

#include "loader/architecture.h"

namespace tinyllm {

const Architecture kQwen2MoeArchitecture = {
    .name = "qwen2moe",
    .hugging_face_type = "qwen2_moe",
    .hugging_face_class = "Qwen2MoeForCausalLM",
    .gguf_rope_pairing = RopePairing::split_halves,
    .qk_norm = false,
    .attention_bias = AttentionBias::q_k_v,
    .has_mlp_bias = false,
    .windows = WindowRule::even_layers,
    .defaults = {.vocab_size = 151936,
                 .hidden_size = 2048,
                 .intermediate_size = 5632,
                 .n_layers = 24,
                 .n_heads = 16,
                 .n_kv_heads = 16,
                 .head_dim = 0,
                 .max_seq_len = 32768,
                 .norm_eps = 1e-6f,
                 .rope_theta = 10000.0},
    .moe = {.n_experts = 60,
            .n_experts_per_token = 4,
            .intermediate_size = 1408,
            .shared_intermediate_size = 5632,
            .gguf_norm_weights = false},
};

}  // namespace tinyllm
