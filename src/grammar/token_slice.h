#pragma once
// What one state of a lexeme's automaton says about the tokens of a vocabulary, whatever the grammar
// around it: the tokens that stay inside the lexeme, and the places at which a token passes its end,
// where only the parser knows. Read-only once made: any thread.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/token_id.h"
#include "grammar/lexeme_automaton.h"
#include "grammar/token_trie.h"

namespace tinyllm {

struct TokenSlice {
  // A token's next byte behind the lexeme's end, and the node that it leads to.
  struct Exit {
    std::uint8_t byte;
    NodeId node;
  };

  // Allowed tokens: few as a list, many as words of 32 bits [(vocab_size + 31) / 32].
  std::vector<TokenId> tokens;
  std::vector<std::uint32_t> words;
  std::vector<Exit> exits;    // ascending by byte
  std::size_t n_visited = 0;  // nodes of the trie that were looked at to make it

  std::size_t n_bytes() const {
    return sizeof(TokenSlice) + tokens.size() * sizeof(TokenId) +
           words.size() * sizeof(std::uint32_t) + exits.size() * sizeof(Exit);
  }
  // Sets the bits of the allowed tokens.
  void add_to(std::span<std::uint32_t> mask) const;
};

TokenSlice make_token_slice(const TokenTrie& trie, std::size_t vocab_size,
                            LexemeAutomaton& automaton, StateId state);

}  // namespace tinyllm
