#pragma once
// A context-free grammar whose terminals are expressions over bytes. Built rule by rule, then
// finished once: what can match nothing is dropped, so every viable prefix can be completed.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"
#include "grammar/expr_pool.h"

namespace tinyllm {

// A nonterminal's number, or a terminal's with kTerminalBit.
using Symbol = std::uint32_t;
inline constexpr Symbol kTerminalBit = 0x80000000;
inline constexpr Symbol kRuleEnd = 0xFFFFFFFF;

constexpr bool is_terminal(Symbol symbol) { return (symbol & kTerminalBit) != 0; }
constexpr std::uint32_t terminal_of(Symbol symbol) { return symbol & ~kTerminalBit; }

class RuleSet {
 public:
  // Throws Error{unsupported} from add_rule and add_nonterminal when there are more symbols.
  explicit RuleSet(ExprPool& pool, std::size_t max_symbols = 1 << 20)
      : pool_(pool), max_symbols_(max_symbols) {}

  Symbol add_nonterminal();
  // What matches `e`: a terminal, or a nonterminal where `e` matches the empty text too. The same
  // symbol for the same expression.
  Symbol lexeme(ExprId e);
  void add_rule(Symbol nonterminal, std::span<const Symbol> symbols);
  void add_rule(Symbol nonterminal, std::initializer_list<Symbol> symbols);

  // Drops rules that can match nothing. `matches_something(e)` judges terminals.
  // False: the root can match nothing. Nothing may be added afterwards.
  bool finish(Symbol root, function_ref<bool(ExprId)> matches_something);

  // After finish().

  Symbol root() const { return root_; }
  std::size_t n_terminals() const { return terminals_.size(); }
  std::size_t n_nonterminals() const { return rules_.size(); }
  std::size_t n_symbols() const { return rules_.size() + symbols_.size(); }
  ExprId expr(std::uint32_t terminal) const { return terminals_[terminal]; }
  // A place in a rule is an index into all symbols; kRuleEnd stands behind each rule.
  Symbol symbol_at(std::uint32_t place) const { return symbols_[place]; }
  // The places where the rules of a nonterminal begin.
  std::span<const std::uint32_t> rules_of(Symbol nonterminal) const { return rules_[nonterminal]; }
  bool matches_empty(Symbol nonterminal) const { return matches_empty_[nonterminal]; }

 private:
  // Grows `holds` [n_nonterminals] until no rule adds to it: those of which all symbols of a rule
  // hold.
  void close(std::vector<bool>& holds, function_ref<bool(Symbol)> terminal_holds) const;
  bool all_hold(std::uint32_t place, const std::vector<bool>& holds,
                function_ref<bool(Symbol)> terminal_holds) const;

  ExprPool& pool_;
  std::size_t max_symbols_;
  Symbol root_ = 0;
  std::vector<Symbol> symbols_;
  std::vector<std::vector<std::uint32_t>> rules_;  // [n_nonterminals] places
  std::vector<bool> matches_empty_;                // [n_nonterminals]
  std::vector<ExprId> terminals_;
  std::unordered_map<ExprId, Symbol> lexemes_;
};

}  // namespace tinyllm
