#pragma once
// Who holds which KV block: reference counts and a free list threaded
// through the blocks. Integers only; the bytes of a block belong to the
// backend. Engine thread only. Nothing is allocated after construction.
//
//   free list   front -> [worthless] [unseen: cached, but rarely wanted again] [cached] <- back
//
// Within the last two, what was freed first stands first.
//
// A block is on the free list exactly when its count is 0. A free block may still be cached
// (prefix_cache.h): a hit takes it out of the middle of the list in O(1).

#include <cstdint>
#include <vector>

namespace tinyllm {

using BlockId = std::int32_t;

// In a list of blocks: ~id stands for one that was there and was given back.
inline bool is_held(BlockId block) { return block >= 0; }

class BlockPool {
 public:
  explicit BlockPool(std::int32_t n_blocks);

  std::int32_t n_blocks() const { return static_cast<std::int32_t>(links_.size()) - 2; }
  std::int32_t n_free() const { return n_free_; }
  std::int32_t ref_count(BlockId block) const { return links_[index(block)].ref_count; }

  // The front of the free list with count 1. CHECKs that one is free.
  BlockId take();

  // One more holder: a block in use, or a free one whose content is wanted again.
  void add_ref(BlockId block);

  enum class Content { worthless, unseen, cached };

  // One holder less. At 0 the block joins the free list among those of its content. CHECKs that it
  // was held.
  void release(BlockId block, Content content);

  // CHECKs that list, counts and n_free agree: O(n_blocks), for tests.
  void check_invariants() const;

 private:
  struct Link {
    BlockId previous = kNone;
    BlockId next = kNone;
    std::int32_t ref_count = 0;
  };
  static constexpr BlockId kNone = -1;

  static std::size_t index(BlockId block) { return static_cast<std::size_t>(block); }
  BlockId sentinel() const { return n_blocks(); }     // head and tail of the ring
  BlockId divider() const { return n_blocks() + 1; }  // in the ring, before what is cached
  void insert_after(BlockId place, BlockId block);
  void unlink(BlockId block);

  std::vector<Link> links_;  // [n_blocks + 2]
  std::int32_t n_free_;
};

}  // namespace tinyllm
