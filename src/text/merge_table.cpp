#include "text/merge_table.h"

#include <bit>

#include "base/check.h"

namespace tinyllm {

MergeTable::MergeTable(std::size_t n_merges)
    : slots_(std::bit_ceil(2 * n_merges + 2)),
      mask_(slots_.size() - 1),
      shift_(64 - std::countr_zero(slots_.size())) {}

void MergeTable::set(TokenId left, TokenId right, Merge merge) {
  CHECK(left >= 0 && right >= 0, "a merge of tokens {} and {}", left, right);
  const std::uint64_t key = key_of(left, right);
  std::size_t slot = first_slot(key);
  while (slots_[slot].key != kEmpty && slots_[slot].key != key) slot = (slot + 1) & mask_;
  slots_[slot] = {key, merge};
}

}  // namespace tinyllm
