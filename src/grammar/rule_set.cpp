#include "grammar/rule_set.h"

#include "base/error.h"

namespace tinyllm {

Symbol RuleSet::add_nonterminal() {
  if (rules_.size() > max_symbols_) {
    fail(ErrorCode::unsupported, "the grammar has over {} rules", max_symbols_);
  }
  rules_.emplace_back();
  return static_cast<Symbol>(rules_.size() - 1);
}

Symbol RuleSet::lexeme(ExprId e) {
  const auto found = lexemes_.find(e);
  if (found != lexemes_.end()) return found->second;
  Symbol symbol = 0;
  if (pool_.accepts_empty(e)) {
    symbol = add_nonterminal();
    add_rule(symbol, {});
    const ExprId rest = pool_.without_empty(e);
    if (rest != kNothing) add_rule(symbol, {lexeme(rest)});
  } else {
    symbol = static_cast<Symbol>(terminals_.size()) | kTerminalBit;
    terminals_.push_back(e);
  }
  lexemes_[e] = symbol;
  return symbol;
}

void RuleSet::add_rule(Symbol nonterminal, std::span<const Symbol> symbols) {
  if (symbols_.size() + symbols.size() > max_symbols_) {
    fail(ErrorCode::unsupported, "the grammar has over {} symbols", max_symbols_);
  }
  rules_[nonterminal].push_back(static_cast<std::uint32_t>(symbols_.size()));
  symbols_.insert(symbols_.end(), symbols.begin(), symbols.end());
  symbols_.push_back(kRuleEnd);
}

void RuleSet::add_rule(Symbol nonterminal, std::initializer_list<Symbol> symbols) {
  add_rule(nonterminal, std::span<const Symbol>(symbols.begin(), symbols.size()));
}

bool RuleSet::all_hold(std::uint32_t place, const std::vector<bool>& holds,
                       function_ref<bool(Symbol)> terminal_holds) const {
  for (; symbols_[place] != kRuleEnd; ++place) {
    const Symbol symbol = symbols_[place];
    if (is_terminal(symbol) ? !terminal_holds(symbol) : !holds[symbol]) return false;
  }
  return true;
}

// Counts for each rule the symbols that do not hold yet (Dowling and Gallier 1984): every symbol is
// looked at once, and once more when it comes to hold.
void RuleSet::close(std::vector<bool>& holds, function_ref<bool(Symbol)> terminal_holds) const {
  struct Rule {
    Symbol nonterminal = 0;
    std::uint32_t n_open = 0;
  };
  std::vector<Rule> rules;
  // Of each nonterminal: the rules that name it, once for each time.
  std::vector<std::vector<std::uint32_t>> users(rules_.size());
  std::vector<Symbol> waiting;
  const auto hold = [&](Symbol nonterminal) {
    if (!holds[nonterminal]) waiting.push_back(nonterminal);
    holds[nonterminal] = true;
  };
  for (Symbol nonterminal = 0; nonterminal < rules_.size(); ++nonterminal) {
    for (std::uint32_t place : rules_[nonterminal]) {
      Rule rule{nonterminal};
      for (; symbols_[place] != kRuleEnd; ++place) {
        const Symbol symbol = symbols_[place];
        if (!is_terminal(symbol)) users[symbol].push_back(static_cast<std::uint32_t>(rules.size()));
        rule.n_open += !is_terminal(symbol) || !terminal_holds(symbol) ? 1 : 0;
      }
      if (rule.n_open == 0) hold(nonterminal);
      rules.push_back(rule);
    }
  }
  while (!waiting.empty()) {
    const Symbol nonterminal = waiting.back();
    waiting.pop_back();
    for (const std::uint32_t user : users[nonterminal]) {
      if (--rules[user].n_open == 0) hold(rules[user].nonterminal);
    }
  }
}

bool RuleSet::finish(Symbol root, function_ref<bool(ExprId)> matches_something) {
  root_ = add_nonterminal();
  add_rule(root_, {root});
  std::vector<bool> terminal_matches;
  terminal_matches.reserve(terminals_.size());
  for (const ExprId e : terminals_) terminal_matches.push_back(matches_something(e));
  const auto terminal_holds = [&](Symbol symbol) {
    return static_cast<bool>(terminal_matches[terminal_of(symbol)]);
  };
  std::vector<bool> matches(rules_.size(), false);
  close(matches, terminal_holds);
  for (std::vector<std::uint32_t>& rules : rules_) {
    std::erase_if(rules,
                  [&](std::uint32_t place) { return !all_hold(place, matches, terminal_holds); });
  }
  matches_empty_.assign(rules_.size(), false);
  close(matches_empty_, [](Symbol) { return false; });
  return matches[root_];
}

}  // namespace tinyllm
