#pragma once
// What was generated before: suffix automata of ended answers, by salt, so that nobody's drafts
// come from a text that they may not see. Bounded: the oldest are forgotten. Engine thread only.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "speculative/suffix_automaton.h"

namespace tinyllm {

class FinishedTexts {
 public:
  // Keeps between n_tokens and 2 n_tokens of each of at most n_salts salts.
  FinishedTexts(std::int64_t n_tokens, std::size_t n_salts);

  // Where a running text stands in the texts of its salt.
  struct Place {
    std::array<std::uint64_t, 2> generation{};  // ids of the automata that the matches belong to
    std::array<SuffixAutomaton::Match, 2> match;
    std::int64_t n_read = 0;  // tokens of the running text
  };

  // Of a text that is longer than a quarter of n_tokens the last part is kept.
  void add(const std::string& salt, std::span<const TokenId> text);
  // Reads the tokens that are new since the last call. Returns the automaton with the longest
  // match, null when there is none, and the match.
  const SuffixAutomaton* follow(const std::string& salt, std::span<const TokenId> text,
                                Place& place, SuffixAutomaton::Match& match) const;

 private:
  struct Generation {
    std::uint64_t id = 0;  // never given twice, in no salt
    std::unique_ptr<SuffixAutomaton> automaton;
  };
  struct Texts {
    std::array<Generation, 2> generations;  // the one that grows, and the full one before it
    std::uint64_t last_use = 0;
  };

  std::int64_t n_tokens_;
  std::size_t n_salts_;
  std::unordered_map<std::string, Texts> texts_;
  std::uint64_t n_generations_ = 0, n_uses_ = 0;
};

}  // namespace tinyllm
