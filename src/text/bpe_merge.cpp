#include "text/bpe_merge.h"

#include <cstddef>
#include <functional>
#include <queue>
#include <utility>

namespace tinyllm {

void bpe_merge(std::vector<TokenId>& token_ids, const MergeTable& merges) {
  // >>> text.bpe_merge
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  constexpr TokenId kMergedAway = -1;

  // The word is a doubly linked list in arrays: a merged token stays where its left half stood.
  const std::size_t n = token_ids.size();
  std::vector<std::size_t> next(n), previous(n);
  for (std::size_t i = 0; i < n; ++i) {
    next[i] = i + 1 < n ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
  }
  // The rule that joins the token at `left` with its right neighbour, or nullptr.
  const auto rule_at = [&](std::size_t left) -> const Merge* {
    if (left == kNone || token_ids[left] == kMergedAway || next[left] == kNone) return nullptr;
    return merges.find(token_ids[left], token_ids[next[left]]);
  };

  // Pairs that could merge as (rank, position of the left token), the best on top.
  using Candidate = std::pair<std::int32_t, std::size_t>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto propose = [&](std::size_t left) {
    if (const Merge* rule = rule_at(left)) queue.emplace(rule->rank, left);
  };
  for (std::size_t i = 0; i < n; ++i) propose(i);

  while (!queue.empty()) {
    const auto [rank, left] = queue.top();
    queue.pop();
    const Merge* rule = rule_at(left);
    if (rule == nullptr || rule->rank != rank) continue;  // one of the two has merged elsewhere
    const std::size_t right = next[left];
    token_ids[left] = rule->merged_id;
    token_ids[right] = kMergedAway;
    next[left] = next[right];
    if (next[left] != kNone) previous[next[left]] = left;
    propose(previous[left]);
    propose(left);
  }
  std::erase(token_ids, kMergedAway);
  // <<< text.bpe_merge
}

}  // namespace tinyllm
