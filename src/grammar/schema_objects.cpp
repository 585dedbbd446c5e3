// Objects of SchemaCompiler. Properties come in the order of the schema that names them; where
// several schemas are combined, their orders may be mixed. Names that no schema lists come last.
// The states of an object: whether it has members, how many as far as they are counted, and the next
// property of each schema.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "grammar/schema_compiler.h"
#include "grammar/schema_words.h"
#include "grammar/text_set.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxMixedStates = 1000;
constexpr std::size_t kMaxStates = 50000;
constexpr std::size_t kMaxPatterns = 6;

}  // namespace

// A name that no schema lists, by the patterns that it matches.
struct SchemaCompiler::UndeclaredKey {
  ExprId body;
  SchemaTerms terms;
};

struct SchemaCompiler::ObjectPlan {
  struct Property {
    std::string name;
    SchemaTerms terms;
    bool is_required;
  };
  std::vector<std::vector<Property>> groups;  // a schema's properties in its order
  std::vector<UndeclaredKey> undeclared;
  std::set<std::string> names;  // all that are listed, allowed or not
  ExprId allowed_names = kNothing;
  bool is_impossible = false;
  std::size_t n_counted = 0;  // members that are told apart in a state
};

// Names that "propertyNames" allows, as the inside of a JSON string.
ExprId SchemaCompiler::allowed_names(const SchemaFacts& facts) {
  std::vector<ExprId> all = {lexemes_.any_body()};
  for (const SchemaTerm& term : facts.name_terms) {
    std::vector<ExprId> any;
    for (const SchemaFacts& name : expander_.expand({term})) {
      if (name.allows(kStringType)) any.push_back(string_body(lexemes_, name));
    }
    all.push_back(pool_.any_of(any));
  }
  return all.size() == 1 ? all[0] : pool_.all_of(all);
}

void SchemaCompiler::add_declared(const SchemaFacts& facts, ObjectPlan& plan) {
  const auto add = [&](const std::string& name, std::vector<ObjectPlan::Property>& group) {
    if (!plan.names.insert(name).second) return;
    const bool is_required = std::ranges::find(facts.required, name) != facts.required.end();
    std::optional<SchemaTerms> terms = property_terms(facts, name, pool_);
    if (terms && !facts.name_terms.empty() && !matches_name(pool_, plan.allowed_names, name)) {
      terms.reset();
    }
    if (terms) group.push_back({name, std::move(*terms), is_required});
    if (!terms && is_required) plan.is_impossible = true;
  };
  for (const bool has_order : {true, false}) {
    for (const ObjectRule& rule : facts.object_rules) {
      if (rule.has_order != has_order) continue;
      plan.groups.emplace_back();
      for (const auto& [name, term] : rule.properties) add(name, plan.groups.back());
    }
  }
  for (const std::string& name : facts.required) {
    plan.groups.emplace_back();  // listed nowhere: in any order
    add(name, plan.groups.back());
  }
  plan.names.insert(facts.forbidden.begin(), facts.forbidden.end());
  std::erase_if(plan.groups, [](const auto& group) { return group.empty(); });

  std::size_t n_states = 1;
  for (const auto& group : plan.groups) {
    n_states = std::min(n_states * (group.size() + 1), kMaxMixedStates + 1);
  }
  if (n_states <= kMaxMixedStates || plan.groups.size() < 2) return;
  for (std::size_t i = 1; i < plan.groups.size(); ++i) {
    std::ranges::move(plan.groups[i], std::back_inserter(plan.groups[0]));
  }
  plan.groups.resize(1);
}

// One kind of name for each set of patterns that it may match.
void SchemaCompiler::add_undeclared(const SchemaFacts& facts, ObjectPlan& plan) {
  std::vector<std::pair<const ObjectRule*, std::size_t>> patterns;
  for (const ObjectRule& rule : facts.object_rules) {
    for (std::size_t i = 0; i < rule.patterns.size(); ++i) patterns.emplace_back(&rule, i);
  }
  if (patterns.size() > kMaxPatterns) {
    refuse_schema(facts.pointer, "patternProperties", "has too many patterns to be enforced");
  }
  std::vector<ExprId> base = {plan.allowed_names};
  if (!plan.names.empty()) {
    base.push_back(
        pool_.complement(any_text_of(lexemes_.encoder(), {plan.names.begin(), plan.names.end()})));
  }
  for (std::size_t matched = 0; matched < std::size_t{1} << patterns.size(); ++matched) {
    std::vector<ExprId> bodies = base;
    SchemaTerms terms;
    std::set<const ObjectRule*> has_match;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const auto& [body, term] = patterns[i].first->patterns[patterns[i].second];
      if ((matched >> i & 1) != 0) {
        bodies.push_back(body);
        terms.push_back(term);
        has_match.insert(patterns[i].first);
      } else {
        bodies.push_back(pool_.complement(body));
      }
    }
    for (const ObjectRule& rule : facts.object_rules) {
      if (rule.additional && !has_match.contains(&rule)) terms.push_back(*rule.additional);
    }
    const bool is_allowed =
        std::ranges::none_of(terms, [](const SchemaTerm& term) { return is_false(term); });
    const ExprId body = is_allowed ? pool_.all_of(bodies) : kNothing;
    if (matches_something(pool_, body)) plan.undeclared.push_back({body, std::move(terms)});
  }
}

SchemaCompiler::ObjectPlan SchemaCompiler::plan_object(const SchemaFacts& facts) {
  ObjectPlan plan;
  plan.allowed_names = allowed_names(facts);
  add_declared(facts, plan);
  add_undeclared(facts, plan);
  const bool has_max = facts.max_properties != kUnbounded;
  const std::uint64_t n = has_max ? facts.max_properties : facts.min_properties;
  plan.n_counted = static_cast<std::size_t>(std::min<std::uint64_t>(n, kMaxStates));
  return plan;
}

void SchemaCompiler::check_object(const SchemaFacts& facts, const ObjectPlan& plan) const {
  // A name that is not listed may come twice: two members with it are one property.
  if (!plan.undeclared.empty() && facts.min_properties > facts.required.size() + 1) {
    refuse_schema(facts.pointer, "minProperties",
                  "cannot be enforced beside names that are not listed");
  }
  std::size_t n_states = 2 * (plan.n_counted + 1);
  for (const auto& group : plan.groups) {
    n_states = std::min(n_states * (group.size() + 1), kMaxStates + 1);
  }
  if (n_states > kMaxStates) {
    refuse_schema(facts.pointer, "maxProperties", "is too large to be enforced");
  }
}

void SchemaCompiler::add_object(Symbol symbol, const SchemaFacts& facts) {
  if (facts.min_properties > facts.max_properties) return;
  const ObjectPlan plan = plan_object(facts);
  if (plan.is_impossible) return;
  check_object(facts, plan);
  std::map<ObjectState, Symbol> states;
  const ObjectState start(2 + plan.groups.size(), 0);
  std::vector<ObjectState> waiting = {start};
  states[start] = rules_.add_nonterminal();
  rules_.add_rule(symbol, {lexemes_.word("{"), states[start]});
  while (!waiting.empty()) {
    const ObjectState state = waiting.back();
    waiting.pop_back();
    add_object_state(facts, plan, state, states[state], states, waiting);
  }
}

void SchemaCompiler::add_object_state(const SchemaFacts& facts, const ObjectPlan& plan,
                                      const ObjectState& state, Symbol symbol,
                                      std::map<ObjectState, Symbol>& states,
                                      std::vector<ObjectState>& waiting) {
  const bool is_first = state[0] == 0;
  const std::size_t n_members = state[1];
  const bool is_full = facts.max_properties != kUnbounded && n_members >= facts.max_properties;
  const auto symbol_of = [&](const ObjectState& next) {
    const auto [found, is_new] = states.try_emplace(next, 0);
    if (is_new) {
      found->second = rules_.add_nonterminal();
      waiting.push_back(next);
    }
    return found->second;
  };
  ObjectState with_member = state;
  with_member[0] = 1;
  with_member[1] = std::min(n_members + 1, plan.n_counted);
  bool is_last = true;
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    const std::size_t place = state[2 + g];
    if (place == plan.groups[g].size()) continue;
    is_last = false;
    const ObjectPlan::Property& property = plan.groups[g][place];
    if (!is_full) {
      ObjectState next = with_member;
      ++next[2 + g];
      const ExprId name = lexemes_.encoder().text(property.name);
      rules_.add_rule(symbol,
                      {lexemes_.key(name, is_first), value_of(property.terms), symbol_of(next)});
    }
    if (!property.is_required) {
      ObjectState next = state;
      ++next[2 + g];
      rules_.add_rule(symbol, {symbol_of(next)});
    }
  }
  if (!is_last) return;
  if (n_members >= std::min<std::uint64_t>(facts.min_properties, plan.n_counted)) {
    rules_.add_rule(symbol, {lexemes_.word("}")});
  }
  if (is_full) return;
  for (const UndeclaredKey& key : plan.undeclared) {
    rules_.add_rule(
        symbol, {lexemes_.key(key.body, is_first), value_of(key.terms), symbol_of(with_member)});
  }
}

}  // namespace tinyllm
