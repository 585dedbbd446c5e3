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

// Of a layer with experts. The router; the gate of the shared expert, one row; and the three
// projections of the shared expert.
inline constexpr WeightName kRouter = {"ffn_gate_inp", "mlp.gate"};
inline constexpr WeightName kSharedScale = {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"};
inline constexpr WeightName kSharedGateProj = {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"};
inline constexpr WeightName kSharedUpProj = {"ffn_up_shexp", "mlp.shared_expert.up_proj"};
inline constexpr WeightName kSharedDownProj = {"ffn_down_shexp", "mlp.shared_expert.down_proj"};
// GGUF holds the experts of a layer in one tensor, [n_experts, n_out, n_in]; a Hugging Face folder
// has a tensor for each, "model.layers.3.mlp.experts.7.gate_proj.weight".
inline constexpr WeightName kExpertGateProj = {"ffn_gate_exps", "gate_proj"};
inline constexpr WeightName kExpertUpProj = {"ffn_up_exps", "up_proj"};
inline constexpr WeightName kExpertDownProj = {"ffn_down_exps", "down_proj"};

// GGUF only: what llama3 RoPE scaling divides each frequency by, [head_dim / 2] f32.
inline constexpr const char* kRopeFreqs = "rope_freqs.weight";

enum class WeightPart { weight, bias };

// "token_embd.weight", "model.embed_tokens.weight"
std::string weight_name(WeightNaming naming, const WeightName& name,
                        WeightPart part = WeightPart::weight);
// "blk.3.attn_q.bias", "model.layers.3.self_attn.q_proj.bias"
std::string layer_weight_name(WeightNaming naming, std::int64_t layer, const WeightName& name,
                              WeightPart part = WeightPart::weight);

// In a Hugging Face folder.
std::string expert_weight_name(std::int64_t layer, std::int64_t expert, const WeightName& name);

}  // namespace tinyllm
