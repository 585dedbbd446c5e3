#pragma once
// How an encoder's matrices are kept. Plain enum.

#include <cstdint>

namespace tinyllm {

enum class EncoderPrecision : std::uint8_t { f32, int8 };  // f32: floats, as the file has them

}  // namespace tinyllm
