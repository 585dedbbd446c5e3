#include "cache/prefix_cache.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace tinyllm {
namespace {

constexpr EntryId kRootBit = EntryId{1} << 63;  // roots and entries never meet

// Folds one word into a running hash: the 128-bit product's halves (Wang Yi's wyhash idea).
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(hash ^ word) * 0x9E3779B97F4A7C15ull;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ word;
}

}  // namespace

PrefixCache::PrefixCache(std::int32_t n_blocks, std::int32_t block_size, std::uint64_t secret,
                         std::int32_t n_remembered)
    : n_blocks_(n_blocks),
      block_size_(block_size),
      secret_(secret),
      entries_(static_cast<std::size_t>(n_blocks) + static_cast<std::size_t>(n_remembered)),
      tokens_(entries_.size() * static_cast<std::size_t>(block_size)),
      slots_(std::bit_ceil(2 * entries_.size()), kEmpty) {
  CHECK(block_size >= 1, "block_size is {}", block_size);
}

EntryId PrefixCache::root(std::string_view salt) const {
  std::uint64_t hash = mix(secret_, salt.size());
  for (const char c : salt) hash = mix(hash, static_cast<unsigned char>(c));
  return hash | kRootBit;
}

std::optional<PrefixCache::Hit> PrefixCache::find(EntryId parent,
                                                  std::span<const std::int32_t> tokens) const {
  const BlockId block = slots_[slot_of(hash_of(parent, tokens), parent, tokens)];
  if (block == kEmpty) return std::nullopt;
  return Hit{block, entries_[static_cast<std::size_t>(block)].id};
}

std::optional<std::int32_t> PrefixCache::longest_common(
    EntryId parent, std::span<const std::int32_t> tokens) const {
  std::optional<std::int32_t> longest;
  for (BlockId block = 0; block < std::min(n_blocks_, kMostCompared); ++block) {
    const Entry& entry = entries_[static_cast<std::size_t>(block)];
    if (entry.id == kNoEntry || entry.parent != parent) continue;
    const auto [end, at] = std::ranges::mismatch(tokens, tokens_of(block));
    longest = std::max(longest.value_or(0), static_cast<std::int32_t>(end - tokens.begin()));
  }
  return longest;
}

EntryId PrefixCache::insert(BlockId block, EntryId parent, std::span<const std::int32_t> tokens) {
  CHECK(!contains(block), "block {} is cached already", block);
  CHECK(static_cast<std::int32_t>(tokens.size()) == block_size_, "{} tokens in a block of {}",
        tokens.size(), block_size_);
  const std::uint64_t hash = hash_of(parent, tokens);
  const std::size_t slot = slot_of(hash, parent, tokens);
  if (const BlockId known = slots_[slot]; known != kEmpty) {
    if (known >= n_blocks_) {
      move(known, block);
      --n_remembered_;
      ++next_id_;  // newest_entry() tells of it
      return entries_[static_cast<std::size_t>(block)].id;
    }
    return entries_[static_cast<std::size_t>(known)].id;
  }
  slots_[slot] = block;
  std::copy(tokens.begin(), tokens.end(), tokens_.begin() + std::ptrdiff_t{block} * block_size_);
  entries_[static_cast<std::size_t>(block)] = {next_id_++, parent, hash};
  ++n_entries_;
  return entries_[static_cast<std::size_t>(block)].id;
}

// Linear probing without tombstones (Knuth, TAOCP 6.4, algorithm R): close the gap by moving later
// entries of the run back whenever the gap lies between their home slot and where they are.
void PrefixCache::erase(BlockId block) {
  if (!contains(block)) return;
  Entry& entry = entries_[static_cast<std::size_t>(block)];
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = slot_of(entry.hash, entry.parent, tokens_of(block));
  for (std::size_t at = (gap + 1) & mask; slots_[at] != kEmpty; at = (at + 1) & mask) {
    const std::size_t home = entries_[static_cast<std::size_t>(slots_[at])].hash & mask;
    if (((at - home) & mask) >= ((at - gap) & mask)) {
      slots_[gap] = slots_[at];
      gap = at;
    }
  }
  slots_[gap] = kEmpty;
  entry = {};
  --n_entries_;
  if (block >= n_blocks_) --n_remembered_;
}

void PrefixCache::erase_and_remember(BlockId block) {
  if (!contains(block)) return;
  const auto n_places = static_cast<std::int32_t>(entries_.size()) - n_blocks_;
  if (n_places == 0) return erase(block);
  const BlockId place = n_blocks_ + next_place_;
  next_place_ = (next_place_ + 1) % n_places;
  erase(place);
  move(block, place);
  ++n_remembered_;
}

// To an empty place.
void PrefixCache::move(BlockId from, BlockId to) {
  Entry& entry = entries_[static_cast<std::size_t>(from)];
  const std::span<const std::int32_t> tokens = tokens_of(from);
  slots_[slot_of(entry.hash, entry.parent, tokens)] = to;
  std::ranges::copy(tokens, tokens_.begin() + std::ptrdiff_t{to} * block_size_);
  entries_[static_cast<std::size_t>(to)] = std::exchange(entry, {});
}

std::uint64_t PrefixCache::hash_of(EntryId parent, std::span<const std::int32_t> tokens) const {
  std::uint64_t hash = mix(secret_, parent);
  for (const std::int32_t token : tokens) hash = mix(hash, static_cast<std::uint32_t>(token));
  return hash;
}

std::span<const std::int32_t> PrefixCache::tokens_of(BlockId block) const {
  const auto size = static_cast<std::size_t>(block_size_);
  return {tokens_.data() + static_cast<std::size_t>(block) * size, size};
}

std::size_t PrefixCache::slot_of(std::uint64_t hash, EntryId parent,
                                 std::span<const std::int32_t> tokens) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot] != kEmpty; slot = (slot + 1) & mask) {
    const Entry& entry = entries_[static_cast<std::size_t>(slots_[slot])];
    if (entry.hash == hash && entry.parent == parent &&
        std::ranges::equal(tokens_of(slots_[slot]), tokens)) {
      break;
    }
  }
  return slot;
}

void PrefixCache::check_invariants() const {
  std::int32_t n_cached = 0;
  for (BlockId block = 0; block < static_cast<BlockId>(entries_.size()); ++block) {
    if (!contains(block)) continue;
    ++n_cached;
    const Entry& entry = entries_[static_cast<std::size_t>(block)];
    CHECK(entry.hash == hash_of(entry.parent, tokens_of(block)), "block {}: stale hash", block);
    CHECK(slots_[slot_of(entry.hash, entry.parent, tokens_of(block))] == block,
          "block {} cannot be found", block);
  }
  const auto n_slots = static_cast<std::int32_t>(slots_.size()) -
                       static_cast<std::int32_t>(std::ranges::count(slots_, kEmpty));
  CHECK(n_cached == n_entries_ && n_slots == n_entries_, "{} entries, {} slots, {} counted",
        n_cached, n_slots, n_entries_);
}

}  // namespace tinyllm
