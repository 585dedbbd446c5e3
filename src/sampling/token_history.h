#pragma once
// What one sequence has said so far, counted once for the penalties: each different id of prompt
// and output, and how often the output holds it.

#include <cstdint>
#include <span>
#include <vector>

#include "api/sampling_params.h"

namespace tinyllm {

class TokenHistory {
 public:
  struct Entry {
    TokenId id = 0;
    std::int32_t n_outputs = 0;  // 0: in the prompt only
  };

  TokenHistory() = default;
  // Room for max_ids different ids: with no more of them, no call allocates.
  explicit TokenHistory(std::int64_t max_ids) {
    entries_.reserve(static_cast<std::size_t>(max_ids));
  }

  // Begins anew. `places` [vocab_size] is all 0 before and after; ids are in [0, vocab_size).
  void reset(std::span<const TokenId> prompt_ids, std::span<const TokenId> output_ids,
             std::span<std::int32_t> places);
  // One more id of the output. Looks through the entries: their number is bounded by the context.
  void append(TokenId id);

  std::span<const Entry> entries() const { return entries_; }  // each id once
  std::int64_t n_outputs() const { return n_outputs_; }        // tokens of the output

 private:
  std::vector<Entry> entries_;
  std::int64_t n_outputs_ = 0;
};

}  // namespace tinyllm
