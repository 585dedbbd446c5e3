#pragma once
// A terminal of a grammar as a deterministic automaton over bytes, built while it is walked. Each
// state stands for what may still follow; states from which no text can be completed do not exist.
// Bytes that the expression never tells apart share a column of the table.
// Not safe for two threads at once: Grammar holds the lock.

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "grammar/expr_pool.h"

namespace tinyllm {

using StateId = std::uint32_t;
inline constexpr StateId kDeadState = 0;

class LexemeAutomaton {
 public:
  // `root` may match nothing: then start() is kDeadState.
  LexemeAutomaton(ExprPool& pool, ExprId root);

  StateId start() const { return start_; }
  StateId step(StateId state, std::uint8_t byte) {
    const StateId next = next_[state * n_classes_ + class_of_[byte]];
    return next != kUnknown ? next : make_step(state, byte);
  }
  bool accepts(StateId state) const { return accepts_[state]; }
  // Whether anything but the empty text may follow.
  bool goes_on(StateId state) const { return exprs_[state] != kEmptyText; }
  ExprId expr(StateId state) const { return exprs_[state]; }
  std::size_t n_bytes() const { return next_.size() * sizeof(StateId) + exprs_.size() * 64; }

 private:
  static constexpr StateId kUnknown = 0xFFFFFFFF;

  void find_classes(ExprId root);
  StateId add_state(ExprId e);
  StateId make_step(StateId state, std::uint8_t byte);
  bool matches_something(ExprId e);
  bool search_match(ExprId e);

  ExprPool& pool_;
  std::array<std::uint8_t, 256> class_of_{};
  std::vector<std::uint8_t> class_bytes_;  // one byte of each class
  std::uint32_t n_classes_ = 1;
  StateId start_ = kDeadState;
  std::vector<ExprId> exprs_;  // [n_states]
  std::vector<bool> accepts_;  // [n_states]
  std::vector<StateId> next_;  // [n_states, n_classes]
  std::unordered_map<ExprId, StateId> states_;
  std::unordered_map<ExprId, bool> matches_;  // of expressions that are not plain
};

}  // namespace tinyllm
