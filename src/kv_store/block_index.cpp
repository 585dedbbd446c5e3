#include "kv_store/block_index.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {

BlockIndex::BlockIndex(std::int64_t max_slots) : max_slots_(max_slots) {
  CHECK(max_slots >= 0, "{} slots", max_slots);
}

std::optional<std::int64_t> BlockIndex::find(const BlockKey& key) const {
  const auto found = slots_.find(key);
  if (found == slots_.end()) return std::nullopt;
  return found->second;
}

BlockIndex::Slot BlockIndex::take(const BlockKey& parent) {
  while (!free_slots_.empty()) {
    const std::int64_t slot = free_slots_.back();
    free_slots_.pop_back();
    if (slot < max_slots_) return {slot, false};
  }
  if (n_touched_ < max_slots_) {
    entries_.resize(static_cast<std::size_t>(++n_touched_));
    return {n_touched_ - 1, false};
  }
  const std::optional<std::int64_t> victim = oldest_leaf(parent);
  if (!victim) return {};
  erase(*victim);
  return {*victim, true};
}

std::optional<std::int64_t> BlockIndex::oldest_leaf(const BlockKey& but) const {
  for (const Leaf& leaf : leaves_) {
    if (entry(leaf.second).key != but) return leaf.second;
  }
  return std::nullopt;
}

void BlockIndex::give_back(std::int64_t slot) { free_slots_.push_back(slot); }

void BlockIndex::insert(std::int64_t slot, const BlockEntry& entry) {
  CHECK(!slots_.contains(entry.key), "slot {}: the block has one already", slot);
  add(slot, entry);
}

bool BlockIndex::restore(std::int64_t slot, const BlockEntry& entry) {
  if (slots_.contains(entry.key)) return false;
  clock_ = std::max(clock_, entry.used);
  n_touched_ = std::max(n_touched_, slot + 1);
  entries_.resize(static_cast<std::size_t>(n_touched_));
  add(slot, entry);
  return true;
}

void BlockIndex::end_restore() {
  for (std::int64_t slot = n_touched_; slot-- > 0;) {
    const std::optional<std::int64_t> owner = find(entry(slot).key);
    if (!owner || *owner != slot) free_slots_.push_back(slot);
  }
}

void BlockIndex::add(std::int64_t slot, const BlockEntry& entry) {
  entries_[static_cast<std::size_t>(slot)] = entry;
  slots_.emplace(entry.key, slot);
  if (is_leaf(entry.key)) leaves_.insert(leaf(slot));
  if (++n_children_[entry.parent] > 1) return;
  const std::optional<std::int64_t> parent = find(entry.parent);
  if (parent) leaves_.erase(leaf(*parent));
}

void BlockIndex::erase(std::int64_t slot) {
  const BlockEntry entry = this->entry(slot);
  leaves_.erase(leaf(slot));
  slots_.erase(entry.key);
  entries_[static_cast<std::size_t>(slot)] = {};
  const auto siblings = n_children_.find(entry.parent);
  if (--siblings->second > 0) return;
  n_children_.erase(siblings);
  const std::optional<std::int64_t> parent = find(entry.parent);
  if (parent) leaves_.insert(leaf(*parent));
}

bool BlockIndex::touch(std::int64_t slot) {
  BlockEntry& entry = entries_[static_cast<std::size_t>(slot)];
  if (entry.used == clock_) return false;
  const bool was_leaf = leaves_.erase(leaf(slot)) > 0;
  entry.used = ++clock_;
  if (was_leaf) leaves_.insert(leaf(slot));
  return true;
}

void BlockIndex::check_invariants() const {
  std::int64_t n_leaves = 0;
  for (const auto& [key, slot] : slots_) {
    CHECK(entry(slot).key == key, "slot {} holds another block", slot);
    CHECK(slot < max_slots_ && slot < n_touched_, "slot {} of {}", slot, max_slots_);
    CHECK(leaves_.contains(leaf(slot)) == is_leaf(key), "slot {}: leaf or not", slot);
    CHECK(n_children_.contains(entry(slot).parent), "slot {} is nobody's child", slot);
    n_leaves += is_leaf(key) ? 1 : 0;
  }
  CHECK(n_leaves == static_cast<std::int64_t>(leaves_.size()), "{} leaves, {} listed", n_leaves,
        leaves_.size());
  std::int64_t n_children = 0;
  for (const auto& [key, n] : n_children_) n_children += n;
  CHECK(n_children == n_blocks(), "{} children, {} blocks", n_children, n_blocks());
}

}  // namespace tinyllm
