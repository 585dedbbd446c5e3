// Arrays of SchemaCompiler. The states of an array: how many elements there were, as far as that
// matters, and how many of them each "contains" has counted.

#include <algorithm>

#include "grammar/schema_compiler.h"
#include "grammar/schema_words.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxStates = 20000;
constexpr std::size_t kMaxContains = 3;

std::size_t longest_prefix(const SchemaFacts& facts) {
  std::size_t n = 0;
  for (const ArrayRule& rule : facts.array_rules) n = std::max(n, rule.prefix.size());
  return n;
}

// From this number of elements on, one more changes nothing.
std::uint64_t last_count(const SchemaFacts& facts) {
  if (facts.max_items != kUnbounded) return facts.max_items;
  return std::max<std::uint64_t>(facts.min_items, longest_prefix(facts));
}

SchemaTerm negated(SchemaTerm term) {
  term.is_negated = !term.is_negated;
  return term;
}

}  // namespace

void SchemaCompiler::check_array(const SchemaFacts& facts) const {
  if (facts.has_unique_items && facts.max_items > 1) {
    refuse_schema(facts.pointer, "uniqueItems", "cannot be enforced for more than one element");
  }
  if (facts.contains.size() > kMaxContains) {
    refuse_schema(facts.pointer, "contains", "is combined with too many others");
  }
  std::uint64_t n_states = facts.max_items == 0 ? 1 : last_count(facts);
  for (const ContainsRule& rule : facts.contains) {
    const std::uint64_t n = rule.max != kUnbounded ? rule.max : rule.min;
    n_states = n_states > kMaxStates || n > kMaxStates ? kMaxStates + 1 : (n_states + 1) * (n + 1);
  }
  if (n_states > kMaxStates) {
    refuse_schema(facts.pointer, facts.max_items != kUnbounded ? "maxItems" : "minItems",
                  "is too large to be enforced");
  }
}

void SchemaCompiler::add_array(Symbol symbol, const SchemaFacts& facts) {
  if (facts.min_items > facts.max_items) return;
  check_array(facts);
  std::map<ArrayState, Symbol> states;
  const ArrayState start(1 + facts.contains.size(), 0);
  std::vector<ArrayState> waiting = {start};
  states[start] = rules_.add_nonterminal();
  rules_.add_rule(symbol, {lexemes_.word("["), states[start]});
  while (!waiting.empty()) {
    const ArrayState state = waiting.back();
    waiting.pop_back();
    add_array_state(facts, state, states[state], states, waiting);
  }
}

void SchemaCompiler::add_array_state(const SchemaFacts& facts, const ArrayState& state,
                                     Symbol symbol, std::map<ArrayState, Symbol>& states,
                                     std::vector<ArrayState>& waiting) {
  const std::size_t n_rules = facts.contains.size();
  const std::uint64_t n_items = state[0];
  bool may_end = n_items >= facts.min_items;
  for (std::size_t i = 0; i < n_rules; ++i) {
    may_end = may_end && state[i + 1] >= facts.contains[i].min;
  }
  if (may_end) rules_.add_rule(symbol, {lexemes_.word("]")});
  if (n_items >= facts.max_items) return;
  // A state with no element has no comma before the next: it must stay apart from later ones.
  const std::uint64_t last = std::max<std::uint64_t>(last_count(facts), 1);
  const SchemaTerms element = element_terms(facts, n_items);
  for (std::size_t counted = 0; counted < std::size_t{1} << n_rules; ++counted) {
    SchemaTerms terms = element;
    ArrayState next = state;
    next[0] = std::min(n_items + 1, last);
    bool is_allowed = true;
    for (std::size_t i = 0; i < n_rules; ++i) {
      const ContainsRule& rule = facts.contains[i];
      const bool has_max = rule.max != kUnbounded;
      if ((counted >> i & 1) != 0) {
        terms.push_back(rule.term);
        is_allowed = is_allowed && next[i + 1] < (has_max ? rule.max : rule.min);
        ++next[i + 1];
      } else if (has_max) {
        terms.push_back(negated(rule.term));  // what is not counted must not count
      }
    }
    if (!is_allowed) continue;
    const auto [found, is_new] = states.try_emplace(next, 0);
    if (is_new) {
      found->second = rules_.add_nonterminal();
      waiting.push_back(next);
    }
    const Symbol value = value_of(terms);
    if (n_items == 0) {
      rules_.add_rule(symbol, {value, found->second});
    } else {
      rules_.add_rule(symbol, {lexemes_.word(","), value, found->second});
    }
  }
}

}  // namespace tinyllm
