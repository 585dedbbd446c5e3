#include "retrieval/measures.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace tinyllm {
namespace {

double discount(std::size_t index) { return 1 / std::log2(static_cast<double>(index) + 2); }

}  // namespace

void SearchMeasures::add(const std::vector<std::int64_t>& found,
                         const std::set<std::int64_t>& right) {
  CHECK(!right.empty(), "a question without a right chunk");
  constexpr std::size_t kDepth = 10;
  std::size_t first = kDepth;
  double gain = 0, best_gain = 0;
  for (std::size_t i = 0; i < std::min(kDepth, found.size()); ++i) {
    if (!right.contains(found[i])) continue;
    first = std::min(first, i);
    gain += discount(i);
  }
  for (std::size_t i = 0; i < std::min(kDepth, right.size()); ++i) best_gain += discount(i);
  const auto take = [n = n_questions](double& mean, double value) {
    mean += (value - mean) / (n + 1);
  };
  take(recall_at_1, first < 1 ? 1 : 0);
  take(recall_at_5, first < 5 ? 1 : 0);
  take(recall_at_10, first < 10 ? 1 : 0);
  take(mrr_at_10, first < kDepth ? 1 / (static_cast<double>(first) + 1) : 0);
  take(ndcg_at_10, gain / best_gain);
  ++n_questions;
}

}  // namespace tinyllm
