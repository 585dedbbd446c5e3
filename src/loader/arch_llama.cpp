// Llama 2, 3, 3.1, 3.2 and what is built like them: SmolLM2, TinyLlama (Touvron et al. 2023).
// The converter to GGUF permutes the rows of q and k so that neighbours rotate together.

#include "loader/architecture.h"

namespace tinyllm {

const Architecture kLlamaArchitecture = {
    .name = "llama",
    .hugging_face_type = "llama",
    .hugging_face_class = "LlamaForCausalLM",
    .gguf_rope_pairing = RopePairing::interleaved,
    .qk_norm = false,
    .attention_bias = AttentionBias::by_config,
    .has_mlp_bias = true,
    .windows = WindowRule::none,
    .defaults = {.vocab_size = 32000,
                 .hidden_size = 4096,
                 .intermediate_size = 11008,
                 .n_layers = 32,
                 .n_heads = 32,
                 .n_kv_heads = 0,
                 .head_dim = 0,
                 .max_seq_len = 2048,
                 .norm_eps = 1e-6f,
                 .rope_theta = 10000.0},
};

}  // namespace tinyllm
