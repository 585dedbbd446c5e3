#pragma once
// All layers of a step of one token as one kernel: a block on every multiprocessor stays from the first
// layer to the last, the next matrices' weights are on their way while attention runs and while
// blocks wait for each other.

#include <cuda_bf16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device_context.h"
#include "kernels/cuda/weight_layout.h"
#include "rope/rope_pairing.h"

namespace tinyllm::cuda {

// The products of a layer, in their order.
inline constexpr int kQkv = 0, kO = 1, kGateUp = 2, kDown = 3;
inline constexpr int kNumOneRowProducts = 4;

// Pointers of one layer, on the device.
struct OneRowLayer {
  const std::byte* matrices[kNumOneRowProducts] = {};
  const float* input_norm = nullptr;    // [hidden_size]
  const float* qkv_bias = nullptr;      // or null, like those below
  const float* q_norm = nullptr;        // [head_dim]
  const float* k_norm = nullptr;        // [head_dim]
  const float* o_bias = nullptr;        // [hidden_size]
  const float* post_norm = nullptr;     // [hidden_size]
  const float* gate_up_bias = nullptr;  // gate's, then up's
  const float* down_bias = nullptr;     // [hidden_size]
  __nv_bfloat16* pages = nullptr;       // kv_layout.h
};

// What all layers have in common.
struct OneRowShape {
  std::int32_t n_layers = 0, hidden_size = 0, intermediate_size = 0;
  std::int32_t n_heads = 0, n_kv_heads = 0, head_dim = 0, block_size = 0;
  WeightFormat format = WeightFormat::bf16;  // of all matrices
  RopePairing rope_pairing = RopePairing::split_halves;
  float attention_scale = 0.0f, norm_eps = 1e-6f;
};

// How the work is dealt out; host and device compute with it alike.
struct OneRowPlan {
  struct Product {
    std::int32_t n_tiles = 0;     // of 16 rows
    std::int32_t n_splits = 1;    // units that share a tile's columns, each with sums of its own
    std::int32_t n_cols = 0;      // padded to 64
    std::int32_t first_unit = 0;  // of all units of a layer
  };
  Product products[kNumOneRowProducts];
  std::int32_t units_a_layer = 0;
  std::int32_t n_warps = 0, n_stages = 0, slot_bytes = 0;
  std::int32_t x_bytes = 0, shared_bytes = 0;
};

struct OneRowBuffers {
  const OneRowLayer* layers = nullptr;  // [n_layers] on the device
  const float *cos = nullptr, *sin = nullptr;
  float* hidden = nullptr;            // [hidden_size] in and out
  __nv_bfloat16* attended = nullptr;  // [q_size]
  __nv_bfloat16* gated = nullptr;     // [intermediate_size]
  float* scratch = nullptr;           // one_row_scratch_floats(), zero at first
  // Of the step, on the device.
  const std::int32_t* positions = nullptr;
  const std::int32_t* slot_mapping = nullptr;
  const std::int32_t* block_begins = nullptr;
  const std::int32_t* blocks = nullptr;
};

// A token at this position or later takes the kernels of many rows.
inline constexpr std::int32_t kMaxOneRowPosition = 8192;

// The plan for a device, or n_warps = 0: no room, a shape that the kernel does not know, or a device that
// cannot hold a block on every multiprocessor at once.
OneRowPlan plan_one_row(const DeviceContext& context, const OneRowShape& shape);
std::int64_t one_row_scratch_floats(const DeviceContext& context, const OneRowShape& shape);

// hidden: the embedding's row becomes what the last layer leaves. K and V of the token go to the
// pages. Sums in an order that depends on the device and the shapes only, and of attention on the position.
void launch_one_row(const DeviceContext& context, const OneRowShape& shape, const OneRowPlan& plan,
                    const OneRowBuffers& buffers);

}  // namespace tinyllm::cuda
