#pragma once
// The terminals of a grammar as automata, each made when it is first walked. Not safe for two
// threads at once: Grammar holds the lock.

#include <memory>
#include <vector>

#include "grammar/lexeme_automaton.h"
#include "grammar/rule_set.h"

namespace tinyllm {

class Lexemes {
 public:
  Lexemes(ExprPool& pool, const RuleSet& rules) : pool_(pool), rules_(rules) {}

  LexemeAutomaton& automaton(std::uint32_t terminal) {
    if (terminal >= automata_.size()) automata_.resize(rules_.n_terminals());
    std::unique_ptr<LexemeAutomaton>& automaton = automata_[terminal];
    if (!automaton) automaton = std::make_unique<LexemeAutomaton>(pool_, rules_.expr(terminal));
    return *automaton;
  }
  const ExprPool& pool() const { return pool_; }

 private:
  ExprPool& pool_;
  const RuleSet& rules_;
  std::vector<std::unique_ptr<LexemeAutomaton>> automata_;  // [n_terminals]; null: not walked yet
};

}  // namespace tinyllm
