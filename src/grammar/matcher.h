#pragma once
// A text that follows a Grammar, token by token: which tokens may come next, what was taken, and back
// again. Never throws while it runs: where a grammar is too complex for its memory, failed() is
// true and nothing is allowed any more, until that place is taken back. Bounded: positions and
// parser rows take at most kMaxMatcherBytes, masks that are kept kMaxCachedMasks times their size.
// One thread at a time for a matcher; matchers of one grammar may run on several threads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "grammar/byte_set.h"
#include "grammar/grammar.h"

namespace tinyllm {

class GrammarVocabulary;

inline constexpr std::size_t kMaxMatcherBytes = 512 << 10;
inline constexpr std::size_t kMaxCachedMasks = 16;
// What a text may cost, in steps of some 10 ns: so much at a time, and so much a token in the long
// run. A text that costs more has failed: a grammar that makes masks slow must not stop the others.
inline constexpr std::int64_t kMaxWork = 30000000, kWorkAToken = 300000;
// Tokens that can be taken back.
inline constexpr std::size_t kMaxRollback = 256;

class Matcher {
 public:
  // `vocabulary` may be null for a matcher of bytes only. Both are kept alive.
  explicit Matcher(std::shared_ptr<const Grammar> grammar,
                   std::shared_ptr<const GrammarVocabulary> vocabulary = nullptr);
  ~Matcher();
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;

  // Sets bit i % 32 of word i / 32 for every token id i that may come next. words: [(vocab_size +
  // 31) / 32]. All zero when failed() or when the text has ended.
  void mask(std::span<std::uint32_t> words);
  // The only token that may come next, if there is just one: taking it asks no model.
  std::optional<TokenId> forced_token();
  // Takes a token. False: it may not come next, and nothing has changed.
  bool accept(TokenId token);
  // Takes back the last n tokens. n is at most kMaxRollback and the number taken.
  void rollback(std::size_t n);

  // The same for bytes, which are not taken back: the number of bytes of `text` taken, up to the
  // first that may not come next.
  std::size_t accept_bytes(std::string_view text);
  ByteSet next_bytes();

  bool may_end() const;    // the text so far is complete; an end token is allowed
  bool has_ended() const;  // an end token was taken
  // It may end, and nothing can follow; behind a JSON value, nothing but white space.
  bool is_complete();
  bool failed() const;  // also where accept() gave up a token: to know of it would cost too much
  std::size_t n_bytes() const;  // memory held, without the grammar's and the vocabulary's

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
