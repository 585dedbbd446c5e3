#pragma once
// Rows of plain floats: f32, f16 (IEEE binary16), bf16 (the upper half of an f32).

#include <cstddef>
#include <cstdint>

namespace tinyllm {

// src: n_elems elements, any alignment. dst: [n_elems] f32. Exact.
void decode_f32(const std::byte* src, float* dst, std::int64_t n_elems);
void decode_f16(const std::byte* src, float* dst, std::int64_t n_elems);
void decode_bf16(const std::byte* src, float* dst, std::int64_t n_elems);

// Round to nearest even. src: [n_elems] f32.
void encode_f32(const float* src, std::byte* dst, std::int64_t n_elems);
void encode_f16(const float* src, std::byte* dst, std::int64_t n_elems);
void encode_bf16(const float* src, std::byte* dst, std::int64_t n_elems);

}  // namespace tinyllm
