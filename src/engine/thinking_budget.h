#pragma once
// How many tokens a choice still has for its thinking. When they are used up the end of the thinking
// is the only thing that may be drawn, token by token, and the text goes on with its answer. Drafts
// are walked over with a copy; only what was drawn moves the place. Engine thread only.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/thinking_limit.h"
#include "base/function_ref.h"
#include "speculative/drafter.h"
#include "text/tokenizer.h"

namespace tinyllm {

class ThinkingBudget {
 public:
  // Both must outlive it.
  ThinkingBudget(const ThinkingLimit& limit, const Tokenizer& tokenizer);

  // A drawn token.
  void take(TokenId token_id) { place_.take(token_id, *limit_, *tokenizer_); }
  // Where one of a row's draws is not free, the masks of all of them, [1 + n_drafts, n_words]: `masks`
  // holds what a grammar says of them, or nothing, and then `unwanted(i)` are left out of the draws
  // that are free.
  void add_masks(std::span<const TokenId> drafts, std::size_t n_words,
                 function_ref<std::span<const TokenId>(std::size_t draw)> unwanted,
                 std::vector<std::uint32_t>& masks) const;
  // Puts the tokens that must come into the drafts, up to n_most drafts.
  void guide(std::int64_t n_most, std::vector<Draft>& drafts) const;

 private:
  struct Place {
    enum class Part { before, thinking, over };
    Part part = Part::before;
    std::string tail;           // of the text: what a mark may still begin in
    std::int64_t n_tokens = 0;  // of the thinking
    std::size_t n_end_ids = 0;  // taken of limit.end_ids

    void take(TokenId token_id, const ThinkingLimit& limit, const Tokenizer& tokenizer);
    void look_for_begin(const ThinkingLimit& limit);
    void look_for_end(const ThinkingLimit& limit);
    // The only token that may come; empty: any.
    std::optional<TokenId> forced(const ThinkingLimit& limit) const;
  };

  const ThinkingLimit* limit_;
  const Tokenizer* tokenizer_;
  Place place_;
};

}  // namespace tinyllm
