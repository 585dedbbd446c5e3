#pragma once
// Every element and block format that a weight or an activation can have. Names follow GGML where a
// format comes from there. A row of a quantised matrix is a whole number of blocks.

#include <cstdint>
#include <optional>
#include <string_view>

namespace tinyllm {

enum class DType : std::uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,  // 32 elements a block
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,    // 256 elements a block
  iq4_nl,  // 32 elements a block, 16 non-linear levels
};
inline constexpr int kNumDTypes = 14;

struct DTypeInfo {
  const char* name;          // "q4_0", as users write it
  std::int64_t block_elems;  // elements a block; 1 for plain floats
  std::int64_t block_bytes;  // bytes a block
};

const DTypeInfo& info(DType dtype);
inline const char* name(DType dtype) { return info(dtype).name; }
// f32, f16 or bf16.
inline bool is_float(DType dtype) { return info(dtype).block_elems == 1; }
std::optional<DType> parse_dtype(std::string_view name);

// Bytes of one row of n_elems elements. CHECKs that n_elems is a whole number of blocks.
std::int64_t row_bytes(DType dtype, std::int64_t n_elems);

}  // namespace tinyllm
