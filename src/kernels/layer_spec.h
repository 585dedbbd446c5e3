#pragma once
// What a decoder layer is, without saying how it is computed: numbers, and handles of packed
// weights. The recipe (model/decoder) fills these once at load; a backend reads them in every step.

#include <cstdint>
#include <vector>

#include "rope/rope_pairing.h"

namespace tinyllm {

// How the parts of a matrix lie: one below the other (q, k, v), or so that equal rows are met
// together (gate and up, which are multiplied with each other and have equally many rows).
enum class PartOrder : std::uint8_t { stacked, interleaved };

// How a matrix may be cut over several devices (Shoeybi et al. 2019, Megatron-LM). By rows, each
// device makes some columns of the result: q, k, v, gate, up, and the head. By columns, each makes
// a summand of the whole result, from the columns of the input that it made itself: o and down.
enum class Shard : std::uint8_t { none, rows, columns };

// Handles of what Backend::pack_* made. They are only good for the backend that gave them.
enum class MatrixId : std::int32_t { none = -1 };
enum class VectorId : std::int32_t { none = -1 };

struct AttentionSpec {
  std::int32_t n_heads = 0;
  std::int32_t n_kv_heads = 0;  // head h reads K/V head h / (n_heads / n_kv_heads)
  std::int32_t head_dim = 0;
  float scale = 0.0f;       // of the scores, usually 1 / sqrt(head_dim)
  std::int32_t window = 0;  // a token sees its last so many positions, its own included; 0: all
  // With a window: the first so many positions are seen as well, as if they stood right before it:
  // a query meets them at position min(its own, window + sinks - 1) (Xiao et al. 2023, StreamingLLM).
  std::int32_t sinks = 0;
  RopePairing rope_pairing = RopePairing::split_halves;

  std::int32_t q_size() const { return n_heads * head_dim; }
  std::int32_t kv_size() const { return n_kv_heads * head_dim; }
};

// A gated feed-forward network, (silu(x Wg^T + bg) * (x Wu^T + bu)) Wd^T + bd (Shazeer 2020).
struct MlpSpec {
  std::int32_t intermediate_size = 0;
  MatrixId gate_up_proj = MatrixId::none;  // gate and up, [intermediate_size, hidden_size] each,
                                           // interleaved
  VectorId gate_up_bias = VectorId::none;  // [2 intermediate_size] or none
  MatrixId down_proj = MatrixId::none;     // [hidden_size, intermediate_size]
  VectorId down_bias = VectorId::none;     // [hidden_size] or none
};

// A mixture of experts (Shazeer et al. 2017). p = softmax(router x); a token's experts are the
// n_experts_per_token likeliest, of equals the lower number first, with the weights p, divided by
// their sum where norm_weights says so. The shared expert is every token's, with its own weight.
struct MoeSpec {
  std::int32_t n_experts = 0;  // 0: the layer has an ordinary MLP
  std::int32_t n_experts_per_token = 0;
  bool norm_weights = false;
  // Stacked: the router, [n_experts, hidden_size]; where there is a shared expert, then one row whose
  // product's sigmoid is its weight, [1, hidden_size].
  MatrixId router = MatrixId::none;
  std::vector<MlpSpec> experts;  // [n_experts], without biases
  MlpSpec shared;                // intermediate_size 0: there is none

  bool has_shared() const { return shared.intermediate_size > 0; }
};

struct LayerSpec {
  std::int32_t layer_idx = 0;  // which K/V pages
  std::int32_t hidden_size = 0;
  float norm_eps = 1e-6f;

  AttentionSpec attention;
  VectorId input_norm = VectorId::none;  // [hidden_size]
  MatrixId qkv_proj = MatrixId::none;    // [q_size + 2 kv_size, hidden_size], rows q, k, v
  VectorId qkv_bias = VectorId::none;    // [q_size + 2 kv_size] or none
  VectorId q_norm = VectorId::none;      // [head_dim] or none: RMSNorm of each head before RoPE
  VectorId k_norm = VectorId::none;      // [head_dim] or none
  MatrixId o_proj = MatrixId::none;      // [hidden_size, q_size]
  VectorId o_bias = VectorId::none;      // [hidden_size] or none

  VectorId post_attention_norm = VectorId::none;  // [hidden_size]
  MlpSpec mlp;                                    // where moe.n_experts is 0
  MoeSpec moe;
};

struct HeadWeights {
  VectorId final_norm = VectorId::none;  // [hidden_size]
  MatrixId lm_head = MatrixId::none;  // [vocab_size, hidden_size]; the embedding's own id when tied
  float norm_eps = 1e-6f;
};

}  // namespace tinyllm
