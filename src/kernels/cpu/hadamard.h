#pragma once
// The Walsh-Hadamard transform of a head, for int8 keys: q . k is the same when both are rotated,
// and a channel that is far larger than the others (Qwen2.5's key bias makes such) is spread over
// all, so that one scale fits the row.

#include <cstdint>

namespace tinyllm {

// x becomes H x / sqrt(n): an orthogonal transform that is its own inverse.
// x: [n] f32, n a power of two.
void hadamard_transform(float* x, std::int64_t n);

}  // namespace tinyllm
