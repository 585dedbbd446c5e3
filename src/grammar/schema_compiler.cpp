#include "grammar/schema_compiler.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "grammar/schema_words.h"
#include "grammar/sources.h"

namespace tinyllm {

SchemaCompiler::SchemaCompiler(SchemaDocument& document, JsonLexemes& lexemes, RuleSet& rules)
    : document_(document),
      lexemes_(lexemes),
      pool_(lexemes.encoder().pool()),
      rules_(rules),
      expander_(document, lexemes) {}

Symbol SchemaCompiler::compile() {
  const Symbol root = value_of({{&document_.root(), "", false}});
  while (!waiting_.empty()) {
    const Waiting next = std::move(waiting_.back());
    waiting_.pop_back();
    add_value(next.symbol, next.terms);
  }
  return root;
}

// Rules are added later, so that a schema may be as deep as it likes.
Symbol SchemaCompiler::value_of(SchemaTerms terms) {
  std::erase_if(terms, [](const SchemaTerm& term) {
    return term.keyword.empty() && !term.is_negated && *term.schema == true;
  });
  if (terms.empty()) return lexemes_.any_value();
  SchemaTerms key = terms;
  std::ranges::sort(key);
  key.erase(std::unique(key.begin(), key.end()), key.end());
  const auto found = values_.find(key);
  if (found != values_.end()) return found->second;
  const Symbol symbol = rules_.add_nonterminal();
  values_.emplace(std::move(key), symbol);
  waiting_.push_back({symbol, std::move(terms)});
  return symbol;
}

void SchemaCompiler::add_value(Symbol symbol, const SchemaTerms& terms) {
  for (const SchemaFacts& facts : expander_.expand(terms)) {
    const bool has_rule = facts.has_number_rule() || facts.has_string_rule() ||
                          facts.has_array_rule() || facts.has_object_rule();
    if (facts.types == kAllTypes && !has_rule) {
      rules_.add_rule(symbol, {lexemes_.any_value()});
      continue;
    }
    add_scalars(symbol, facts);
    if (facts.allows(kArrayType)) add_array(symbol, facts);
    if (facts.allows(kObjectType)) {
      if (facts.has_object_rule()) {
        add_object(symbol, facts);
      } else {
        rules_.add_rule(symbol, {lexemes_.any_object()});
      }
    }
  }
}

void SchemaCompiler::add_scalars(Symbol symbol, const SchemaFacts& facts) {
  std::vector<ExprId> names;
  if (facts.allows(kNullType)) names.push_back(pool_.text("null"));
  if (facts.allows(kTrueType)) names.push_back(pool_.text("true"));
  if (facts.allows(kFalseType)) names.push_back(pool_.text("false"));
  if (!names.empty()) rules_.add_rule(symbol, {lexemes_.word(pool_.any_of(names))});
  if (facts.allows(kNumberType)) {
    if (facts.is_integer && facts.has_fractional_step) {
      refuse_schema(facts.pointer, "multipleOf",
                    "must be a whole number where integers are wanted");
    }
    rules_.add_rule(symbol, {lexemes_.word(number_word(pool_, facts))});
  }
  if (facts.allows(kStringType)) {
    rules_.add_rule(symbol, {lexemes_.string(string_body(lexemes_, facts))});
  }
}

Symbol add_json_schema(const std::string& text, ExprPool& pool, RuleSet& rules,
                       std::string_view never) {
  SchemaDocument document(text);
  JsonLexemes lexemes(pool, rules, TextForm::json_string, never);
  SchemaCompiler compiler(document, lexemes, rules);
  const Symbol whole = rules.add_nonterminal();
  rules.add_rule(whole, {compiler.compile(), lexemes.end_of_text()});
  return whole;
}

ExprId plain_strings_of(const std::string& schema, ExprPool& pool, RuleSet& rules) {
  SchemaDocument document(schema);
  JsonLexemes lexemes(pool, rules, TextForm::plain);
  std::vector<ExprId> strings;
  for (const SchemaFacts& facts :
       SchemaExpander(document, lexemes).expand({{&document.root(), "", false}})) {
    if (facts.allows(kStringType)) strings.push_back(string_body(lexemes, facts));
  }
  return pool.any_of(strings);
}

}  // namespace tinyllm
