#pragma once
// Block pool and prefix cache as one: hands out block tables, shares
// full blocks between equal prefixes, and forgets cached content only
// when a block is needed for something else. Engine thread only.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "api/kv_spec.h"
#include "api/prefix_gap.h"
#include "cache/block_pool.h"
#include "cache/prefix_cache.h"

namespace tinyllm {

struct KvBlocksOptions {
  KvSpec kv;  // how the blocks are stored is not looked at
  bool prefix_cache = true;
  std::uint64_t secret = 0;  // keys the prefix hash
  // What later tokens see of a text, whatever the layer: the last `window` positions, their own
  // included, and the first `sinks`. 0: all of it.
  std::int64_t window = 0, sinks = 0;
  // With a window: entries that are remembered without their block. At least 8 for each block are.
  std::int64_t n_remembered = 0;
};

// The blocks of one sequence. Position p lives in block_ids[p / block_size], row p % block_size.
struct BlockTable {
  // Reserved at submission, so that it never grows in a step. A block that was given back, since no
  // later token sees it, stands as ~id: is_held() says which is which.
  std::vector<BlockId> block_ids;
  std::int32_t n_given_back = 0;  // one run of them, behind those of the sinks
  std::int32_t n_registered = 0;  // leading blocks that the prefix cache knows (or knows equals of)
  EntryId last_entry = 0;         // entry of block n_registered - 1, the root when 0
};

// The leading full blocks of a waiting prompt that are cached. Found once and then kept up to date:
// without a window, a look at a match that was found before hashes at most one block, whatever the
// prompt's length. With a window, blocks that no token behind them sees may be missing: only that
// they were there is remembered. What cannot start a text for want of a block that is seen, and what
// comes behind a block that was lost since, is then looked up anew whenever the cache has a new
// entry: one block after another.
struct PrefixMatch {
  std::vector<PrefixCache::Hit> hits;  // reserved at submission, so that it never grows in a step
  EntryId root = 0;                    // of the prompt's salt; 0: never looked
  // At the last look past the hits: the cache's newest entry, and the tokens that there were.
  EntryId newest_entry = 0;
  std::size_t n_tokens = 0;
};

class KvBlocks {
 public:
  explicit KvBlocks(const KvBlocksOptions& options);

  const KvSpec& kv() const { return options_.kv; }
  std::int32_t block_size() const { return options_.kv.block_size; }
  std::int32_t n_blocks() const { return pool_.n_blocks(); }
  std::int32_t n_free() const { return pool_.n_free(); }
  std::int32_t n_cached() const { return cache_.n_entries(); }
  std::int32_t ref_count(BlockId block) const { return pool_.ref_count(block); }
  bool is_cached(BlockId block) const { return cache_.contains(block); }
  std::int32_t blocks_for(std::int64_t n_tokens) const { return options_.kv.blocks_for(n_tokens); }

  // Brings `match` up to date. At most the first tokens.size() - 1 tokens match: one must be left
  // to compute. `tokens` may have grown since the last look; `salt` is always the same.
  void update(PrefixMatch& match, std::span<const std::int32_t> tokens,
              std::string_view salt) const;
  // Why no more than the first n_found tokens, whole blocks up to `last_entry`, came from the cache.
  // Looks at every block.
  PrefixGap gap_behind(EntryId last_entry, std::int64_t n_found,
                       std::span<const std::int32_t> tokens) const;
  // Blocks that a sequence of n_tokens takes off the free list when it starts with this match and
  // grows to all of them.
  std::int32_t n_taken(const PrefixMatch& match, std::int64_t n_tokens) const;
  // The same where it grows step by step: at most as many as a text of any length holds at once.
  std::int32_t n_taken_at_once(const PrefixMatch& match, std::int64_t n_tokens) const;
  // Blocks that a sequence which runs takes besides until n_tokens are computed, step by step.
  std::int32_t n_yet_to_take(const BlockTable& table, std::int64_t n_tokens) const;

  // Starts an empty table with the blocks of a match that is up to date, or with none of them.
  // Returns the number of cached tokens.
  std::int64_t start(BlockTable& table, const PrefixMatch& match);

  // Grows the table to hold n_tokens. False, and nothing taken, when too few blocks are free.
  bool grow(BlockTable& table, std::int64_t n_tokens);

  // Registers the full blocks of tokens [0, n_computed) that are not yet known.
  void register_full(BlockTable& table, std::span<const std::int32_t> tokens,
                     std::int64_t n_computed);

  // With a window: gives back the blocks that the tokens from position n_computed on do not see.
  // They stay cached until they are taken for something else, before any that a text ended with.
  void give_back_unseen(BlockTable& table, std::int64_t n_computed);
  // Whether that bounds what a text holds, and the pool has room for it: texts may then be longer
  // than the pool. most_new: tokens that a step adds to a text at most.
  void set_most_new(std::int64_t most_new) { most_new_ = most_new; }
  bool holds_any_length() const { return options_.window > 0 && most_held() <= n_blocks(); }

  // No later prompt starts from these blocks; sequences that hold them already keep them.
  void forget(const BlockTable& table);

  // Gives all blocks back, the tail first: the start of a prompt is forgotten last. With a window,
  // those go before that the next text which begins like this one does not see.
  void release(BlockTable& table);

  // `tables` are all that hold blocks: their counts must add up.
  void check_invariants(std::span<const BlockTable* const> tables) const;

 private:
  // Whether a text that starts behind `n` blocks sees block i of them.
  bool is_seen(std::int64_t i, std::int64_t n) const;
  // Whether all blocks that a text would see behind these hits are there.
  bool can_start(std::span<const PrefixCache::Hit> hits) const;
  BlockId take();
  // Blocks of sinks, of a window that begins and ends within blocks, and of a step's new tokens.
  std::int32_t most_held() const {
    return blocks_for(options_.sinks) + blocks_for(options_.window) + blocks_for(most_new_) + 2;
  }

  KvBlocksOptions options_;
  std::int64_t most_new_ = 0;
  BlockPool pool_;
  PrefixCache cache_;
};

}  // namespace tinyllm
