#pragma once
// A model of integers for tests of the scheduler, and a backend that runs plans on it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "schedule/scheduler.h"

namespace tinyllm {

// A model whose state at a position is a hash of all tokens up to it,
// and whose next token is that hash. Its K/V "rows" are these hashes,
// so a wrong block, a wrong order or a stale row is seen at once.
inline std::uint64_t extend(std::uint64_t state, TokenId token) {
  return (state ^ (static_cast<std::uint64_t>(token) + 0x9E3779B97F4A7C15ull)) *
         0xD6E8FEB86659FD93ull;
}
inline TokenId next_token(std::uint64_t state) { return static_cast<TokenId>((state >> 40) % 5); }

inline std::vector<TokenId> lone_run(std::vector<TokenId> tokens, std::int64_t n_total) {
  std::uint64_t state = 0;
  for (const TokenId token : tokens) state = extend(state, token);
  while (static_cast<std::int64_t>(tokens.size()) < n_total) {
    tokens.push_back(next_token(state));
    state = extend(state, tokens.back());
  }
  return tokens;
}

// The results of one step, with the tokens that they look at.
struct StepResults {
  std::vector<TokenId> tokens;
  std::vector<RowResult> rows;
};

// The state at a position and at the one before.
struct FakeRow {
  std::uint64_t state = 0, before = 0;
};

// Runs plans as a backend would: in order, with K/V rows in blocks and the last drawn token in row
// slots. Drafts are judged as a device does it: a row of a wrong draft draws nothing that counts.
// With a window it looks at all rows that the first new token sees.
class FakeBackend {
 public:
  FakeBackend(const SchedulerOptions& options, const KvBlocksOptions& blocks)
      : block_size_(blocks.kv.block_size),
        window_(blocks.window),
        sinks_(blocks.sinks),
        rows_(static_cast<std::size_t>(blocks.kv.n_tokens())),
        last_drawn_(static_cast<std::size_t>(options.limits.max_num_seqs), -1) {}

  StepResults run(const StepPlan& plan) {
    StepResults results;
    results.tokens.reserve(static_cast<std::size_t>(plan.n_tokens));
    for (const PlanRow& row : plan.rows) {
      const std::size_t first = results.tokens.size();
      const auto slot = static_cast<std::size_t>(row.row_slot);
      std::uint64_t state = row.start == 0 ? 0 : rows_[place(row, row.start - 1)].state;
      if (window_ > 0 && !sees_its_text(row)) state = ~state;  // and so another text
      bool accepted = true;
      for (std::int32_t i = 0; i < row.n_new_tokens; ++i) {
        const TokenId token =
            row.last_sampled ? last_drawn_[slot] : row.token_ids[static_cast<std::size_t>(i)];
        if (results.tokens.size() > first) accepted = accepted && results.tokens.back() == token;
        FakeRow& written = rows_[place(row, row.start + i)];
        written = {extend(state, token), state};
        state = written.state;
        if (i < row.n_new_tokens - row.n_draws || !accepted) continue;
        results.tokens.push_back(last_drawn_[slot] = next_token(state));
      }
      results.rows.push_back({row.sequence_id, std::span(results.tokens).subspan(first)});
    }
    return results;
  }

  // The rows of a block, out and in.
  std::vector<FakeRow> read_block(BlockId block) const {
    const auto begin = rows_.begin() + std::ptrdiff_t{block} * block_size_;
    return {begin, begin + block_size_};
  }
  void write_block(BlockId block, const std::vector<FakeRow>& rows) {
    std::ranges::copy(rows, rows_.begin() + std::ptrdiff_t{block} * block_size_);
  }

 private:
  // Whether the rows of the window and of the sinks before `start` follow each other.
  bool sees_its_text(const PlanRow& row) const {
    const auto follow = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = std::max<std::int64_t>(begin, 0); p < end; ++p) {
        const std::uint64_t before = p == 0 ? 0 : rows_[place(row, p)].before;
        if (rows_[place(row, p)].before != before) return false;
        if (p > std::max<std::int64_t>(begin, 0) && rows_[place(row, p - 1)].state != before)
          return false;
      }
      return true;
    };
    return follow(0, std::min(sinks_, row.start)) && follow(row.start + 1 - window_, row.start);
  }

  std::size_t place(const PlanRow& row, std::int64_t position) const {
    const BlockId block = row.block_table[static_cast<std::size_t>(position / block_size_)];
    return static_cast<std::size_t>(block * block_size_ + position % block_size_);
  }

  std::int32_t block_size_;
  std::int64_t window_, sinks_;
  std::vector<FakeRow> rows_;
  std::vector<TokenId> last_drawn_;
};

}  // namespace tinyllm
