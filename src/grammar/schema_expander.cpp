#include "grammar/schema_expander.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "grammar/schema_words.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxBranches = 256;       // of one value
constexpr std::size_t kMaxExpansions = 100000;  // of a whole schema
constexpr std::size_t kMaxChoices = 100;        // of one value

}  // namespace

SchemaExpander::Handler SchemaExpander::find_handler(std::string_view keyword) {
  using E = SchemaExpander;
  static const std::pair<std::string_view, Handler> handlers[] = {
      {"$dynamicRef", &E::do_dynamic_ref},
      {"$recursiveRef", &E::do_refused},
      {"$ref", &E::do_ref},
      {"additionalItems", &E::do_items},
      {"additionalProperties", &E::do_properties},
      {"allOf", &E::do_all_of},
      {"anyOf", &E::do_any_of},
      {"const", &E::do_const},
      {"contains", &E::do_contains},
      {"dependencies", &E::do_dependencies},
      {"dependentRequired", &E::do_dependent_required},
      {"dependentSchemas", &E::do_dependent_schemas},
      {"enum", &E::do_enum},
      {"exclusiveMaximum", &E::do_bound},
      {"exclusiveMinimum", &E::do_bound},
      {"format", &E::do_format},
      {"if", &E::do_if},
      {"items", &E::do_items},
      {"maxItems", &E::do_item_count},
      {"maxLength", &E::do_length},
      {"maxProperties", &E::do_property_count},
      {"maximum", &E::do_bound},
      {"minItems", &E::do_item_count},
      {"minLength", &E::do_length},
      {"minProperties", &E::do_property_count},
      {"minimum", &E::do_bound},
      {"multipleOf", &E::do_multiple_of},
      {"not", &E::do_not},
      {"oneOf", &E::do_one_of},
      {"pattern", &E::do_pattern},
      {"patternProperties", &E::do_properties},
      {"prefixItems", &E::do_items},
      {"properties", &E::do_properties},
      {"propertyNames", &E::do_property_names},
      {"required", &E::do_required},
      {"type", &E::do_type},
      {"unevaluatedItems", &E::do_unevaluated},
      {"unevaluatedProperties", &E::do_unevaluated},
      {"uniqueItems", &E::do_unique_items},
  };
  for (const auto& [name, handler] : handlers) {
    if (name == keyword) return handler;
  }
  return nullptr;
}

void SchemaExpander::refuse(const Keyword& keyword, std::string_view reason) const {
  refuse_schema(document_.pointer(keyword.schema), keyword.name, reason);
}

void SchemaExpander::refuse_value(const Keyword& keyword, std::string_view wanted) const {
  refuse_schema(document_.pointer(keyword.schema), keyword.name, "must be " + std::string(wanted),
                ErrorCode::invalid_input);
}

void SchemaExpander::refuse_negation(const Keyword& keyword) const {
  refuse(keyword, "cannot be enforced where it must not hold (under 'not', 'oneOf' or 'if')");
}

std::uint64_t SchemaExpander::count(const Keyword& keyword) const {
  const Schema& value = keyword.value;
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (const auto digits = big_integer_in(value); digits && !digits->starts_with('-'))
    return std::numeric_limits<std::uint64_t>::max();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (number >= 0 && number < 1e15 &&
        number == static_cast<double>(static_cast<std::uint64_t>(number))) {
      return static_cast<std::uint64_t>(number);
    }
  }
  refuse_value(keyword, "a whole number that is not negative");
}

SchemaTerm SchemaExpander::made(Schema schema, const Keyword& keyword) {
  return term(document_.make(std::move(schema), keyword.schema));
}

// Up to draft 7, nothing beside "$ref" counts.
bool SchemaExpander::ignores_siblings(const Schema& schema) const {
  return document_.draft() <= SchemaDraft::draft7 && schema.contains("$ref");
}

void SchemaExpander::choose(Branch& branch, Choice choice) {
  if (choice.empty()) return forbid_all(branch);
  if (choice.size() == 1) {
    branch.todo.insert(branch.todo.end(), choice[0].begin(), choice[0].end());
    return;
  }
  if (branch.choices.size() >= kMaxChoices) {
    refuse_schema(branch.facts.pointer, "anyOf", "is combined with too many other alternatives");
  }
  branch.choices.push_back(std::move(choice));
}

std::vector<SchemaFacts> SchemaExpander::expand(const SchemaTerms& terms) {
  std::vector<SchemaFacts> out;
  Branch branch;
  branch.todo = terms;
  if (!terms.empty()) branch.facts.pointer = document_.pointer(*terms[0].schema);
  run(std::move(branch), out);
  return out;
}

void SchemaExpander::run(Branch branch, std::vector<SchemaFacts>& out) {
  if (++n_expansions_ > kMaxExpansions) {
    refuse_schema(branch.facts.pointer, "", "the schema has too many alternatives");
  }
  while (!branch.todo.empty()) {
    const SchemaTerms todo = std::exchange(branch.todo, {});
    for (const SchemaTerm& term : todo) {
      if (branch.facts.types == 0) return;
      if (branch.seen.insert(term).second) apply(branch, term);
    }
  }
  if (branch.facts.types == 0) return;
  if (branch.choices.empty()) {
    out.push_back(std::move(branch.facts));
    if (out.size() > kMaxBranches) {
      refuse_schema(out[0].pointer, "anyOf", "leads to too many alternatives");
    }
    return;
  }
  const Choice choice = std::move(branch.choices.back());
  branch.choices.pop_back();
  for (const SchemaTerms& alternative : choice) {
    Branch next = branch;
    next.todo = alternative;
    run(std::move(next), out);
  }
}

void SchemaExpander::apply(Branch& branch, const SchemaTerm& term) {
  const Schema& schema = *term.schema;
  if (schema.is_boolean()) {
    if (schema.get<bool>() == term.is_negated) forbid_all(branch);
    return;
  }
  if (!schema.is_object()) {
    refuse_schema(document_.pointer(schema), "", "a schema must be an object, true or false",
                  ErrorCode::invalid_input);
  }
  if (!term.keyword.empty()) {
    apply_keyword(branch, schema, term.keyword, term.is_negated);
  } else if (term.is_negated) {
    apply_negated_schema(branch, schema);
  } else {
    apply_schema(branch, schema);
  }
}

void SchemaExpander::apply_schema(Branch& branch, const Schema& schema) {
  if (ignores_siblings(schema)) return apply_keyword(branch, schema, "$ref", false);
  for (const auto& [name, value] : schema.items()) apply_keyword(branch, schema, name, false);
}

// Not all keywords hold: one of them does not.
void SchemaExpander::apply_negated_schema(Branch& branch, const Schema& schema) {
  Choice choice;
  for (const auto& [name, value] : schema.items()) {
    if (ignores_siblings(schema) && name != "$ref") continue;
    if (find_handler(name)) choice.push_back({{&schema, name, true}});
  }
  choose(branch, std::move(choice));
}

void SchemaExpander::apply_keyword(Branch& branch, const Schema& schema, const std::string& name,
                                   bool is_negated) {
  const Handler handler = find_handler(name);
  if (!handler) return;
  const Keyword keyword{schema, name, schema[name], is_negated};
  (this->*handler)(branch, keyword);
}

bool SchemaExpander::is_impossible(const SchemaTerms& terms, int depth) {
  if (depth == 0) return false;
  return std::ranges::all_of(expand(terms),
                             [&](const SchemaFacts& facts) { return is_impossible(facts, depth); });
}

bool SchemaExpander::is_impossible(const SchemaFacts& facts, int depth) {
  if ((facts.types & (kNullType | kTrueType | kFalseType)) != 0) return false;
  if (facts.allows(kNumberType) && matches_something(pool_, number_word(pool_, facts)))
    return false;
  if (facts.allows(kStringType) && matches_something(pool_, string_body(lexemes_, facts))) {
    return false;
  }
  if (facts.allows(kArrayType) && facts.min_items <= facts.max_items) {
    if (facts.min_items == 0 || !is_impossible(element_terms(facts, 0), depth - 1)) return false;
  }
  if (facts.allows(kObjectType) && facts.min_properties <= facts.max_properties) {
    return std::ranges::any_of(facts.required, [&](const std::string& name) {
      const std::optional<SchemaTerms> terms = property_terms(facts, name, pool_);
      return !terms || is_impossible(*terms, depth - 1);
    });
  }
  return true;
}

}  // namespace tinyllm
