#include "kernels/cpu/scalar/paged_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tensor/float16.h"

namespace tinyllm::scalar {
namespace {

std::byte* place(const KvPages& kv, std::int32_t block, std::int64_t element) {
  const int n_bytes = kv.type == KvType::f32 ? 4 : kv.type == KvType::bf16 ? 2 : 1;
  return kv.pages + block * kv.block_stride + element * n_bytes;
}

std::int64_t key_element(const KvPages& kv, std::int32_t offset, std::int32_t d) {
  return std::int64_t{d} * kv.block_size + offset;
}

std::int64_t value_element(const KvPages& kv, std::int32_t offset, std::int32_t d) {
  return std::int64_t{kv.block_size + offset} * kv.head_dim + d;
}

void store(const KvPages& kv, std::byte* at, float value) {
  if (kv.type == KvType::bf16) {
    const std::uint16_t half = f32_to_bf16(value);
    std::memcpy(at, &half, sizeof half);
  } else {
    std::memcpy(at, &value, sizeof value);
  }
}

// int8: the code, without its scale.
float load(const KvPages& kv, const std::byte* at) {
  if (kv.type == KvType::int8) return static_cast<float>(static_cast<std::int8_t>(*at));
  if (kv.type == KvType::bf16) {
    std::uint16_t half = 0;
    std::memcpy(&half, at, sizeof half);
    return bf16_to_f32(half);
  }
  float value = 0.0f;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// One query head.
void attend(const float* q, const KvPages& kv, const std::int32_t* block_table, std::int32_t first,
            std::int32_t position, float scale, float* out, float* scores) {
  float max = -std::numeric_limits<float>::infinity(), sum = 0.0f;
  std::fill(out, out + kv.head_dim, 0.0f);
  for (std::int32_t begin = first; begin <= position;) {
    const std::int32_t segment_end = (begin / kAttentionSegment + 1) * kAttentionSegment;
    const std::int32_t end = std::min(position + 1, segment_end);
    float new_max = max;
    for (std::int32_t p = begin; p < end; ++p) {
      const std::int32_t block = block_table[p / kv.block_size], offset = p % kv.block_size;
      float dot = 0.0f;
      for (std::int32_t d = 0; d < kv.head_dim; ++d) {
        dot += q[d] * load(kv, place(kv, block, key_element(kv, offset, d)));
      }
      if (kv.type == KvType::int8) dot *= kv.key_scales(block)[offset];
      scores[p - begin] = dot * scale;
      new_max = std::max(new_max, scores[p - begin]);
    }
    const float old_scale = std::exp(max - new_max);
    sum *= old_scale;
    for (std::int32_t d = 0; d < kv.head_dim; ++d) out[d] *= old_scale;
    for (std::int32_t p = begin; p < end; ++p) {
      const std::int32_t block = block_table[p / kv.block_size], offset = p % kv.block_size;
      float weight = std::exp(scores[p - begin] - new_max);
      sum += weight;
      if (kv.type == KvType::int8) weight *= kv.value_scales(block)[offset];
      for (std::int32_t d = 0; d < kv.head_dim; ++d) {
        out[d] += weight * load(kv, place(kv, block, value_element(kv, offset, d)));
      }
    }
    max = new_max;
    begin = end;
  }
  for (std::int32_t d = 0; d < kv.head_dim; ++d) out[d] /= sum;
}

}  // namespace

void store_kv(const KvPages& kv, std::int32_t block, std::int32_t offset, const float* k,
              const float* v) {
  if (kv.type == KvType::int8) {
    const auto codes = [&](std::int64_t element) {
      return reinterpret_cast<std::int8_t*>(place(kv, block, element));
    };
    kv.key_scales(block)[offset] =
        quantise_kv(k, kv.head_dim, codes(key_element(kv, offset, 0)), kv.block_size);
    kv.value_scales(block)[offset] =
        quantise_kv(v, kv.head_dim, codes(value_element(kv, offset, 0)), 1);
    return;
  }
  for (std::int32_t d = 0; d < kv.head_dim; ++d) {
    store(kv, place(kv, block, key_element(kv, offset, d)), k[d]);
    store(kv, place(kv, block, value_element(kv, offset, d)), v[d]);
  }
}

void paged_attention(const float* q, std::int32_t n_q, const KvPages& kv,
                     const std::int32_t* block_table, std::int32_t first, std::int32_t position,
                     float scale, float* out, float* scratch) {
  for (std::int32_t h = 0; h < n_q; ++h) {
    attend(q + std::int64_t{h} * kv.head_dim, kv, block_table, first, position, scale,
           out + std::int64_t{h} * kv.head_dim, scratch);
  }
}

}  // namespace tinyllm::scalar
