#pragma once
// How good lists of found chunks are, for questions whose right chunks are known. Pure functions;
// any thread.

#include <cstdint>
#include <set>
#include <vector>

namespace tinyllm {

// Means over the questions.
struct SearchMeasures {
  int n_questions = 0;
  double recall_at_1 = 0, recall_at_5 = 0, recall_at_10 = 0;  // a right chunk is among the first k
  double mrr_at_10 = 0;   // 1 / rank of the first right one; 0 behind rank 10
  double ndcg_at_10 = 0;  // Jarvelin & Kekalainen 2002, with gains of 0 and 1

  // found: ids, best first, as many as there are or 10 at least. right: not empty.
  void add(const std::vector<std::int64_t>& found, const std::set<std::int64_t>& right);
};

}  // namespace tinyllm
