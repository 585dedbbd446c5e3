#include "cache/block_pool.h"

#include "base/check.h"

namespace tinyllm {

BlockPool::BlockPool(std::int32_t n_blocks) : n_free_(n_blocks) {
  CHECK(n_blocks >= 1, "a pool of {} blocks", n_blocks);
  links_.resize(static_cast<std::size_t>(n_blocks) + 2);
  // Blocks in order, then the divider, and the sentinel, which closes the ring.
  const auto join = [this](BlockId first, BlockId second) {
    links_[index(first)].next = second;
    links_[index(second)].previous = first;
  };
  for (BlockId block = 1; block < n_blocks; ++block) join(block - 1, block);
  join(n_blocks - 1, divider());
  join(divider(), sentinel());
  join(sentinel(), 0);
}

BlockId BlockPool::take() {
  CHECK(n_free_ > 0, "no free block, all {} are in use", n_blocks());
  BlockId block = links_[index(sentinel())].next;
  if (block == divider()) block = links_[index(block)].next;
  unlink(block);
  links_[index(block)].ref_count = 1;
  return block;
}

void BlockPool::add_ref(BlockId block) {
  Link& link = links_[index(block)];
  if (link.ref_count == 0) unlink(block);
  ++link.ref_count;
}

void BlockPool::release(BlockId block, Content content) {
  Link& link = links_[index(block)];
  CHECK(link.ref_count > 0, "block {} is released but nobody holds it", block);
  if (--link.ref_count > 0) return;
  switch (content) {
    case Content::worthless: return insert_after(sentinel(), block);
    case Content::unseen: return insert_after(links_[index(divider())].previous, block);
    case Content::cached: return insert_after(links_[index(sentinel())].previous, block);
  }
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
  std::int32_t n_listed = 0, n_dividers = 0;
  for (BlockId block = links_[index(sentinel())].next; block != sentinel();
       block = links_[index(block)].next) {
    const Link& link = links_[index(block)];
    CHECK(link.ref_count == 0, "free block {} has {} holders", block, link.ref_count);
    CHECK(links_[index(link.next)].previous == block, "block {} and its successor disagree", block);
    ++(block == divider() ? n_dividers : n_listed);
    CHECK(n_listed <= n_blocks() && n_dividers <= 1, "the free list has a cycle");
  }
  CHECK(n_dividers == 1, "the free list has lost its divider");
  CHECK(n_listed == n_free_, "{} blocks are listed free, {} counted", n_listed, n_free_);
  for (BlockId block = 0; block < n_blocks(); ++block) {
    const Link& link = links_[index(block)];
    CHECK(link.ref_count >= 0, "block {} has {} holders", block, link.ref_count);
    CHECK((link.ref_count == 0) == (link.next != kNone), "block {} is held and free at once",
          block);
  }
}

}  // namespace tinyllm
