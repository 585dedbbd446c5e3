#include "text/bpe_merge.h"

#include <cstddef>
#include <queue>

namespace tinyllm {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// A pair that could merge. It is out of date as soon as one of its two tokens has merged elsewhere.
struct Candidate {
  Merge merge;
  std::size_t position;  // of the left token
  std::int32_t left_id, right_id;
};

struct GoesLater {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.position > b.position;
  }
};

}  // namespace

void bpe_merge(std::vector<std::int32_t>& token_ids, const MergeTable& merges) {
  // The word is a doubly linked list in arrays: a merged token stays where its left half stood.
  const std::size_t n = token_ids.size();
  std::vector<std::size_t> next(n), previous(n);
  for (std::size_t i = 0; i < n; ++i) {
    next[i] = i + 1 < n ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
  }

  std::priority_queue<Candidate, std::vector<Candidate>, GoesLater> queue;
  const auto propose = [&](std::size_t left) {
    if (left == kNone || next[left] == kNone) return;
    const std::int32_t left_id = token_ids[left], right_id = token_ids[next[left]];
    const Merge* merge = merges.find(left_id, right_id);
    if (merge != nullptr) queue.push({*merge, left, left_id, right_id});
  };
  for (std::size_t i = 0; i < n; ++i) propose(i);

  constexpr std::int32_t kMergedAway = -1;
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const std::size_t left = best.position, right = next[left];
    if (right == kNone || token_ids[left] != best.left_id || token_ids[right] != best.right_id) {
      continue;
    }
    token_ids[left] = best.merge.merged_id;
    token_ids[right] = kMergedAway;
    next[left] = next[right];
    if (next[left] != kNone) previous[next[left]] = left;
    propose(previous[left]);
    propose(left);
  }
  std::erase(token_ids, kMergedAway);
}

}  // namespace tinyllm
