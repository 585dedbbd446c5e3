#pragma once
// Token ids become rows of the embedding table.

#include <cstdint>

#include "api/sampling_params.h"
#include "kernels/cuda/device_context.h"
#include "kernels/cuda/linear.h"

namespace tinyllm::cuda {

// On the device an id below 0 stands for what a row slot drew last: drawn_by(slot), so that a step
// can be launched before the host has seen the tokens of the step before.
constexpr TokenId drawn_by(std::int32_t row_slot) { return -1 - row_slot; }

// hidden[t] = row ids[t] of the table, in any of its formats. ids: [n_tokens]; last_drawn:
// [n_slots]; hidden: [n_tokens, table.n_cols] f32. An id that the table does not have gives NaN.
void launch_embed(const DeviceContext& context, const LinearWeights& table, const TokenId* ids,
                  const TokenId* last_drawn, std::int32_t n_tokens, float* hidden);

}  // namespace tinyllm::cuda
