// GBNF to rules. A rule that does not call itself is a regular expression, and becomes a lexeme;
// what is left is the parser's.

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "grammar/char_encoder.h"
#include "grammar/gbnf_syntax.h"
#include "grammar/sources.h"

namespace tinyllm {
namespace {

// Larger rules stay rules: as expressions they would be copied wherever they are named.
constexpr std::uint32_t kMaxLexemeNodes = 2000;
constexpr std::uint32_t kMaxRuleRepeat = 2000;

using Kind = GbnfNode::Kind;

class GbnfCompiler {
 public:
  GbnfCompiler(const GbnfRules& gbnf, ExprPool& pool, RuleSet& rules)
      : gbnf_(gbnf), encoder_(pool, TextForm::plain), pool_(pool), rules_(rules) {}

  Symbol compile() {
    find_lexemes();
    for (std::size_t i = 0; i < gbnf_.rules.size(); ++i) {
      if (exprs_[i]) continue;
      symbols_[i] = rules_.add_nonterminal();
      find_others(gbnf_.rules[i]);
    }
    for (std::size_t i = 0; i < gbnf_.rules.size(); ++i) {
      if (!exprs_[i]) add_rules(symbols_[i], gbnf_.rules[i]);
    }
    return exprs_[gbnf_.root] ? rules_.lexeme(*exprs_[gbnf_.root]) : symbols_[gbnf_.root];
  }

 private:
  // Rules whose references are all lexemes become lexemes, in an order in which those come first.
  void find_lexemes() {
    const std::size_t n = gbnf_.rules.size();
    std::vector<std::vector<std::uint32_t>> users(n);
    std::vector<std::uint32_t> n_open(n, 0);
    for (std::uint32_t i = 0; i < n; ++i) {
      std::vector<std::uint32_t> named;
      find_references(gbnf_.rules[i], named);
      for (const std::uint32_t rule : named) users[rule].push_back(i);
      n_open[i] = static_cast<std::uint32_t>(named.size());
    }
    exprs_.assign(n, std::nullopt);
    n_nodes_.assign(n, 0);
    symbols_.assign(n, 0);
    std::vector<std::uint32_t> ready;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (n_open[i] == 0) ready.push_back(i);
    }
    while (!ready.empty()) {
      const std::uint32_t rule = ready.back();
      ready.pop_back();
      n_nodes_[rule] = count_nodes(gbnf_.rules[rule]);
      if (n_nodes_[rule] > kMaxLexemeNodes) continue;
      exprs_[rule] = expr_of(gbnf_.rules[rule]);
      for (const std::uint32_t user : users[rule]) {
        if (--n_open[user] == 0) ready.push_back(user);
      }
    }
  }

  static void find_references(const GbnfNode& node, std::vector<std::uint32_t>& named) {
    if (node.kind == Kind::rule) named.push_back(node.rule);
    for (const GbnfNode& child : node.children) find_references(child, named);
  }

  std::uint32_t count_nodes(const GbnfNode& node) const {
    std::uint32_t n = 1 + static_cast<std::uint32_t>(node.text.size());
    if (node.kind == Kind::rule) n += n_nodes_[node.rule];
    for (const GbnfNode& child : node.children) {
      n = std::min(n + count_nodes(child), kMaxLexemeNodes + 1);
    }
    return n;
  }

  // Notes the nodes below which a rule is named that is no lexeme. Each is looked at once: groups may
  // be nested deep.
  bool find_others(const GbnfNode& node) {
    bool is_other = node.kind == Kind::rule && !exprs_[node.rule];
    for (const GbnfNode& child : node.children) is_other = find_others(child) || is_other;
    if (is_other) others_.insert(&node);
    return is_other;
  }

  bool is_lexeme(const GbnfNode& node) const { return !others_.contains(&node); }

  ExprId expr_of(const GbnfNode& node) {
    std::vector<ExprId> parts;
    for (const GbnfNode& child : node.children) parts.push_back(expr_of(child));
    switch (node.kind) {
      case Kind::text: return pool_.text(node.text);
      case Kind::set: return encoder_.one_of(node.set);
      case Kind::rule: return *exprs_[node.rule];
      case Kind::any_of: return pool_.any_of(parts);
      case Kind::repeat: return pool_.repeat(parts[0], node.min, node.max);
      case Kind::concat: break;
    }
    ExprId result = kEmptyText;
    for (std::size_t i = parts.size(); i-- > 0;) result = pool_.concat(parts[i], result);
    return result;
  }

  void add_rules(Symbol nonterminal, const GbnfNode& node) {
    if (node.kind == Kind::any_of && !is_lexeme(node)) {
      for (const GbnfNode& child : node.children) rules_.add_rule(nonterminal, symbols_of(child));
    } else {
      rules_.add_rule(nonterminal, symbols_of(node));
    }
  }

  std::vector<Symbol> symbols_of(const GbnfNode& node) {
    if (node.kind == Kind::rule && !exprs_[node.rule]) return {symbols_[node.rule]};
    if (node.kind == Kind::concat) return symbols_of_sequence(node);
    if (is_lexeme(node)) return {rules_.lexeme(expr_of(node))};
    if (node.kind == Kind::repeat) return symbols_of_repeat(node);
    const Symbol symbol = rules_.add_nonterminal();
    add_rules(symbol, node);
    return {symbol};
  }

  // Neighbours that are written in place become one lexeme; a named one stays its own, so that its
  // automaton serves everywhere.
  std::vector<Symbol> symbols_of_sequence(const GbnfNode& node) {
    std::vector<Symbol> symbols;
    ExprId run = kEmptyText;
    const auto end_run = [&] {
      if (run != kEmptyText) symbols.push_back(rules_.lexeme(run));
      run = kEmptyText;
    };
    for (const GbnfNode& child : node.children) {
      if (child.kind != Kind::rule && is_lexeme(child)) {
        run = pool_.concat(run, expr_of(child));
        continue;
      }
      end_run();
      const std::vector<Symbol> inner = symbols_of(child);
      symbols.insert(symbols.end(), inner.begin(), inner.end());
    }
    end_run();
    return symbols;
  }

  std::vector<Symbol> symbols_of_repeat(const GbnfNode& node) {
    const std::uint32_t n_optional = node.max == kNoLimit ? 0 : node.max - node.min;
    if (node.min > kMaxRuleRepeat || n_optional > kMaxRuleRepeat) {
      fail(ErrorCode::unsupported, "gbnf: what calls itself is repeated over {} times",
           kMaxRuleRepeat);
    }
    const Symbol body = rules_.add_nonterminal();
    add_rules(body, node.children[0]);
    std::vector<Symbol> symbols(node.min, body);
    if (node.max == kNoLimit) {
      const Symbol list = rules_.add_nonterminal();
      rules_.add_rule(list, {});
      rules_.add_rule(list, {list, body});
      symbols.push_back(list);
    }
    std::optional<Symbol> rest;
    for (std::uint32_t i = 0; i < n_optional; ++i) {
      const Symbol optional = rules_.add_nonterminal();
      rules_.add_rule(optional, {});
      if (rest) {
        rules_.add_rule(optional, {body, *rest});
      } else {
        rules_.add_rule(optional, {body});
      }
      rest = optional;
    }
    if (rest) symbols.push_back(*rest);
    return symbols;
  }

  const GbnfRules& gbnf_;
  CharEncoder encoder_;
  ExprPool& pool_;
  RuleSet& rules_;
  std::vector<std::optional<ExprId>> exprs_;  // [n_rules]; empty: no lexeme
  std::vector<std::uint32_t> n_nodes_;        // [n_rules] of what the rule names as well
  std::vector<Symbol> symbols_;               // [n_rules] of those that are no lexemes
  std::unordered_set<const GbnfNode*> others_;
};

}  // namespace

Symbol add_gbnf(const std::string& text, ExprPool& pool, RuleSet& rules) {
  const GbnfRules gbnf = parse_gbnf(text);
  return GbnfCompiler(gbnf, pool, rules).compile();
}

}  // namespace tinyllm
