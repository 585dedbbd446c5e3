#include "cache/block_pool.h"

#include "base/check.h"

namespace tinyllm {

BlockPool::BlockPool(std::int32_t n_blocks) : n_free_(n_blocks) {
  CHECK(n_blocks >= 1, "a pool of {} blocks", n_blocks);
  links_.resize(static_cast<std::size_t>(n_blocks) + 1);
  const BlockId ring =
      n_blocks;  // block i sits between i - 1 and i + 1, the sentinel closes the ring
  for (BlockId block = 0; block <= ring; ++block) {
    links_[index(block)].previous = block == 0 ? ring : block - 1;
    links_[index(block)].next = block == ring ? 0 : block + 1;
  }
}

BlockId BlockPool::take() {
  CHECK(n_free_ > 0, "no free block, all {} are in use", n_blocks());
  const BlockId block = links_[index(sentinel())].next;
  unlink(block);
  links_[index(block)].ref_count = 1;
  return block;
}

void BlockPool::add_ref(BlockId block) {
  Link& link = links_[index(block)];
  if (link.ref_count == 0) unlink(block);
  ++link.ref_count;
}

void BlockPool::release(BlockId block, bool cached) {
  Link& link = links_[index(block)];
  CHECK(link.ref_count > 0, "block {} is released but nobody holds it", block);
  if (--link.ref_count > 0) return;
  insert_after(cached ? links_[index(sentinel())].previous : sentinel(), block);
}

void BlockPool::insert_after(BlockId place, BlockId block) {
  const BlockId next = links_[index(place)].next;
  links_[index(block)].previous = place;
  links_[index(block)].next = next;
  links_[index(place)].next = block;
  links_[index(next)].previous = block;
  ++n_free_;
}

void BlockPool::unlink(BlockId block) {
  Link& link = links_[index(block)];
  links_[index(link.previous)].next = link.next;
  links_[index(link.next)].previous = link.previous;
  link.previous = link.next = kNone;
  --n_free_;
}

void BlockPool::check_invariants() const {
  std::int32_t n_listed = 0;
  for (BlockId block = links_[index(sentinel())].next; block != sentinel();
       block = links_[index(block)].next) {
    const Link& link = links_[index(block)];
    CHECK(link.ref_count == 0, "free block {} has {} holders", block, link.ref_count);
    CHECK(links_[index(link.next)].previous == block, "block {} and its successor disagree", block);
    CHECK(++n_listed <= n_blocks(), "the free list has a cycle");
  }
  CHECK(n_listed == n_free_, "{} blocks are listed free, {} counted", n_listed, n_free_);
  for (BlockId block = 0; block < n_blocks(); ++block) {
    const Link& link = links_[index(block)];
    CHECK(link.ref_count >= 0, "block {} has {} holders", block, link.ref_count);
    CHECK((link.ref_count == 0) == (link.next != kNone), "block {} is held and free at once",
          block);
  }
}

}  // namespace tinyllm
