#include "grammar/schema_words.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "grammar/lexeme_automaton.h"

namespace tinyllm {

ExprId number_word(ExprPool& pool, const SchemaFacts& facts) {
  std::vector<ExprId> parts = facts.number_exprs;
  if (facts.low || facts.high) {
    parts.push_back(number_range(pool, facts.low, facts.high, facts.is_integer));
  } else if (facts.is_integer) {
    parts.push_back(any_number(pool, NumberSet::integers));
  } else if (parts.empty()) {
    parts.push_back(any_number(pool, NumberSet::any));
  }
  if (facts.is_not_integer) parts.push_back(any_number(pool, NumberSet::not_integers));
  return pool.all_of(parts);
}

ExprId string_body(JsonLexemes& lexemes, const SchemaFacts& facts) {
  ExprPool& pool = lexemes.encoder().pool();
  if (facts.min_length > facts.max_length) return kNothing;
  std::vector<ExprId> parts = facts.string_bodies;
  if (facts.min_length > 0 || facts.max_length != kUnbounded) {
    const auto count = [](std::uint64_t length) {
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(length, kNoLimit));
    };
    parts.push_back(
        pool.repeat(lexemes.encoder().any(), count(facts.min_length), count(facts.max_length)));
  }
  const bool has_complement =
      std::ranges::any_of(parts, [&](ExprId e) { return pool.kind(e) == ExprKind::complement; });
  if (parts.empty() || has_complement) parts.push_back(lexemes.any_body());
  return pool.all_of(parts);
}

bool is_false(const SchemaTerm& term) {
  return term.keyword.empty() && term.schema->is_boolean() &&
         term.schema->get<bool>() == term.is_negated;
}

SchemaTerms element_terms(const SchemaFacts& facts, std::size_t index) {
  SchemaTerms terms;
  for (const ArrayRule& rule : facts.array_rules) {
    if (index < rule.prefix.size()) {
      terms.push_back(rule.prefix[index]);
    } else if (rule.rest) {
      terms.push_back(*rule.rest);
    }
  }
  return terms;
}

std::optional<SchemaTerms> property_terms(const SchemaFacts& facts, const std::string& name,
                                          ExprPool& pool) {
  if (facts.forbidden.contains(name)) return std::nullopt;
  SchemaTerms terms;
  for (const ObjectRule& rule : facts.object_rules) {
    bool is_named = false;
    for (const auto& [property, term] : rule.properties) {
      if (property != name) continue;
      terms.push_back(term);
      is_named = true;
    }
    for (const auto& [pattern, term] : rule.patterns) {
      if (!matches_name(pool, pattern, name)) continue;
      terms.push_back(term);
      is_named = true;
    }
    if (!is_named && rule.additional) terms.push_back(*rule.additional);
  }
  if (std::ranges::any_of(terms, is_false)) return std::nullopt;
  return terms;
}

bool matches_name(ExprPool& pool, ExprId body, const std::string& name) {
  const std::string quoted = Schema(name).dump();
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    body = pool.derivative(body, static_cast<std::uint8_t>(quoted[i]));
  }
  return pool.accepts_empty(body);
}

bool matches_something(ExprPool& pool, ExprId e) {
  if (pool.is_plain(e)) return e != kNothing;
  return LexemeAutomaton(pool, e).start() != kDeadState;
}

}  // namespace tinyllm
