#include "grammar/grammar_vocabulary.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

constexpr std::size_t kMaxSliceBytes = 64 << 20;

TokenTrie make_trie(const std::vector<std::string>& bytes, const std::vector<bool>& is_end,
                    bool of_short) {
  std::vector<std::pair<std::string, TokenId>> tokens;
  for (std::size_t id = 0; id < bytes.size(); ++id) {
    if (bytes[id].empty() || is_end[id]) continue;
    if ((bytes[id].size() <= kShortTokenBytes) == of_short) {
      tokens.emplace_back(bytes[id], static_cast<TokenId>(id));
    }
  }
  return TokenTrie(std::move(tokens));
}

}  // namespace

std::string special_token_bytes(TokenId id) { return "\xFF[" + std::to_string(id) + "]"; }

GrammarVocabulary::GrammarVocabulary(VocabularyTokens tokens)
    : bytes_(std::move(tokens.bytes)),
      end_ids_(std::move(tokens.end_ids)),
      is_end_(bytes_.size(), false) {
  // No text holds the byte 0xFF, which marks special tokens here.
  for (std::string& bytes : bytes_) {
    if (bytes.find('\xFF') != std::string::npos) bytes.clear();
  }
  for (const TokenId id : tokens.special_ids) bytes_[id] = special_token_bytes(id);
  for (const TokenId id : end_ids_) is_end_[id] = true;
  short_trie_ = make_trie(bytes_, is_end_, true);
  long_trie_ = make_trie(bytes_, is_end_, false);
}

std::shared_ptr<const TokenSlice> GrammarVocabulary::find_or_make(Slices& slices,
                                                                  const TokenTrie& trie,
                                                                  ExprKey key, const ExprPool& pool,
                                                                  LexemeAutomaton& automaton,
                                                                  StateId state) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = slices.find(key);
    if (found != slices.end()) return found->second;
  }
  auto slice =
      std::make_shared<const TokenSlice>(make_token_slice(trie, vocab_size(), automaton, state));
  if (pool.overflowed()) return slice;  // no true one: the matcher gives up
  const std::lock_guard lock(mutex_);
  if (n_slice_bytes_ > kMaxSliceBytes) {
    short_slices_.clear();
    long_slices_.clear();
    n_slice_bytes_ = 0;
  }
  n_slice_bytes_ += slice->n_bytes() + sizeof(ExprKey) + 64;
  slices.emplace(key, slice);
  return slice;
}

std::shared_ptr<const TokenSlice> GrammarVocabulary::short_slice(LexemeAutomaton& automaton,
                                                                 StateId state,
                                                                 const ExprPool& pool) const {
  const ExprKey key = pool.short_key(automaton.expr(state));
  return find_or_make(short_slices_, short_trie_, key, pool, automaton, state);
}

std::shared_ptr<const TokenSlice> GrammarVocabulary::long_slice(LexemeAutomaton& automaton,
                                                                StateId state,
                                                                const ExprPool& pool) const {
  const ExprKey key = pool.key(automaton.expr(state));
  return find_or_make(long_slices_, long_trie_, key, pool, automaton, state);
}

}  // namespace tinyllm
