#include "cache/kv_blocks.h"

#include "base/check.h"

namespace tinyllm {

KvBlocks::KvBlocks(const KvBlocksOptions& options)
    : options_(options),
      pool_(options.kv.n_blocks),
      cache_(options.kv.n_blocks, options.kv.block_size, options.secret) {}

KvBlocks::Match KvBlocks::match(std::span<const std::int32_t> tokens, std::string_view salt) const {
  Match match;
  if (!options_.prefix_cache || tokens.empty()) return match;
  const auto size = static_cast<std::size_t>(block_size());
  EntryId parent = cache_.root(salt);
  for (std::size_t begin = 0; begin + size < tokens.size(); begin += size) {
    const auto hit = cache_.find(parent, tokens.subspan(begin, size));
    if (!hit) break;
    parent = hit->entry;
    ++match.n_blocks;
    if (pool_.ref_count(hit->block) == 0) ++match.n_free_blocks;
  }
  return match;
}

std::int64_t KvBlocks::start(BlockTable& table, std::span<const std::int32_t> tokens,
                             std::string_view salt, bool use_cached) {
  CHECK(table.block_ids.empty(), "the table holds {} blocks already", table.block_ids.size());
  table.n_registered = 0;
  table.last_entry = cache_.root(salt);
  const Match match = use_cached ? this->match(tokens, salt) : Match{};
  const auto size = static_cast<std::size_t>(block_size());
  for (std::int32_t i = 0; i < match.n_blocks; ++i) {
    const auto hit =
        cache_.find(table.last_entry, tokens.subspan(static_cast<std::size_t>(i) * size, size));
    pool_.add_ref(hit->block);
    table.block_ids.push_back(hit->block);
    table.last_entry = hit->entry;
  }
  table.n_registered = match.n_blocks;
  return std::int64_t{match.n_blocks} * block_size();
}

bool KvBlocks::grow(BlockTable& table, std::int64_t n_tokens) {
  const std::int32_t n_wanted =
      blocks_for(n_tokens) - static_cast<std::int32_t>(table.block_ids.size());
  if (n_wanted > pool_.n_free()) return false;
  for (std::int32_t i = 0; i < n_wanted; ++i) table.block_ids.push_back(take());
  return true;
}

void KvBlocks::register_full(BlockTable& table, std::span<const std::int32_t> tokens,
                             std::int64_t n_computed) {
  if (!options_.prefix_cache) return;
  const auto size = static_cast<std::size_t>(block_size());
  for (; std::int64_t{table.n_registered + 1} * block_size() <= n_computed; ++table.n_registered) {
    const auto i = static_cast<std::size_t>(table.n_registered);
    table.last_entry =
        cache_.insert(table.block_ids[i], table.last_entry, tokens.subspan(i * size, size));
  }
}

void KvBlocks::forget(const BlockTable& table) {
  for (const BlockId block : table.block_ids) cache_.erase(block);
}

void KvBlocks::release(BlockTable& table) {
  for (; !table.block_ids.empty(); table.block_ids.pop_back()) {
    const BlockId block = table.block_ids.back();
    pool_.release(block, cache_.contains(block));
  }
  table.n_registered = 0;
}

BlockId KvBlocks::take() {
  const BlockId block = pool_.take();
  cache_.erase(block);
  return block;
}

void KvBlocks::check_invariants(std::span<const BlockTable* const> tables) const {
  pool_.check_invariants();
  cache_.check_invariants();
  std::vector<std::int32_t> holders(static_cast<std::size_t>(n_blocks()), 0);
  for (const BlockTable* table : tables) {
    for (const BlockId block : table->block_ids) ++holders[static_cast<std::size_t>(block)];
  }
  for (BlockId block = 0; block < n_blocks(); ++block) {
    CHECK(holders[static_cast<std::size_t>(block)] == pool_.ref_count(block),
          "block {} stands in {} tables, its count is {}", block,
          holders[static_cast<std::size_t>(block)], pool_.ref_count(block));
  }
}

}  // namespace tinyllm
