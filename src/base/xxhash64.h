#pragma once
// XXH64 (Yann Collet, xxHash specification 0.1.1): a fast checksum of 64 bits. A change within any
// eight aligned bytes always changes it, and any other with probability 1 - 2^-64. Not for people
// who make collisions on purpose. Any thread.

#include <cstddef>
#include <cstdint>
#include <span>

namespace tinyllm {

std::uint64_t xxhash64(std::span<const std::byte> bytes, std::uint64_t seed = 0);

}  // namespace tinyllm
