#pragma once
// One weight of any format, the slow and plain way (weight_layout.h tells where it stands).

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/weight_layout.h"

namespace tinyllm::cuda {

__device__ inline float weight_value(WeightFormat format, const std::byte* section,
                                     std::int64_t row, std::int64_t col, std::int64_t n_cols) {
  const BlockInfo info = block_info(format);
  if (format == WeightFormat::bf16) {
    const std::int64_t stride = padded_to(n_cols, info.columns);
    return __bfloat162float(reinterpret_cast<const __nv_bfloat16*>(section)[row * stride + col]);
  }
  const std::byte* block = section + block_offset(format, row, col, n_cols);
  const int r = static_cast<int>(row % kRowTile), k = static_cast<int>(col % info.columns);
  const CodePlace place = code_place(info, r, k);
  const ScalePlace scales = scale_place(format, r, k);
  const auto half_at = [&](int byte) {
    return __half2float(*reinterpret_cast<const __half*>(block + byte));
  };
  const auto byte_at = [&](int byte) {
    return static_cast<float>(static_cast<std::uint8_t>(block[byte]));
  };
  const float code =
      info.bits == 8
          ? static_cast<float>(static_cast<std::int8_t>(block[place.byte]))
          : static_cast<float>(
                *reinterpret_cast<const std::uint32_t*>(block + place.byte) >> place.shift & 15u);
  switch (format) {
    case WeightFormat::int8: return half_at(scales.group_scale) * code;
    case WeightFormat::int8_k:
      return half_at(scales.super_scale) *
             static_cast<float>(static_cast<std::int8_t>(block[scales.group_scale])) * code;
    case WeightFormat::int8_min: {
      const auto* pair = reinterpret_cast<const float*>(block + scales.group_scale);
      return pair[0] * code - pair[1];
    }
    case WeightFormat::int4:
      return half_at(scales.group_scale) * code - half_at(scales.group_scale + 2);
    case WeightFormat::int4_k:
      return half_at(scales.super_scale) * byte_at(scales.group_scale) * code -
             half_at(scales.super_scale + 2) * byte_at(scales.group_scale + 1);
    case WeightFormat::bf16: break;
  }
  return 0.0f;
}

}  // namespace tinyllm::cuda
