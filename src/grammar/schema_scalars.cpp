// Keywords of SchemaExpander about types, numbers, strings and single values.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "grammar/regex_lowering.h"
#include "grammar/schema_expander.h"
#include "grammar/string_formats.h"
#include "grammar/text_set.h"

namespace tinyllm {
namespace {

int type_bits(std::string_view name) {
  if (name == "null") return kNullType;
  if (name == "boolean") return kTrueType | kFalseType;
  if (name == "number" || name == "integer") return kNumberType;
  if (name == "string") return kStringType;
  if (name == "array") return kArrayType;
  if (name == "object") return kObjectType;
  return 0;
}

}  // namespace

void SchemaExpander::do_type(Branch& branch, const Keyword& keyword) {
  const Schema names = keyword.value.is_array() ? keyword.value : Schema::array({keyword.value});
  int types = 0;
  bool has_number = false, has_integer = false;
  for (const Schema& name : names) {
    const int bits = name.is_string() ? type_bits(name.get_ref<const std::string&>()) : 0;
    if (bits == 0) refuse_value(keyword, "a type of JSON or an array of such");
    types |= bits;
    has_number = has_number || name == "number";
    has_integer = has_integer || name == "integer";
  }
  const bool is_integer_only = has_integer && !has_number;
  SchemaFacts& facts = branch.facts;
  if (keyword.is_negated) {
    keep_types(branch, kAllTypes & ~types);
    if (!is_integer_only) return;
    // Numbers that are no integers are left.
    facts.types |= kNumberType;
    facts.is_not_integer = true;
  } else {
    keep_types(branch, types);
    if (is_integer_only) facts.is_integer = true;
  }
}

void SchemaExpander::do_const(Branch& branch, const Keyword& keyword) {
  add_values(branch, keyword, {&keyword.value});
}

void SchemaExpander::do_enum(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_array()) refuse_value(keyword, "an array of values");
  std::vector<const Schema*> values;
  for (const Schema& value : keyword.value) values.push_back(&value);
  add_values(branch, keyword, values);
}

// Arrays and objects of a list of values become schemas that only they follow.
void SchemaExpander::add_values(Branch& branch, const Keyword& keyword,
                                const std::vector<const Schema*>& values) {
  int types = 0;
  std::vector<ExprId> numbers;
  std::vector<std::string> texts;
  SchemaTerms exact_terms;
  Schema scalars = Schema::array();
  for (const Schema* value : values) {
    if (value->is_structured()) {
      exact_terms.push_back(exact(*value, keyword));
      continue;
    }
    scalars.push_back(*value);
    if (value->is_null()) types |= kNullType;
    if (value->is_boolean()) types |= value->get<bool>() ? kTrueType : kFalseType;
    if (value->is_string()) texts.push_back(value->get<std::string>());
    if (is_number(*value)) {
      const std::optional<Decimal> number = decimal_of(*value);
      if (!number) refuse(keyword, "has a number that is too large to be kept exactly");
      numbers.push_back(number_value(pool_, *number));
    }
  }
  const ExprId number = pool_.any_of(numbers);
  const ExprId text = any_text_of(lexemes_.encoder(), texts);
  SchemaFacts& facts = branch.facts;
  if (keyword.is_negated) {
    keep_types(branch, kAllTypes & ~types);
    if (!numbers.empty()) {
      facts.number_exprs.push_back(
          pool_.all_of({any_number(pool_, NumberSet::no_exponent), pool_.complement(number)}));
    }
    if (!texts.empty()) facts.string_bodies.push_back(pool_.complement(text));
    for (SchemaTerm& term : exact_terms) {
      term.is_negated = true;
      branch.todo.push_back(term);
    }
    return;
  }
  if (!exact_terms.empty()) {
    Choice choice;
    if (!scalars.empty()) choice.push_back({made({{"enum", scalars}}, keyword)});
    for (const SchemaTerm& term : exact_terms) choice.push_back({term});
    return choose(branch, std::move(choice));
  }
  keep_types(branch,
             types | (numbers.empty() ? 0 : kNumberType) | (texts.empty() ? 0 : kStringType));
  if (!numbers.empty()) facts.number_exprs.push_back(number);
  if (!texts.empty()) facts.string_bodies.push_back(text);
}

SchemaTerm SchemaExpander::exact(const Schema& value, const Keyword& keyword) {
  Schema schema = Schema::object();
  if (value.is_array()) {
    schema["type"] = "array";
    schema["minItems"] = schema["maxItems"] = value.size();
    Schema items = Schema::array();
    for (const Schema& element : value) items.push_back({{"const", element}});
    // The draft's own word for "one schema an element".
    schema[document_.draft() < SchemaDraft::draft2020 ? "items" : "prefixItems"] = std::move(items);
  } else {
    schema["type"] = "object";
    schema["required"] = Schema::array();
    schema["allOf"] = Schema::array();  // one schema a property: they come in any order
    schema["maxProperties"] = value.size();
    for (const auto& [name, element] : value.items()) {
      schema["allOf"].push_back({{"properties", {{name, {{"const", element}}}}}});
      schema["required"].push_back(name);
    }
  }
  return made(std::move(schema), keyword);
}

void SchemaExpander::add_bound(Branch& branch, bool is_low, const NumberBound& bound) const {
  std::optional<NumberBound>& old = is_low ? branch.facts.low : branch.facts.high;
  const int order = old ? compare(bound.value, old->value) : 1;
  const bool is_tighter =
      !old || (is_low ? order > 0 : order < 0) || (order == 0 && bound.is_exclusive);
  if (is_tighter) old = bound;
}

void SchemaExpander::do_bound(Branch& branch, const Keyword& keyword) {
  const bool is_low = keyword.name.ends_with("inimum");
  bool is_exclusive = keyword.name.starts_with("exclusive");
  if (document_.draft() == SchemaDraft::draft4) {
    if (is_exclusive) {
      if (!keyword.value.is_boolean()) refuse_value(keyword, "true or false in draft 4");
      if (keyword.is_negated && keyword.value.get<bool>()) refuse_negation(keyword);
      if (keyword.is_negated) forbid_all(branch);
      return;  // read beside "minimum"
    }
    const char* beside = is_low ? "exclusiveMinimum" : "exclusiveMaximum";
    is_exclusive = keyword.schema.value(beside, Schema(false)) == true;
  }
  if (!is_number(keyword.value)) refuse_value(keyword, "a number");
  const std::optional<Decimal> value = decimal_of(keyword.value);
  if (!value) refuse(keyword, "is a number that is too large to be kept exactly");
  if (keyword.is_negated) {
    keep_types(branch, kNumberType);
    add_bound(branch, !is_low, {*value, !is_exclusive});
  } else {
    add_bound(branch, is_low, {*value, is_exclusive});
  }
}

void SchemaExpander::do_multiple_of(Branch& branch, const Keyword& keyword) {
  const std::optional<Decimal> step = decimal_of(keyword.value);
  if (!is_number(keyword.value)) refuse_value(keyword, "a number above 0");
  if (step && (step->is_negative || step->is_zero())) refuse_value(keyword, "a number above 0");
  const std::optional<ExprId> multiple = step ? number_multiple(pool_, *step) : std::nullopt;
  const bool is_whole = step && step->is_integer();
  if (!multiple) refuse(keyword, "cannot be enforced: the step has too many digits");
  if (keyword.is_negated) {
    keep_types(branch, kNumberType);
    branch.facts.number_exprs.push_back(
        pool_.all_of({any_number(pool_, NumberSet::no_exponent), pool_.complement(*multiple)}));
  } else {
    branch.facts.number_exprs.push_back(*multiple);
    branch.facts.has_fractional_step = branch.facts.has_fractional_step || !is_whole;
  }
}

void SchemaExpander::do_length(Branch& branch, const Keyword& keyword) {
  const std::uint64_t length = count(keyword);
  SchemaFacts& facts = branch.facts;
  const bool is_min = keyword.name == "minLength";
  if (keyword.is_negated) keep_types(branch, kStringType);
  if (is_min && keyword.is_negated && length == 0) return forbid_all(branch);
  if (is_min && keyword.is_negated) {
    facts.max_length = std::min(facts.max_length, length - 1);
  } else if (is_min) {
    facts.min_length = std::max(facts.min_length, length);
  } else if (keyword.is_negated) {
    facts.min_length = std::max(facts.min_length, length + 1);
  } else {
    facts.max_length = std::min(facts.max_length, length);
  }
  if (facts.min_length >= kNoLimit) refuse(keyword, "is too large");
}

ExprId SchemaExpander::name_pattern(const Schema& schema, const std::string& pattern) {
  const std::string source = "JSON schema: " + document_.pointer(schema) + ": " + quote(pattern);
  const RegexNode node = parse_regex(pattern, source);
  return lower_regex(lexemes_.encoder(), node, RegexScope::search, source);
}

void SchemaExpander::do_pattern(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_string()) refuse_value(keyword, "a string");
  ExprId body = kNothing;
  try {
    body = name_pattern(keyword.schema, keyword.value.get<std::string>());
  } catch (const Error& error) {
    refuse_schema(document_.pointer(keyword.schema), keyword.name,
                  fmt::format("cannot be enforced: {}", error.what()), error.code());
  }
  if (keyword.is_negated) {
    keep_types(branch, kStringType);
    body = pool_.complement(body);
  }
  branch.facts.string_bodies.push_back(body);
}

void SchemaExpander::do_format(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_string()) refuse_value(keyword, "a string");
  const std::string& name = keyword.value.get_ref<const std::string&>();
  const std::optional<ExprId> known = format_body(lexemes_.encoder(), name);
  if (!known) refuse(keyword, fmt::format("{} is not known", quote(name)));
  ExprId body = *known;
  if (keyword.is_negated) {
    keep_types(branch, kStringType);
    body = pool_.complement(body);
  }
  branch.facts.string_bodies.push_back(body);
}

}  // namespace tinyllm
