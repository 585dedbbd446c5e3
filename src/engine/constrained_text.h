#pragma once
// A choice's place in the grammar that its text follows: masks for the draws of a step, and what the
// grammar says of drafts. Drafts are walked over and taken back; only what was drawn moves the place.
// Engine thread only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "grammar/matcher.h"
#include "grammar/text_constraint.h"
#include "speculative/drafter.h"

namespace tinyllm {

class ConstrainedText {
 public:
  explicit ConstrainedText(const TextConstraint& constraint);

  // The masks of a row's draws, [1 + n_drafts, n_words], behind `masks`: after the text so far, and
  // after each of the drafts. `unwanted(i)` are ids that draw i shall not give, which holds as far
  // as the grammar leaves another. A mask of zeros: nothing can follow, and take() refuses what is
  // drawn.
  void add_masks(std::span<const TokenId> drafts, std::size_t n_words,
                 function_ref<std::span<const TokenId>(std::size_t draw)> unwanted,
                 std::vector<std::uint32_t>& masks);
  // Cuts drafts at the first that may not follow, and puts tokens in that are the only ones which
  // may, up to n_most drafts.
  void guide(std::int64_t n_most, std::vector<Draft>& drafts);
  // A drawn token. False: it may not follow, because nothing can.
  bool take(TokenId token_id) { return matcher_.accept(token_id); }
  bool has_ended() const { return matcher_.has_ended(); }  // an end token was taken
  // Nothing but an end may follow.
  bool is_complete() { return matcher_.is_complete(); }
  bool failed() const { return matcher_.failed(); }  // too complex for its memory

 private:
  std::size_t n_mask_words_;
  Matcher matcher_;
};

}  // namespace tinyllm
