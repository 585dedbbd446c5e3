#pragma once
// A row of activations as int8, made by the quantise_act kernel in groups of 32:
//   x[i] ~ main.scale[i / 32] * main.q[i], plus the residual plane where the group is split.
// A group much larger than the rest of its row would carry most of the row's rounding error; it is
// split: what the first int8 left over becomes a second int8 with a scale of its own.
// Plain pointers: instruction-set folders include this file.

#include <cstdint>

namespace tinyllm {

// Rows that one call of a panel kernel takes at most: their sums (16 KiB) stay in the cache.
inline constexpr std::int64_t kMaxPanelTokens = 128;

struct QuantPlane {
  std::int8_t* q;     // [k], in [-127, 127]
  float* scale;       // [k / 32], largest magnitude / 127
  std::int16_t* sum;  // [k / 16] sums of 16 q: offsets and mins need them
};

struct QuantisedRow {
  QuantPlane main;
  QuantPlane residual;  // holds values in split groups only
  std::uint8_t* split;  // [k / 256 rounded up] bit i of byte b: group 8 b + i is split
  float* scaled_sum;    // [k / 32] the sum of what the group stands for, both planes together
};

// Which of up to kMaxPanelTokens rows have a residual in one group: bit t % 64 of word t / 64.
struct SplitTokens {
  std::uint64_t words[kMaxPanelTokens / 64];
};

static inline std::int64_t count_tokens(const SplitTokens& split) {
  std::int64_t n = 0;
  for (const std::uint64_t word : split.words) n += __builtin_popcountll(word);
  return n;
}

// Picks x[t] and y[t] of these tokens, ascending, and returns their number.
static inline std::int64_t gather_tokens(const SplitTokens& split, const QuantisedRow* const* x,
                                         float* const* y, const QuantisedRow** rows, float** sums) {
  std::int64_t n = 0;
  for (int word = 0; word < kMaxPanelTokens / 64; ++word) {
    for (std::uint64_t bits = split.words[word]; bits != 0; bits &= bits - 1) {
      const int t = 64 * word + __builtin_ctzll(bits);
      rows[n] = x[t];
      sums[n++] = y[t];
    }
  }
  return n;
}

}  // namespace tinyllm
