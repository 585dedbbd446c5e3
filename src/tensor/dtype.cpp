#include "tensor/dtype.h"

#include <array>

#include "base/check.h"

namespace tinyllm {
namespace {

constexpr std::array<DTypeInfo, kNumDTypes> kInfo = {{
    {"f32", 1, 4},
    {"f16", 1, 2},
    {"bf16", 1, 2},
    {"q4_0", 32, 18},
    {"q4_1", 32, 20},
    {"q5_0", 32, 22},
    {"q5_1", 32, 24},
    {"q8_0", 32, 34},
    {"q2_k", 256, 84},
    {"q3_k", 256, 110},
    {"q4_k", 256, 144},
    {"q5_k", 256, 176},
    {"q6_k", 256, 210},
    {"iq4_nl", 32, 18},
}};

}  // namespace

const DTypeInfo& info(DType dtype) { return kInfo[static_cast<std::size_t>(dtype)]; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (std::size_t i = 0; i < kInfo.size(); ++i) {
    if (name == kInfo[i].name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::int64_t row_bytes(DType dtype, std::int64_t n_elems) {
  const DTypeInfo& format = info(dtype);
  CHECK(n_elems % format.block_elems == 0,
        "a row of {} elements is not a whole number of {} blocks ({})", n_elems, format.name,
        format.block_elems);
  return n_elems / format.block_elems * format.block_bytes;
}

}  // namespace tinyllm
