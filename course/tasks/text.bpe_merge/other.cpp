// Another way to text.bpe_merge: the definition, one merge a round. O(n^2), which is plenty for a word.
#include "text/bpe_merge.h"

void tinyllm::bpe_merge(std::vector<TokenId>& token_ids, const MergeTable& merges) {
  while (true) {
    const Merge* best = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < token_ids.size(); ++i) {
      const Merge* rule = merges.find(token_ids[i], token_ids[i + 1]);
      if (rule == nullptr || (best != nullptr && rule->rank >= best->rank)) continue;
      best = rule;
      at = i;
    }
    if (best == nullptr) return;
    token_ids[at] = best->merged_id;
    token_ids.erase(token_ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}
