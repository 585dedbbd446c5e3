#include "cache/kv_blocks.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {

KvBlocks::KvBlocks(const KvBlocksOptions& options)
    : options_(options),
      pool_(options.kv.n_blocks),
      cache_(options.kv.n_blocks, options.kv.block_size, options.secret) {}

void KvBlocks::update(PrefixMatch& match, std::span<const std::int32_t> tokens,
                      std::string_view salt) const {
  if (match.root == 0) match.root = cache_.root(salt);
  if (!options_.prefix_cache) return;
  const auto lost = std::ranges::find_if(
      match.hits, [&](const PrefixCache::Hit& hit) { return !cache_.holds(hit); });
  const bool shorter = lost != match.hits.end();
  match.hits.erase(lost, match.hits.end());
  const bool looked =
      match.newest_entry == cache_.newest_entry() && match.n_tokens == tokens.size();
  if (looked && !shorter) return;
  match.newest_entry = cache_.newest_entry();
  match.n_tokens = tokens.size();
  const auto size = static_cast<std::size_t>(block_size());
  EntryId parent = match.hits.empty() ? match.root : match.hits.back().entry;
  for (std::size_t begin = match.hits.size() * size; begin + size < tokens.size(); begin += size) {
    const auto hit = cache_.find(parent, tokens.subspan(begin, size));
    if (!hit) break;
    match.hits.push_back(*hit);
    parent = hit->entry;
  }
}

std::int32_t KvBlocks::n_taken(const PrefixMatch& match, std::int64_t n_tokens) const {
  const auto in_use = std::ranges::count_if(
      match.hits, [&](const PrefixCache::Hit& hit) { return pool_.ref_count(hit.block) > 0; });
  return blocks_for(n_tokens) - static_cast<std::int32_t>(in_use);
}

std::int64_t KvBlocks::start(BlockTable& table, const PrefixMatch& match) {
  CHECK(table.block_ids.empty(), "the table holds {} blocks already", table.block_ids.size());
  CHECK(match.root != 0, "the match was never looked for");
  table.last_entry = match.root;
  for (const PrefixCache::Hit& hit : match.hits) {
    CHECK(cache_.holds(hit), "the match of block {} is out of date", hit.block);
    pool_.add_ref(hit.block);
    table.block_ids.push_back(hit.block);
    table.last_entry = hit.entry;
  }
  table.n_registered = static_cast<std::int32_t>(match.hits.size());
  return std::int64_t{table.n_registered} * block_size();
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
