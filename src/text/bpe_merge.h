#pragma once
// Byte pair encoding of one word. Pure function: any thread.

#include <vector>

#include "base/token_id.h"
#include "text/merge_table.h"

namespace tinyllm {

// `token_ids` holds one token per byte and is merged in place: again and again the neighbouring
// pair of the lowest rank becomes one token (of equal pairs the leftmost), until no two neighbours
// are in `merges`. The order matters: it is the order in which training found the merges,
// so a word is always cut as the model saw it. O(n log n) for n bytes, also for a word of 100 kB.
// Sennrich, Haddow & Birch 2016, "Neural machine translation of rare words with subword units".
void bpe_merge(std::vector<TokenId>& token_ids, const MergeTable& merges);

}  // namespace tinyllm
