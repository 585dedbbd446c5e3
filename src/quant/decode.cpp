#include "quant/decode.h"

#include <array>

#include "base/check.h"
#include "base/error.h"
#include "quant/floats.h"
#include "quant/iq4_nl.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace tinyllm {
namespace {

struct Codec {
  DType dtype;
  void (*decode)(const std::byte* src, float* dst, std::int64_t n_elems);
  void (*encode)(const float* src, std::byte* dst, std::int64_t n_elems);  // nullptr: none
};

constexpr std::array<Codec, kNumDTypes> kCodecs = {{
    {DType::f32, decode_f32, encode_f32},
    {DType::f16, decode_f16, encode_f16},
    {DType::bf16, decode_bf16, encode_bf16},
    {DType::q4_0, decode_q4_0, encode_q4_0},
    {DType::q4_1, decode_q4_1, encode_q4_1},
    {DType::q5_0, decode_q5_0, encode_q5_0},
    {DType::q5_1, decode_q5_1, nullptr},
    {DType::q8_0, decode_q8_0, encode_q8_0},
    {DType::q2_k, decode_q2_k, nullptr},
    {DType::q3_k, decode_q3_k, nullptr},
    {DType::q4_k, decode_q4_k, encode_q4_k},
    {DType::q5_k, decode_q5_k, nullptr},
    {DType::q6_k, decode_q6_k, nullptr},
    {DType::iq4_nl, decode_iq4_nl, nullptr},
}};

constexpr bool in_enum_order() {
  for (std::size_t i = 0; i < kCodecs.size(); ++i) {
    if (kCodecs[i].dtype != static_cast<DType>(i)) return false;
  }
  return true;
}
static_assert(in_enum_order());

const Codec& codec(DType dtype, std::int64_t n_elems) {
  CHECK(n_elems % info(dtype).block_elems == 0, "{} elements are no whole number of {} blocks",
        n_elems, name(dtype));
  return kCodecs[static_cast<std::size_t>(dtype)];
}

}  // namespace

void decode_row(DType dtype, const std::byte* src, float* dst, std::int64_t n_elems) {
  codec(dtype, n_elems).decode(src, dst, n_elems);
}

void encode_row(DType dtype, const float* src, std::byte* dst, std::int64_t n_elems) {
  const Codec& row_codec = codec(dtype, n_elems);
  if (row_codec.encode == nullptr) {
    fail(ErrorCode::unsupported,
         "cannot write {} rows; supported: f32 f16 bf16 q8_0 q4_0 q4_1 q5_0 q4_k", name(dtype));
  }
  row_codec.encode(src, dst, n_elems);
}

}  // namespace tinyllm
