#pragma once
// A mixture of experts on the device: which experts each token gets, the rows of a step sorted by
// expert, and products in which an expert's weights meet all its rows. No call waits for the host,
// and launches depend on the number of tokens alone, so that a step can be recorded.
//
//   few tokens    route (writes the rows too); gate_up; down, which adds a token's experts up
//   more          route; sort; gate_up; down; add up
//
// A row is a (token, expert) pair. `first_row .. first_row + n_rows` of a chunk go to one expert.

#include <cuda_bf16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device_context.h"
#include "kernels/cuda/weight_layout.h"

namespace tinyllm::cuda {

inline constexpr std::int32_t kMaxExperts = 512;         // of a layer
inline constexpr std::int32_t kMaxExpertsPerToken = 64;  // of a token
// Rows of a chunk, at most: for the kernel of few rows (int4_k: half of it), and in tiles on wgmma, also
// where these keep the order of the former.
inline constexpr std::int32_t kMaxChunkRows = 64, kMaxTileRows = 256, kMaxSlicedRows = 128;

// Where an expert's two matrices begin.
struct ExpertWeights {
  const std::byte* gate_up = nullptr;
  const std::byte* down = nullptr;
};

struct ExpertChunk {
  ExpertWeights weights;
  std::int32_t first_row = 0, n_rows = 0;
};

// What all experts of a layer have in common.
struct ExpertLayer {
  std::int32_t n_experts = 0, n_experts_per_token = 0;
  std::int32_t hidden_size = 0, intermediate_size = 0;
  WeightFormat gate_up_format = WeightFormat::bf16, down_format = WeightFormat::bf16;
  bool norm_weights = false;
  bool has_shared = false;               // the router has one row more
  const ExpertWeights* table = nullptr;  // [n_experts], on the device
  const float* router = nullptr;         // [n_experts, or one more, hidden_size] f32
};

// What the router finds. All on the device.
struct ExpertChoices {
  float* scores = nullptr;           // [n, n_experts, or one more]
  std::int32_t* experts = nullptr;   // [n, n_experts_per_token] the likeliest first; -1: none
  float* weights = nullptr;          // [n, n_experts_per_token]
  float* shared_weights = nullptr;   // [n]
  std::int32_t* arrivals = nullptr;  // [n] zero, and zero again afterwards
};

// The rows of a step. n * n_experts_per_token at most.
struct ExpertRows {
  ExpertChunk* chunks = nullptr;       // [rows]
  std::int32_t* n_chunks = nullptr;    // [1]
  std::int32_t* tokens = nullptr;      // [rows] whose input a row is
  float* weights = nullptr;            // [rows]
  std::int32_t* of_choices = nullptr;  // [n, n_experts_per_token] the row of a choice; -1: none
};

struct RouterInput {
  const float* hidden = nullptr;  // [n, hidden_size]
  const float* norm = nullptr;    // [hidden_size]
  float norm_eps = 0.0f;
  // [n] or null. Tokens with a negative one are padding and get no experts.
  const std::int32_t* slot_mapping = nullptr;
};

// Up to so many tokens each choice is a chunk of its own, and a token's experts are added up in one
// sum over all their columns.
inline constexpr std::int32_t kMaxDirectTokens = 2;

// normed[t] = rms_norm(hidden[t]) in bf16, and the token's experts from its f32 scores (MoeSpec).
// rows: null, or filled with a chunk for each choice. Sums in an order that depends on hidden_size
// alone.
void launch_route(const DeviceContext& context, const ExpertLayer& layer, const RouterInput& input,
                  std::int32_t n, __nv_bfloat16* normed, std::int64_t stride,
                  const ExpertChoices& choices, const ExpertRows* rows);

// Choices sorted by expert and, within one, by token; chunks of at most chunk_rows.
void launch_sort_choices(const DeviceContext& context, const ExpertLayer& layer, std::int32_t n,
                         std::int32_t chunk_rows, const ExpertChoices& choices,
                         const ExpertRows& rows);

// How the rows of a step were cut.
struct ExpertRowCount {
  std::int32_t n_rows = 0;      // at most, of all chunks
  std::int32_t chunk_rows = 0;  // of a chunk, at most
  bool direct = false;          // of launch_route: n_rows chunks of one row
};

// gated[row] = weight[row] silu(gate) up, of x[tokens[row]], in bf16. x: [n, x_stride]; gated:
// [rows, gated_stride]; both readable and finite up to the format's padding.
void launch_expert_gate_up(const DeviceContext& context, const ExpertLayer& layer,
                           const ExpertRows& rows, const ExpertRowCount& count,
                           const __nv_bfloat16* x, std::int64_t x_stride, __nv_bfloat16* gated,
                           std::int64_t gated_stride);
// out[row] = gated[row] Wd^T, f32: [rows, hidden_size].
void launch_expert_down(const DeviceContext& context, const ExpertLayer& layer,
                        const ExpertRows& rows, const ExpertRowCount& count,
                        const __nv_bfloat16* gated, std::int64_t gated_stride, float* out);
// hidden[t] += the sum over the token's choices of gated[row] Wd^T. Only of direct rows.
void launch_expert_down_sum(const DeviceContext& context, const ExpertLayer& layer,
                            const ExpertRows& rows, std::int32_t n, const __nv_bfloat16* gated,
                            std::int64_t gated_stride, float* hidden);
// hidden[t] += the sum of its rows of `out`, in the order of its choices; then its shared weight
// times its row of `shared` [n, hidden_size]. Either may be null.
void launch_add_experts(const DeviceContext& context, const ExpertLayer& layer, std::int32_t n,
                        const ExpertChoices& choices, const ExpertRows& rows, const float* out,
                        const float* shared, float* hidden);

// One thread a result, element by element: the proof of launch_expert_gate_up and _down.
void launch_naive_expert_gate_up(const DeviceContext& context, const ExpertLayer& layer,
                                 const ExpertRows& rows, const ExpertRowCount& count,
                                 const __nv_bfloat16* x, std::int64_t x_stride,
                                 __nv_bfloat16* gated, std::int64_t gated_stride);
void launch_naive_expert_down(const DeviceContext& context, const ExpertLayer& layer,
                              const ExpertRows& rows, const ExpertRowCount& count,
                              const __nv_bfloat16* gated, std::int64_t gated_stride, float* out);

// Rows of a chunk that suit n tokens.
std::int32_t expert_chunk_rows(const DeviceContext& context, const ExpertLayer& layer,
                               std::int32_t n);

}  // namespace tinyllm::cuda
