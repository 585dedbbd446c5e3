// Every quantised format against the values that the gguf package decodes (make_quant_decode.py).

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/mapped_file.h"
#include "quant/decode.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kElems = 1024;  // of each format in the file
constexpr DType kFormats[] = {DType::q4_0, DType::q4_1, DType::q5_0,  DType::q5_1,
                              DType::q8_0, DType::q2_k, DType::q3_k,  DType::q4_k,
                              DType::q5_k, DType::q6_k, DType::iq4_nl};

// Equal as numbers: any NaN equals any NaN, and zeros of either sign are equal (the reference path
// is compiled without signed zeros).
bool same_value(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST(QuantDecode, EveryFormatGivesTheValuesOfGgufPy) {
  const MappedFile file(TINYLLM_SOURCE_DIR "/tests/golden/data/quant_decode.bin");
  std::int64_t offset = 0;
  for (const DType dtype : kFormats) {
    const std::int64_t n_bytes = row_bytes(dtype, kElems);
    ASSERT_LE(offset + n_bytes + kElems * 4, static_cast<std::int64_t>(file.bytes().size()));
    std::vector<float> want(kElems), got(kElems);
    std::memcpy(want.data(), file.bytes().data() + offset + n_bytes, kElems * 4);
    // One byte off any alignment, as a tensor in a file may lie.
    std::vector<std::byte> unaligned(static_cast<std::size_t>(n_bytes) + 1);
    std::memcpy(unaligned.data() + 1, file.bytes().data() + offset,
                static_cast<std::size_t>(n_bytes));
    decode_row(dtype, unaligned.data() + 1, got.data(), kElems);
    for (std::size_t i = 0; i < kElems; ++i) {
      ASSERT_TRUE(same_value(got[i], want[i]))
          << name(dtype) << "[" << i << "] is " << got[i] << ", want " << want[i];
    }
    offset += n_bytes + kElems * 4;
  }
  EXPECT_EQ(offset, static_cast<std::int64_t>(file.bytes().size()));
}

}  // namespace
}  // namespace tinyllm
