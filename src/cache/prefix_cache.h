#pragma once
// Finds KV blocks that hold the start of a new prompt. A full block
// of tokens is an edge of a tree: it hangs under the entry of the
// block before it, or under a root that stands for the caller's salt.
//
//   root(salt) --[t0 .. t15]--> entry 7 --[t16 .. t31]--> entry 8
//                                  |                          |
//                               block 12                   block 3     hold the K/V rows
//
// The lookup key is (parent entry, tokens of the block). Entry ids are never used twice and the
// tokens are compared on a hit, so a hit is exact: a hash collision costs a miss, never a wrong
// text. An entry whose block was taken for something else may be remembered, without a block: texts
// of which only the end is needed are then still found. Integers only. Engine thread only. Nothing is
// allocated after construction.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cache/block_pool.h"

namespace tinyllm {

using EntryId = std::uint64_t;

class PrefixCache {
 public:
  struct Hit {
    BlockId block;  // from n_blocks on: a place of an entry without a block
    EntryId entry;
  };

  // `secret` keys the hash, so that nobody who does not know it can make prompts collide. The last
  // n_remembered entries that lost their blocks are remembered.
  PrefixCache(std::int32_t n_blocks, std::int32_t block_size, std::uint64_t secret,
              std::int32_t n_remembered = 0);

  // The parent of a sequence's first block. Sequences with different salts never share blocks: who
  // lacks the salt learns nothing from the time that a prompt takes.
  EntryId root(std::string_view salt) const;

  // The block that holds these block_size tokens after `parent`.
  std::optional<Hit> find(EntryId parent, std::span<const std::int32_t> tokens) const;

  // Leading tokens that these have in common with the nearest block after `parent`; empty: nothing is
  // known after it, among the first kMostCompared blocks: an admission must not take longer the more
  // memory there is.
  static constexpr BlockId kMostCompared = 16384;
  std::optional<std::int32_t> longest_common(EntryId parent,
                                             std::span<const std::int32_t> tokens) const;

  // Says that `block` now holds these tokens after `parent`. When another block is known to hold
  // the same, that one stays the known one and its entry is returned: `block` is then not cached.
  // A remembered entry gets this block.
  EntryId insert(BlockId block, EntryId parent, std::span<const std::int32_t> tokens);

  bool contains(BlockId block) const {
    return entries_[static_cast<std::size_t>(block)].id != kNoEntry;
  }

  // Forgets a block that is about to hold something else. No-op when it is not cached.
  void erase(BlockId block);
  // The same, but the entry is remembered, in place of the one that was remembered first.
  void erase_and_remember(BlockId block);
  bool has_block(const Hit& hit) const { return hit.block < n_blocks_; }
  std::int32_t n_entries() const { return n_entries_ - n_remembered_; }  // with a block

  // Whether a hit found earlier still holds: its block was not taken for something else since.
  bool holds(const Hit& hit) const {
    return entries_[static_cast<std::size_t>(hit.block)].id == hit.entry;
  }
  // Grows with every new entry, and when one gets a block again: as long as it is the same, a miss
  // stays a miss.
  EntryId newest_entry() const { return next_id_ - 1; }

  void check_invariants() const;  // O(n_blocks), for tests

 private:
  static constexpr EntryId kNoEntry = 0;
  static constexpr BlockId kEmpty = -1;
  struct Entry {
    EntryId id = kNoEntry;  // kNoEntry: the block is not cached
    EntryId parent = kNoEntry;
    std::uint64_t hash = 0;
  };

  void move(BlockId from, BlockId to);
  std::uint64_t hash_of(EntryId parent, std::span<const std::int32_t> tokens) const;
  std::span<const std::int32_t> tokens_of(BlockId block) const;
  // The slot of the entry, or the empty slot where it would go.
  std::size_t slot_of(std::uint64_t hash, EntryId parent,
                      std::span<const std::int32_t> tokens) const;

  std::int32_t n_blocks_, block_size_;
  std::uint64_t secret_;
  EntryId next_id_ = 1;
  std::int32_t n_entries_ = 0, n_remembered_ = 0;  // all; without a block
  std::int32_t next_place_ = 0;                    // of an entry without a block, round and round
  // n places: of the blocks, then of entries without one.
  std::vector<Entry> entries_;        // [n]
  std::vector<std::int32_t> tokens_;  // [n, block_size]
  std::vector<BlockId> slots_;        // open addressing, linear probing; a power of two >= 2 n
};

}  // namespace tinyllm
