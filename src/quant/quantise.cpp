#include "quant/quantise.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <vector>

#include "quant/decode.h"
#include "quant/q4_0.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q6_k.h"
#include "quant/scale_search.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

void quantise_block(const float* x, Q4_0Block& block) {
  float weights[32];
  std::int8_t codes[32];
  error_weights(x, 32, weights);
  block.scale = f32_to_f16(fit_symmetric(x, weights, 32, -8, 7, codes));
  std::uint8_t unsigned_codes[32];
  for (int j = 0; j < 32; ++j) unsigned_codes[j] = static_cast<std::uint8_t>(codes[j] + 8);
  pack_q4_0_codes(unsigned_codes, block);
}

void quantise_block(const float* x, Q5_0Block& block) {
  float weights[32];
  std::int8_t codes[32];
  error_weights(x, 32, weights);
  block.scale = f32_to_f16(fit_symmetric(x, weights, 32, -16, 15, codes));
  std::uint8_t unsigned_codes[32];
  for (int j = 0; j < 32; ++j) unsigned_codes[j] = static_cast<std::uint8_t>(codes[j] + 16);
  pack_q5_0_codes(unsigned_codes, block);
}

void quantise_block(const float* x, Q4KBlock& block) {
  float weights[256], steps[8], depths[8];
  error_weights(x, 256, weights);
  for (int g = 0; g < 8; ++g) {
    const AffineFit fit = fit_affine(x + 32 * g, weights + 32 * g, 32, 15);
    steps[g] = fit.step;
    depths[g] = fit.depth;
  }
  encode_q4_k_block(x, steps, depths, block);
}

float inverse_or_zero(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }

void quantise_block(const float* x, Q6KBlock& block) {
  float weights[256], scales[16];
  std::int8_t codes[256];
  error_weights(x, 256, weights);
  float extreme = 0;  // the group scale of largest magnitude
  for (int g = 0; g < 16; ++g) {
    scales[g] = fit_symmetric(x + 16 * g, weights + 16 * g, 16, -32, 31, codes + 16 * g);
    if (std::abs(scales[g]) > std::abs(extreme)) extreme = scales[g];
  }
  block.scale = f32_to_f16(extreme / -128.0f);
  const float scale = f16_to_f32(block.scale);
  std::uint8_t unsigned_codes[256];
  for (int g = 0; g < 16; ++g) {
    const float group_scale =
        std::clamp(std::nearbyint(scales[g] * inverse_or_zero(scale)), -128.0f, 127.0f);
    block.group_scales[g] = static_cast<std::int8_t>(group_scale);
    const float inverse = inverse_or_zero(scale * group_scale);
    for (int l = 0; l < 16; ++l) {
      const float code = std::clamp(std::nearbyint(x[16 * g + l] * inverse), -32.0f, 31.0f);
      unsigned_codes[16 * g + l] = static_cast<std::uint8_t>(code + 32.0f);
    }
  }
  pack_q6_k_codes(unsigned_codes, block);
}

template <typename Block, int kElems>
void quantise_blocks(const float* src, std::byte* dst, std::int64_t n_elems) {
  auto* blocks = reinterpret_cast<Block*>(dst);
  for (std::int64_t i = 0; i < n_elems / kElems; ++i) quantise_block(src + kElems * i, blocks[i]);
}

}  // namespace

void quantise_row(DType dtype, const float* src, std::byte* dst, std::int64_t n_elems) {
  switch (dtype) {
    case DType::q4_0: return quantise_blocks<Q4_0Block, 32>(src, dst, n_elems);
    case DType::q5_0: return quantise_blocks<Q5_0Block, 32>(src, dst, n_elems);
    case DType::q4_k: return quantise_blocks<Q4KBlock, 256>(src, dst, n_elems);
    case DType::q6_k: return quantise_blocks<Q6KBlock, 256>(src, dst, n_elems);
    default: return encode_row(dtype, src, dst, n_elems);
  }
}

bool quantise_rows(const Tensor& matrix, std::int64_t begin, std::int64_t n_rows, DType dtype,
                   std::byte* out, ThreadPool& pool, ScaleSearch search) {
  const auto encode = search == ScaleSearch::on ? quantise_row : encode_row;
  constexpr std::int64_t kRowsAtOnce = 8;
  const std::int64_t n_cols = matrix.n_cols(), n_bytes = row_bytes(dtype, n_cols);
  std::vector<float> floats(pool.n_workers() * n_cols);
  std::atomic<bool> finite{true};
  pool.parallel_for(n_rows, kRowsAtOnce, [&](int worker, std::int64_t first, std::int64_t last) {
    const auto row = std::span(floats).subspan(worker * n_cols, n_cols);
    for (std::int64_t i = first; i < last; ++i) {
      decode_row(matrix.dtype, matrix.row(begin + i), row.data(), n_cols);
      if (!std::ranges::all_of(row, [](float x) { return std::isfinite(x); })) finite = false;
      encode(dtype, row.data(), out + i * n_bytes, n_cols);
    }
  });
  return finite;
}

DType matrix_format(DType wanted, std::int64_t n_cols) {
  const auto fits = [n_cols](DType format) { return n_cols % info(format).block_elems == 0; };
  if (fits(wanted)) return wanted;
  if (wanted == DType::q4_k && fits(DType::q5_0)) return DType::q5_0;
  if (wanted == DType::q6_k && fits(DType::q8_0)) return DType::q8_0;
  return DType::f16;
}

}  // namespace tinyllm
