#pragma once
// A decoder's weights under the names of both containers.
// A new architecture with a new weight adds a line here.

#include <cstdint>
#include <string>

namespace tinyllm {

enum class WeightNaming { gguf, hugging_face };

// Without the prefix of the layer and without ".weight" or ".bias".
struct WeightName {
  const char* gguf;
  const char* hugging_face;
};

// Of the whole model.
inline constexpr WeightName kEmbedTokens = {"token_embd", "model.embed_tokens"};
inline constexpr WeightName kFinalNorm = {"output_norm", "model.norm"};
inline constexpr WeightName kLmHead = {"output", "lm_head"};

// Of one layer.
inline constexpr WeightName kInputNorm = {"attn_norm", "input_layernorm"};
inline constexpr WeightName kQProj = {"attn_q", "self_attn.q_proj"};
inline constexpr WeightName kKProj = {"attn_k", "self_attn.k_proj"};
inline constexpr WeightName kVProj = {"attn_v", "self_attn.v_proj"};
inline constexpr WeightName kQNorm = {"attn_q_norm", "self_attn.q_norm"};
inline constexpr WeightName kKNorm = {"attn_k_norm", "self_attn.k_norm"};
inline constexpr WeightName kOProj = {"attn_output", "self_attn.o_proj"};
inline constexpr WeightName kPostAttentionNorm = {"ffn_norm", "post_attention_layernorm"};
inline constexpr WeightName kGateProj = {"ffn_gate", "mlp.gate_proj"};
inline constexpr WeightName kUpProj = {"ffn_up", "mlp.up_proj"};
inline constexpr WeightName kDownProj = {"ffn_down", "mlp.down_proj"};

// GGUF only: what llama3 RoPE scaling divides each frequency by, [head_dim / 2] f32.
inline constexpr const char* kRopeFreqs = "rope_freqs.weight";

enum class WeightPart { weight, bias };

// "token_embd.weight", "model.embed_tokens.weight"
std::string weight_name(WeightNaming naming, const WeightName& name,
                        WeightPart part = WeightPart::weight);
// "blk.3.attn_q.bias", "model.layers.3.self_attn.q_proj.bias"
std::string layer_weight_name(WeightNaming naming, std::int64_t layer, const WeightName& name,
                              WeightPart part = WeightPart::weight);

}  // namespace tinyllm
