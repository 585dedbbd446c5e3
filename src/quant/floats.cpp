#include "quant/floats.h"

#include <cstring>

#include "tensor/float16.h"

namespace tinyllm {
namespace {

std::uint16_t load_u16(const std::byte* src) {
  std::uint16_t bits;
  std::memcpy(&bits, src, sizeof bits);
  return bits;
}

void store_u16(std::byte* dst, std::uint16_t bits) { std::memcpy(dst, &bits, sizeof bits); }

}  // namespace

void decode_f32(const std::byte* src, float* dst, std::int64_t n_elems) {
  std::memcpy(dst, src, n_elems * sizeof(float));
}

void decode_f16(const std::byte* src, float* __restrict dst, std::int64_t n_elems) {
  for (std::int64_t i = 0; i < n_elems; ++i) dst[i] = f16_to_f32(load_u16(src + 2 * i));
}

void decode_bf16(const std::byte* src, float* __restrict dst, std::int64_t n_elems) {
  for (std::int64_t i = 0; i < n_elems; ++i) dst[i] = bf16_to_f32(load_u16(src + 2 * i));
}

void encode_f32(const float* src, std::byte* dst, std::int64_t n_elems) {
  std::memcpy(dst, src, n_elems * sizeof(float));
}

void encode_f16(const float* src, std::byte* dst, std::int64_t n_elems) {
  for (std::int64_t i = 0; i < n_elems; ++i) store_u16(dst + 2 * i, f32_to_f16(src[i]));
}

void encode_bf16(const float* src, std::byte* __restrict dst, std::int64_t n_elems) {
  for (std::int64_t i = 0; i < n_elems; ++i) store_u16(dst + 2 * i, f32_to_bf16(src[i]));
}

}  // namespace tinyllm
