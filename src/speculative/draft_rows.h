#pragma once
// Which K/V rows the draft model has written, where the target's block tables say that they lie. A
// row is named by a hash of all tokens up to its own, so that shared, cached and reused blocks tell
// by themselves what is in them, and nobody has to say when a block changes hands. The hash begins with
// the cache salt, as that of the prefix cache does. Two texts with one name would cost a wrong guess,
// no more. Engine thread only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "schedule/sequence.h"

namespace tinyllm {

class DraftRows {
 public:
  DraftRows(std::int32_t n_blocks, std::int32_t block_size);

  // One running text.
  struct Text {
    std::vector<std::uint64_t> keys;  // names of the rows of its known tokens
    std::int64_t n_held = 0;          // tokens [0, n_held) have rows
    std::uint32_t epoch = 0;          // of the sequence when that was found
  };

  // Reads the tokens that are new, and finds rows that are there: of a cached prefix, of drafts that
  // were accepted. One token at least is left without a row.
  void follow(Text& text, const Sequence& sequence) const;
  // Rows were written for the known tokens [n_held, end), and, where that is all of them, for `drafts`
  // behind them. Those beyond the sequence's blocks are not kept.
  void wrote(Text& text, const Sequence& sequence, std::int64_t end,
             std::span<const TokenId> drafts);

 private:
  std::size_t row_of(const Sequence& sequence, std::int64_t position) const;
  // Positions that the sequence's blocks have rows for.
  std::int64_t n_rows(const Sequence& sequence) const;

  std::int32_t block_size_;
  std::vector<std::uint64_t> keys_;  // [n_blocks * block_size], 0: never written
};

}  // namespace tinyllm
