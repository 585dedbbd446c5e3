#pragma once
// All substrings of a growing text in linear space (Blumer et al., "The smallest automaton
// recognizing the subwords of a text", 1985), with how often each was followed by which token. A
// state stands for the substrings that end at the same places of the text; its link leads to the
// longest suffix of them that ends at more places. One thread.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

class SuffixAutomaton {
 public:
  // Some substring of the text: `length` tokens long, in `state`.
  struct Match {
    std::int32_t state = 0;
    std::int32_t length = 0;
  };
  struct Next {
    TokenId token_id = 0;
    float share = 0;  // of the places where the match was followed by a token
    Match match;      // with that token
  };

  SuffixAutomaton();

  // Amortised O(1), but for the counts: at most kMaxCounted states each.
  void append(TokenId token_id);
  std::int64_t n_tokens() const { return n_tokens_; }

  // The longest suffix of the text that stands elsewhere in it, too. O(1).
  Match repeated_suffix() const;
  // The longest suffix of (match + token) that stands in the text. `match` may be older than the
  // text's last tokens.
  Match advance(Match match, TokenId token_id) const;
  // The token that followed the match most often, the latest of several; none when the match is
  // empty. A match that stands at the end of the text only is shortened first.
  std::optional<Next> likeliest_next(Match match) const;

 private:
  static constexpr int kMaxCounted = 24;
  struct State {
    std::int32_t length = 0;  // of its longest substring
    std::int32_t link = -1;
    std::int32_t first_edge = -1, best_edge = -1;
    std::int32_t n_followed = 0;  // the sum of its edges' counts
  };
  struct Edge {
    std::int32_t from;
    TokenId token_id;
    std::int32_t to;
    std::int32_t count;
    std::int32_t next;  // of the same state
  };

  std::int32_t find_edge(std::int32_t state, TokenId token_id) const;  // -1: none
  std::int32_t add_edge(std::int32_t from, TokenId token_id, std::int32_t to, std::int32_t count);
  std::int32_t link_of_new_end(std::int32_t end, TokenId token_id);
  std::int32_t split(std::int32_t state, std::int32_t length);
  void count(std::int32_t from, TokenId token_id);
  void grow_index();
  std::size_t slot_of(std::int32_t from, TokenId token_id) const;

  std::vector<State> states_;
  std::vector<Edge> edges_;
  std::vector<std::int32_t> index_;  // open addressing: (state, token) -> edge, -1: free
  std::int32_t last_ = 0;            // the state of the whole text
  std::int64_t n_tokens_ = 0;
};

}  // namespace tinyllm
