#pragma once
// The number formats of K/V pages (layout/kv_pages.h) as vectors read them, and writing a position.
// prefetch brings a line to the cache that can hold a segment's keys or values without driving out
// what is in use. V is a struct of vector functions (attention_tile.h). kDims: dimensions whose
// elements share kBytes; load's `shift` says which of them is meant.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/kv_pages.h"

namespace tinyllm::paged {

using std::byte;

template <typename V>
struct F32 {
  static constexpr int kBytes = 4, kDims = 1;
  static constexpr bool kScaled = false;
  static typename V::Floats load(const byte* at) {
    return V::load(reinterpret_cast<const float*>(at));
  }
  static void store(byte* at, float value) { __builtin_memcpy(at, &value, 4); }
  static void prefetch(const byte* at) { V::prefetch_l2(at); }
};

template <typename V>
struct Bf16 {
  static constexpr int kBytes = 2, kDims = 1;
  static constexpr bool kScaled = false;
  static typename V::Floats load(const byte* at) { return V::load_bf16(at); }
  static void store(byte* at, float value) {  // round to nearest even, NaN stays NaN
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    bits = nan ? bits | 0x400000u : bits + 0x7FFFu + (bits >> 16 & 1u);
    const auto half = static_cast<std::uint16_t>(bits >> 16);
    __builtin_memcpy(at, &half, 2);
  }
  static void prefetch(const byte* at) { V::prefetch_l2(at); }
};

template <typename V>
struct Int8 {
  static constexpr int kBytes = 1, kDims = 1;
  static constexpr bool kScaled = true;  // by the scale of the position
  static typename V::Floats load(const byte* at) { return V::load_i8(at); }
  static void prefetch(const byte* at) { V::prefetch_l1(at); }
};

template <typename V>
struct Fp8 {
  static constexpr int kBytes = 1, kDims = 1;
  static constexpr bool kScaled = true;
  static typename V::Floats load(const byte* at) { return V::load_e4m3(at); }
  static void prefetch(const byte* at) { V::prefetch_l1(at); }
};

template <typename V>
struct Q4 {
  static constexpr int kBytes = 1, kDims = 2;
  static constexpr bool kScaled = true;
  // shift: 0 for the low dimension, 4 for the high one
  static typename V::Floats load(const byte* at, int shift) { return V::load_q4(at, shift); }
};

// Of kDims dimensions, the one that `shift` means.
template <typename V, typename Element>
[[gnu::always_inline]] static inline typename V::Floats load_as(const byte* at, int shift) {
  if constexpr (Element::kDims == 1) {
    return Element::load(at);
  } else {
    return Element::load(at, shift);
  }
}

// Where a position's key begins in its block (its elements are block_size apart), and its value.
template <typename Element>
static inline byte* key_at(const KvPages& kv, std::int64_t block, std::int32_t offset) {
  return kv.pages + block * kv.block_stride + std::int64_t{offset} * Element::kBytes;
}
template <typename Element>
static inline byte* value_at(const KvPages& kv, std::int64_t block, std::int32_t offset) {
  return kv.pages + block * kv.block_stride +
         std::int64_t{kv.block_size + offset} * (kv.head_dim / Element::kDims) * Element::kBytes;
}

template <typename Element>
static void store_kv_as(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                        const float* v) {
  byte* key = key_at<Element>(kv, block, offset);
  byte* value = value_at<Element>(kv, block, offset);
  const std::int64_t stride = std::int64_t{kv.block_size} * Element::kBytes;
  for (std::int32_t d = 0; d < kv.head_dim; ++d) {
    Element::store(key + d * stride, k[d]);
    Element::store(value + std::int64_t{d} * Element::kBytes, v[d]);
  }
}

template <typename V>
static void store_kv_int8(const KvPages& kv, std::int32_t block, std::int32_t offset,
                          const float* k, const float* v) {
  auto* key = reinterpret_cast<std::int8_t*>(key_at<Int8<V>>(kv, block, offset));
  auto* value = reinterpret_cast<std::int8_t*>(value_at<Int8<V>>(kv, block, offset));
  kv.key_scales(block)[offset] = quantise_kv(k, kv.head_dim, key, kv.block_size);
  kv.value_scales(block)[offset] = quantise_kv(v, kv.head_dim, value, 1);
}

// quantise: quantise_kv_fp8 or quantise_kv_q4.
template <typename Element>
static void store_kv_codes(const KvPages& kv, std::int32_t block, std::int32_t offset,
                           const float* k, const float* v, decltype(quantise_kv_q4)* quantise) {
  auto* key = reinterpret_cast<std::uint8_t*>(key_at<Element>(kv, block, offset));
  auto* value = reinterpret_cast<std::uint8_t*>(value_at<Element>(kv, block, offset));
  kv.key_scales(block)[offset] = quantise(k, kv.head_dim, key, kv.block_size);
  kv.value_scales(block)[offset] = quantise(v, kv.head_dim, value, 1);
}

// RowKernels::store_kv
template <typename V>
static void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
                     const float* v) {
  switch (kv.type) {
    case KvType::f32: return store_kv_as<F32<V>>(kv, block, offset, k, v);
    case KvType::bf16: return store_kv_as<Bf16<V>>(kv, block, offset, k, v);
    case KvType::int8: return store_kv_int8<V>(kv, block, offset, k, v);
    case KvType::fp8: return store_kv_codes<Fp8<V>>(kv, block, offset, k, v, quantise_kv_fp8);
    case KvType::q4: return store_kv_codes<Q4<V>>(kv, block, offset, k, v, quantise_kv_q4);
  }
}

}  // namespace tinyllm::paged
