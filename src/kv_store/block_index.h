#pragma once
// Which block lies in which slot of the store, and which slot is taken next: integers and names
// only, no file. A block hangs under the one before it, as its name does:
//
//   root --> [0] --> [1] --> [2]          a leaf: no stored block follows it
//                     \--> [3] --> [4]
//
// When all slots are taken the least recently used leaf gives its own away, so the start of a text,
// which is of more use than what follows, lives longest. One thread at a time.

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kv_store/block_key.h"

namespace tinyllm {

struct BlockEntry {
  BlockKey key, parent;
  std::uint64_t checksum = 0;  // of the block's bytes
  std::uint64_t used = 0;      // when it was last of use, by a clock that counts uses
};

class BlockIndex {
 public:
  explicit BlockIndex(std::int64_t max_slots);

  std::int64_t n_blocks() const { return static_cast<std::int64_t>(slots_.size()); }
  std::int64_t max_slots() const { return max_slots_; }
  // From now on slots are [0, n): the disk has no room for more. No block may lie beyond.
  void limit_slots(std::int64_t n) { max_slots_ = n; }
  std::int64_t n_touched() const { return n_touched_; }  // slots that were ever given

  std::optional<std::int64_t> find(const BlockKey& key) const;
  const BlockEntry& entry(std::int64_t slot) const {
    return entries_[static_cast<std::size_t>(slot)];
  }

  // A slot for a block that will hang under `parent`: a free one, or that of the least recently used
  // leaf, whose block is then forgotten (`evicted`). -1: the only leaf is the parent itself, whose
  // loss would make the new block useless.
  struct Slot {
    std::int64_t slot = -1;
    bool evicted = false;
  };
  Slot take(const BlockKey& parent);
  void give_back(std::int64_t slot);  // one that was taken and not filled

  // The next time on the clock of uses: for an entry that is about to be inserted.
  std::uint64_t next_use() { return ++clock_; }
  // The block that was put into a slot that was taken.
  void insert(std::int64_t slot, const BlockEntry& entry);
  // What an index on disk says; false, and nothing happens, where the block is known already.
  bool restore(std::int64_t slot, const BlockEntry& entry);
  // Slots that restore() did not fill may be taken.
  void end_restore();
  // The slot is not free before give_back().
  void erase(std::int64_t slot);

  // Makes the block the most recently used one. False: it was already.
  bool touch(std::int64_t slot);
  std::optional<std::int64_t> oldest_leaf(const BlockKey& but) const;

  void check_invariants() const;  // for tests

 private:
  using Leaf = std::pair<std::uint64_t, std::int64_t>;  // used, slot
  Leaf leaf(std::int64_t slot) const { return {entry(slot).used, slot}; }
  bool is_leaf(const BlockKey& key) const { return !n_children_.contains(key); }
  void add(std::int64_t slot, const BlockEntry& entry);

  std::int64_t max_slots_;
  std::int64_t n_touched_ = 0;
  std::uint64_t clock_ = 0;
  std::vector<BlockEntry> entries_;       // [n_touched_]
  std::vector<std::int64_t> free_slots_;  // below n_touched_
  std::unordered_map<BlockKey, std::int64_t, BlockKeyHash> slots_;
  std::unordered_map<BlockKey, std::int64_t, BlockKeyHash> n_children_;  // no zeros
  std::set<Leaf> leaves_;  // least recently used first
};

}  // namespace tinyllm
