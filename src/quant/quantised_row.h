#pragma once
// A row of activations as int8, made by the quantise_act kernel: x[i] ~ scale[i / 32] * q[i].
// Plain pointers: instruction-set folders include this file.

#include <cstdint>

namespace tinyllm {

struct QuantisedRow {
  const std::int8_t* q;     // [k], in [-127, 127]
  const float* scale;       // [k / 32], largest magnitude / 127
  const std::int32_t* sum;  // [k / 16] sums of 16 q: offsets and mins need them
};

}  // namespace tinyllm
