#pragma once
// Philox4x32-10: random numbers as a function of (key, counter), no state to keep or to share. So
// the draw of a token depends on its seed and its position alone: not on the batch, the order of
// work, a pause or a restart. Any thread.
// Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".

#include <array>
#include <cstdint>

namespace tinyllm {

// Ten rounds of the cipher: 128 random bits for each counter under a key.
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key);

// 64 uniform bits for the token at `position` of the sequence: the first two words, low word first,
// of the block with key = seed and counter = position (low words first, the rest 0).
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t position);

}  // namespace tinyllm
