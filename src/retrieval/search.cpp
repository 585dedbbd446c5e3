#include "retrieval/search.h"

#include <algorithm>
#include <map>
#include <set>

#include "encoder/embedder.h"
#include "kernels/cpu/pick_isa.h"
#include "retrieval/query_words.h"

namespace tinyllm {
namespace {

constexpr double kRankOffset = 60;        // the paper's k
constexpr std::size_t kListLength = 100;  // of each list that is fused
// Vectors that are looked through for each chunk that is wanted: a chunk has 3 windows as a rule.
constexpr std::size_t kRowsOfChunk = 8;

}  // namespace

std::vector<FusedId> fuse(const std::vector<std::int64_t>& by_words,
                          const std::vector<std::int64_t>& by_meaning) {
  std::map<std::int64_t, FusedId> by_id;
  const auto add = [&](const std::vector<std::int64_t>& list, int FusedId::*rank) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      FusedId& fused = by_id[list[i]];
      fused.id = list[i];
      fused.*rank = static_cast<int>(i) + 1;
      fused.score += 1 / (kRankOffset + static_cast<double>(i) + 1);
    }
  };
  add(by_words, &FusedId::rank_by_words);
  add(by_meaning, &FusedId::rank_by_meaning);
  std::vector<FusedId> fused;
  for (const auto& [id, entry] : by_id) fused.push_back(entry);
  std::ranges::stable_sort(fused, std::ranges::greater(), &FusedId::score);
  return fused;
}

Searcher::Searcher(const DocumentIndex& index, const Embedder& embedder, int n_threads)
    : index_(&index),
      embedder_(&embedder),
      pool_(n_threads > 0 ? n_threads : default_thread_count()),
      kernels_(std::make_unique<const RowKernels>(pick_row_kernels())),
      vectors_(index.vectors(embedder.n_dims(), chunk_ids_)) {}

Searcher::~Searcher() = default;

std::vector<std::int64_t> Searcher::by_meaning(std::string_view question,
                                               const DocumentFilter& filter, std::size_t n) {
  const std::vector<TokenId> ids = embedder_->surround(embedder_->tokenize(question));
  std::vector<float> query(static_cast<std::size_t>(embedder_->n_dims()));
  embedder_->embed({&ids, 1}, query.data(), [] { return true; });
  std::vector<bool> allowed;
  if (!filter.path.empty() || !filter.kind.empty()) {
    allowed.resize(chunk_ids_.size());
    for (const std::int64_t id : index_->chunks_of(filter)) {
      for (auto at = std::ranges::lower_bound(chunk_ids_, id); at != chunk_ids_.end() && *at == id;
           ++at)
        allowed[at - chunk_ids_.begin()] = true;
    }
  }
  std::vector<std::int64_t> nearest;  // a chunk where its nearest window stands
  std::set<std::int64_t> seen;
  for (const NearRow& row : vectors_.nearest(query, n * kRowsOfChunk, allowed, pool_, *kernels_)) {
    const std::int64_t id = chunk_ids_[row.row];
    if (nearest.size() < n && seen.insert(id).second) nearest.push_back(id);
  }
  return nearest;
}

std::vector<Hit> Searcher::search(std::string_view question, const SearchOptions& options) {
  const std::size_t n = std::max(options.n, kListLength);
  const std::string expression = words_expression(query_words(question));
  if (expression.empty()) return {};
  std::vector<std::int64_t> words, meaning;
  if (options.by != SearchBy::meaning) words = index_->find_words(expression, options.filter, n);
  if (options.by != SearchBy::words) meaning = by_meaning(question, options.filter, n);
  std::vector<Hit> hits;
  for (const FusedId& fused : fuse(words, meaning)) {
    if (hits.size() == options.n) break;
    hits.push_back({.chunk = index_->chunk(fused.id),
                    .score = fused.score,
                    .rank_by_words = fused.rank_by_words,
                    .rank_by_meaning = fused.rank_by_meaning});
  }
  return hits;
}

}  // namespace tinyllm
