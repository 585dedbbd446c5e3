#pragma once
// A model's vocabulary as grammars see it: the bytes of every token, which of them are special, and
// which end the text. Holds what lexemes say about the tokens (TokenSlice) for all grammars, so that
// the inside of a JSON string is looked through once in a program's life.
// Immutable from outside, any thread: a lock guards the slices.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"
#include "grammar/token_slice.h"

namespace tinyllm {

struct VocabularyTokens {
  std::vector<std::string> bytes;  // [vocab_size]; empty: the id is unused
  std::vector<TokenId> special_ids;
  std::vector<TokenId> end_ids;  // allowed where the text may end, and nowhere else
};

class GrammarVocabulary {
 public:
  explicit GrammarVocabulary(VocabularyTokens tokens);
  GrammarVocabulary(const GrammarVocabulary&) = delete;
  GrammarVocabulary& operator=(const GrammarVocabulary&) = delete;

  std::size_t vocab_size() const { return bytes_.size(); }
  std::size_t n_mask_words() const { return (vocab_size() + 31) / 32; }
  std::span<const TokenId> end_ids() const { return end_ids_; }
  bool is_end(TokenId id) const { return is_end_[id]; }
  // What the token adds to a text: its bytes, or special_token_bytes(id). Empty: it never may.
  std::string_view text_of(TokenId id) const { return bytes_[id]; }

  // Tokens of at most kShortTokenBytes bytes, and the others.
  const TokenTrie& short_trie() const { return short_trie_; }
  const TokenTrie& long_trie() const { return long_trie_; }

  std::shared_ptr<const TokenSlice> short_slice(LexemeAutomaton& automaton, StateId state,
                                                const ExprPool& pool) const;
  std::shared_ptr<const TokenSlice> long_slice(LexemeAutomaton& automaton, StateId state,
                                               const ExprPool& pool) const;

 private:
  struct KeyHash {
    std::size_t operator()(const ExprKey& key) const { return key.high ^ key.low; }
  };
  using Slices = std::unordered_map<ExprKey, std::shared_ptr<const TokenSlice>, KeyHash>;

  std::shared_ptr<const TokenSlice> find_or_make(Slices& slices, const TokenTrie& trie, ExprKey key,
                                                 const ExprPool& pool, LexemeAutomaton& automaton,
                                                 StateId state) const;

  std::vector<std::string> bytes_;
  std::vector<TokenId> end_ids_;
  std::vector<bool> is_end_;
  TokenTrie short_trie_, long_trie_;

  mutable std::mutex mutex_;  // guards what follows
  mutable Slices short_slices_, long_slices_;
  mutable std::size_t n_slice_bytes_ = 0;
};

// How a grammar writes a special token: bytes that no text has. "\xFF[151645]".
std::string special_token_bytes(TokenId id);

}  // namespace tinyllm
