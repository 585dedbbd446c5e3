#pragma once
// The inside of a Grammar. Automata and slices grow while texts are matched; `mutex` guards all but
// what is published.

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "grammar/expr_pool.h"
#include "grammar/lexemes.h"
#include "grammar/rule_set.h"
#include "grammar/token_slice.h"

namespace tinyllm {

// Expressions at compile time, and in a grammar's life.
inline constexpr std::size_t kMaxCompiledExprs = 200000;
inline constexpr std::size_t kMaxExprs = 1000000;
// ExprPool::n_work of compiling, and of one mask or token: about 0.2 s.
inline constexpr std::uint64_t kMaxCompileWork = 1500000, kMaxMatchWork = 1000000;

class GrammarVocabulary;

struct LexemeSlices {
  std::shared_ptr<const TokenSlice> of_short, of_long;
};

struct GrammarParts {
  ExprPool pool{kMaxCompiledExprs};
  RuleSet rules{pool};
  Lexemes lexemes{pool, rules};
  bool is_json = false;  // a text is one JSON value

  std::mutex mutex;
  // How far the pool has grown, for those who must not wait while a mask is made.
  std::atomic<std::size_t> n_nodes{0};
  std::atomic<bool> overflowed{false};
  void publish() {
    n_nodes.store(pool.n_nodes(), std::memory_order_relaxed);
    overflowed.store(pool.overflowed(), std::memory_order_relaxed);
  }

  // By terminal and state, of the vocabulary that was asked for last.
  const GrammarVocabulary* vocabulary = nullptr;
  std::unordered_map<std::uint64_t, LexemeSlices> slices;
};

}  // namespace tinyllm
