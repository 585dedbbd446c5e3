#include "cache/kv_blocks.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {
namespace {

using Content = BlockPool::Content;

// An entry takes about 200 bytes, a thousandth of a block.
std::int32_t n_remembered(const KvBlocksOptions& options) {
  constexpr std::int64_t kMost = 1 << 30;
  if (options.window == 0) return 0;
  const std::int64_t n_least = 8 * std::int64_t{options.kv.n_blocks};
  return static_cast<std::int32_t>(std::min(kMost, std::max(n_least, options.n_remembered)));
}

}  // namespace

KvBlocks::KvBlocks(const KvBlocksOptions& options)
    : options_(options),
      pool_(options.kv.n_blocks),
      cache_(options.kv.n_blocks, options.kv.block_size, options.secret, n_remembered(options)) {}

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
  while (!can_start(match.hits)) match.hits.pop_back();
}

PrefixGap KvBlocks::gap_behind(EntryId last_entry, std::int64_t n_found,
                               std::span<const std::int32_t> tokens) const {
  using Why = PrefixGap::Why;
  if (!options_.prefix_cache) return {Why::not_looked, n_found};
  if (n_found + block_size() >= std::ssize(tokens)) return {Why::whole, n_found};
  const auto next =
      tokens.subspan(static_cast<std::size_t>(n_found), static_cast<std::size_t>(block_size()));
  const std::optional<std::int32_t> n_common = cache_.longest_common(last_entry, next);
  if (n_common == block_size() || cache_.find(last_entry, next))
    return {Why::given_away, n_found + block_size()};
  if (!n_common) return {Why::unknown, n_found};
  return {Why::differs, n_found + *n_common};
}

bool KvBlocks::is_seen(std::int64_t i, std::int64_t n) const {
  if (options_.window == 0 || i < blocks_for(options_.sinks)) return true;
  return (i + 1) * block_size() > n * block_size() + 1 - options_.window;
}

bool KvBlocks::can_start(std::span<const PrefixCache::Hit> hits) const {
  for (std::int64_t i = std::ssize(hits) - 1; i >= 0; --i) {
    if (!is_seen(i, std::ssize(hits)))
      i = blocks_for(options_.sinks) - 1;  // those between need not be there
    if (i >= 0 && !cache_.has_block(hits[static_cast<std::size_t>(i)])) return false;
  }
  return true;
}

std::int32_t KvBlocks::n_taken(const PrefixMatch& match, std::int64_t n_tokens) const {
  std::int32_t n_wanted = blocks_for(n_tokens);
  for (std::int64_t i = 0; i < std::ssize(match.hits); ++i) {
    const BlockId block = match.hits[static_cast<std::size_t>(i)].block;
    if (!is_seen(i, std::ssize(match.hits)) || pool_.ref_count(block) > 0) --n_wanted;
  }
  return n_wanted;
}

std::int32_t KvBlocks::n_taken_at_once(const PrefixMatch& match, std::int64_t n_tokens) const {
  const std::int32_t n_wanted = n_taken(match, n_tokens);
  return holds_any_length() ? std::min(n_wanted, most_held()) : n_wanted;
}

std::int32_t KvBlocks::n_yet_to_take(const BlockTable& table, std::int64_t n_tokens) const {
  const auto n_in_table = static_cast<std::int32_t>(table.block_ids.size());
  const std::int32_t n_held = n_in_table - table.n_given_back;
  const std::int32_t n_wanted = blocks_for(n_tokens) - n_in_table;
  return std::max(0, holds_any_length() ? std::min(n_wanted, most_held() - n_held) : n_wanted);
}

std::int64_t KvBlocks::start(BlockTable& table, const PrefixMatch& match) {
  CHECK(table.block_ids.empty(), "the table holds {} blocks already", table.block_ids.size());
  CHECK(match.root != 0, "the match was never looked for");
  table.last_entry = match.root;
  for (const PrefixCache::Hit& hit : match.hits) {
    CHECK(cache_.holds(hit), "the match of block {} is out of date", hit.block);
    const bool seen = is_seen(std::ssize(table.block_ids), std::ssize(match.hits));
    if (seen) pool_.add_ref(hit.block);
    table.block_ids.push_back(seen ? hit.block : ~hit.block);
    table.n_given_back += seen ? 0 : 1;
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
  // One that was given back may hold something else by now, which is then computed again.
  for (const BlockId block : table.block_ids) cache_.erase(is_held(block) ? block : ~block);
}

void KvBlocks::give_back_unseen(BlockTable& table, std::int64_t n_computed) {
  if (options_.window == 0) return;
  const std::int64_t first_seen = n_computed + 1 - options_.window;
  const std::int32_t first = blocks_for(options_.sinks);
  for (std::int32_t i = first + table.n_given_back;
       std::int64_t{i + 1} * block_size() <= first_seen; ++i) {
    BlockId& block = table.block_ids[static_cast<std::size_t>(i)];
    pool_.release(block, cache_.contains(block) ? Content::unseen : Content::worthless);
    block = ~block;
    ++table.n_given_back;
  }
}

void KvBlocks::release(BlockTable& table) {
  // The same text again starts behind one full block less, where its last one ends it.
  give_back_unseen(table, std::int64_t{table.n_registered - 1} * block_size());
  for (; !table.block_ids.empty(); table.block_ids.pop_back()) {
    const BlockId block = table.block_ids.back();
    if (!is_held(block)) continue;
    pool_.release(block, cache_.contains(block) ? Content::cached : Content::worthless);
  }
  table.n_registered = table.n_given_back = 0;
}

BlockId KvBlocks::take() {
  const BlockId block = pool_.take();
  cache_.erase_and_remember(block);
  return block;
}

void KvBlocks::check_invariants(std::span<const BlockTable* const> tables) const {
  pool_.check_invariants();
  cache_.check_invariants();
  std::vector<std::int32_t> holders(static_cast<std::size_t>(n_blocks()), 0);
  for (const BlockTable* table : tables) {
    for (const BlockId block : table->block_ids) {
      if (is_held(block)) ++holders[static_cast<std::size_t>(block)];
    }
  }
  for (BlockId block = 0; block < n_blocks(); ++block) {
    CHECK(holders[static_cast<std::size_t>(block)] == pool_.ref_count(block),
          "block {} stands in {} tables, its count is {}", block,
          holders[static_cast<std::size_t>(block)], pool_.ref_count(block));
  }
}

}  // namespace tinyllm
