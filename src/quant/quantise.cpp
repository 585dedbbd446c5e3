#include "quant/quantise.h"

#include <algorithm>
#include <cmath>

#include "quant/decode.h"
#include "quant/k_groups.h"
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
  for (int j = 0; j < 16; ++j) {
    block.codes[j] = static_cast<std::uint8_t>((codes[j] + 8) | (codes[j + 16] + 8) << 4);
  }
}

void quantise_block(const float* x, Q5_0Block& block) {
  float weights[32];
  std::int8_t codes[32];
  error_weights(x, 32, weights);
  block.scale = f32_to_f16(fit_symmetric(x, weights, 32, -16, 15, codes));
  std::uint32_t high_bits = 0;
  for (int j = 0; j < 32; ++j) {
    high_bits |= static_cast<std::uint32_t>((codes[j] + 16) >> 4) << j;
  }
  block.high_bits = high_bits;
  for (int j = 0; j < 16; ++j) {
    block.codes[j] =
        static_cast<std::uint8_t>(((codes[j] + 16) & 15) | ((codes[j + 16] + 16) & 15) << 4);
  }
}

float inverse_or_zero(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }

std::uint8_t round_to(float value, int largest) {
  return static_cast<std::uint8_t>(
      std::clamp(std::nearbyint(value), 0.0f, static_cast<float>(largest)));
}

// Each group's step and depth are fitted, rounded to 6 bits, and the codes made for what the
// decoder will read.
void quantise_block(const float* x, Q4KBlock& block) {
  float weights[256];
  error_weights(x, 256, weights);
  AffineFit fits[8];
  float largest_step = 0, largest_depth = 0;
  for (int g = 0; g < 8; ++g) {
    fits[g] = fit_affine(x + 32 * g, weights + 32 * g, 32, 15);
    largest_step = std::max(largest_step, fits[g].step);
    largest_depth = std::max(largest_depth, fits[g].depth);
  }
  block.scale = f32_to_f16(largest_step / 63.0f);
  block.min = f32_to_f16(largest_depth / 63.0f);
  const float scale = f16_to_f32(block.scale), min = f16_to_f32(block.min);
  KGroup groups[8];
  for (int g = 0; g < 8; ++g) {
    groups[g].scale = round_to(fits[g].step * inverse_or_zero(scale), 63);
    groups[g].min = round_to(fits[g].depth * inverse_or_zero(min), 63);
  }
  pack_k_groups(groups, block.groups);
  for (int g = 0; g < 8; ++g) {
    const float inverse = inverse_or_zero(scale * static_cast<float>(groups[g].scale));
    const float depth = min * static_cast<float>(groups[g].min);
    std::uint8_t* codes = block.codes + g / 2 * 32;
    for (int l = 0; l < 32; ++l) {
      const std::uint8_t code = round_to((x[32 * g + l] + depth) * inverse, 15);
      codes[l] = static_cast<std::uint8_t>(g % 2 == 0 ? code : codes[l] | code << 4);
    }
  }
}

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

DType matrix_format(DType wanted, std::int64_t n_cols) {
  const auto fits = [n_cols](DType format) { return n_cols % info(format).block_elems == 0; };
  if (fits(wanted)) return wanted;
  if (wanted == DType::q4_k && fits(DType::q5_0)) return DType::q5_0;
  if (wanted == DType::q6_k && fits(DType::q8_0)) return DType::q8_0;
  return DType::f16;
}

}  // namespace tinyllm
