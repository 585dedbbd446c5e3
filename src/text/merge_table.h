#pragma once
// The merge rules of a BPE vocabulary, by the pair of tokens that they join. Filled once, then only
// read: any thread may look up.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

struct Merge {
  std::int32_t rank = 0;  // 0 is the first merge that training found; lower goes first
  TokenId merged_id = 0;  // the token whose bytes are left's and then right's
};

// An open hash table with linear probing: about one cache line a lookup, of which encoding does
// several for every byte of text.
class MergeTable {
 public:
  explicit MergeTable(std::size_t n_merges);

  // Later rules for the same pair replace earlier ones. At most `n_merges` pairs; ids are >= 0.
  void set(TokenId left, TokenId right, Merge merge);

  // nullptr: these two tokens do not merge.
  const Merge* find(TokenId left, TokenId right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t slot = first_slot(key);; slot = (slot + 1) & mask_) {
      if (slots_[slot].key == key) return &slots_[slot].merge;
      if (slots_[slot].key == kEmpty) return nullptr;
    }
  }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  struct Slot {
    std::uint64_t key = kEmpty;
    Merge merge;
  };

  static std::uint64_t key_of(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  // Fibonacci hashing (Knuth, TAOCP 6.4): the product's high bits depend on every bit of the key.
  std::size_t first_slot(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> shift_) & mask_;
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::size_t mask_;
  int shift_;
};

}  // namespace tinyllm
