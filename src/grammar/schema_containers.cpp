// Keywords of SchemaExpander about arrays and objects.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "grammar/grammar.h"
#include "grammar/schema_expander.h"

namespace tinyllm {
namespace {

// Of keywords that are read together the first speaks for all.
bool is_first_of(const Schema& schema, const std::string& name,
                 std::initializer_list<const char*> group) {
  for (const char* member : group) {
    if (schema.contains(member)) return name == member;
  }
  return true;
}

bool is_true(const Schema& schema) {
  return schema == true || (schema.is_object() && schema.empty());
}

const Schema* find(const Schema& schema, const char* name) {
  const auto found = schema.find(name);
  return found == schema.end() ? nullptr : &*found;
}

}  // namespace

ArrayRule SchemaExpander::array_rule(const Schema& schema) const {
  ArrayRule rule;
  const bool is_new = document_.draft() >= SchemaDraft::draft2020;
  const Schema* items = find(schema, "items");
  const Schema* prefix = is_new ? find(schema, "prefixItems") : items;
  if (!is_new && prefix && !prefix->is_array()) prefix = nullptr;
  if (prefix) {
    if (!prefix->is_array()) {
      refuse_schema(document_.pointer(schema), "prefixItems", "must be an array of schemas",
                    ErrorCode::invalid_input);
    }
    for (const Schema& item : *prefix) rule.prefix.push_back(term(item));
  }
  const Schema* rest = !is_new && prefix ? find(schema, "additionalItems") : items;
  if (rest) rule.rest = term(*rest);
  return rule;
}

void SchemaExpander::do_items(Branch& branch, const Keyword& keyword) {
  const bool is_new = document_.draft() >= SchemaDraft::draft2020;
  if (keyword.name == "additionalItems" && is_new) return;  // unknown to the draft
  if (keyword.name == "prefixItems" && !is_new) return;
  if (keyword.is_negated) return negate_items(branch, keyword);
  if (!is_first_of(keyword.schema, keyword.name, {"prefixItems", "items", "additionalItems"}))
    return;
  branch.facts.array_rules.push_back(array_rule(keyword.schema));
}

// Some element is not what it should be: "prefixItems" alone has elements that can be named.
void SchemaExpander::negate_items(Branch& branch, const Keyword& keyword) {
  const ArrayRule rule = array_rule(keyword.schema);
  const bool is_list = keyword.value.is_array();
  keep_types(branch, kArrayType);
  if (!is_list) {
    if (keyword.name == "additionalItems" && rule.prefix.empty()) return forbid_all(branch);
    if (is_true(keyword.value)) return forbid_all(branch);
    if (!rule.prefix.empty() && keyword.value != false) refuse_negation(keyword);
    if (keyword.value == false) {
      branch.facts.min_items =
          std::max<std::uint64_t>(branch.facts.min_items, rule.prefix.size() + 1);
    } else {
      branch.facts.contains.push_back({term(keyword.value, true)});
    }
    return;
  }
  Choice choice;
  for (std::size_t i = 0; i < rule.prefix.size(); ++i) {
    Schema array = {{"type", "array"}, {"minItems", i + 1}};
    Schema prefix = Schema::array();
    for (std::size_t before = 0; before < i; ++before) prefix.push_back(true);
    prefix.push_back({{"not", keyword.value[i]}});
    array[document_.draft() >= SchemaDraft::draft2020 ? "prefixItems" : "items"] = prefix;
    choice.push_back({made(array, keyword)});
  }
  choose(branch, std::move(choice));
}

void SchemaExpander::do_item_count(Branch& branch, const Keyword& keyword) {
  const std::uint64_t n = count(keyword);
  SchemaFacts& facts = branch.facts;
  const bool is_min = keyword.name == "minItems";
  if (keyword.is_negated) keep_types(branch, kArrayType);
  if (is_min && keyword.is_negated && n == 0) return forbid_all(branch);
  if (is_min == keyword.is_negated) {
    facts.max_items = std::min(facts.max_items, keyword.is_negated ? n - 1 : n);
  } else {
    facts.min_items = std::max(facts.min_items, keyword.is_negated ? n + 1 : n);
  }
}

void SchemaExpander::do_unique_items(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_boolean()) refuse_value(keyword, "true or false");
  if (!keyword.value.get<bool>()) {
    if (keyword.is_negated) forbid_all(branch);
    return;
  }
  if (keyword.is_negated) refuse_negation(keyword);
  branch.facts.has_unique_items = true;
}

void SchemaExpander::do_contains(Branch& branch, const Keyword& keyword) {
  ContainsRule rule{term(keyword.value)};
  const auto limit = [&](const char* name, std::uint64_t otherwise) {
    const Schema* value = find(keyword.schema, name);
    const std::string text = name;
    return value ? count({keyword.schema, text, *value, false}) : otherwise;
  };
  if (document_.draft() >= SchemaDraft::draft2019) {
    rule.min = limit("minContains", 1);
    rule.max = limit("maxContains", kUnbounded);
  }
  if (!keyword.is_negated) {
    if (rule.min > 0 || rule.max != kUnbounded) branch.facts.contains.push_back(rule);
    return;
  }
  keep_types(branch, kArrayType);
  if (rule.max != kUnbounded) refuse_negation(keyword);
  if (rule.min == 0) return forbid_all(branch);
  branch.facts.contains.push_back({rule.term, 0, rule.min - 1});
}

ObjectRule SchemaExpander::object_rule(const Schema& schema) {
  ObjectRule rule;
  const auto wants_object = [&](const char* name) {
    const Schema* value = find(schema, name);
    if (value && !value->is_object()) {
      refuse_schema(document_.pointer(schema), name, "must be an object", ErrorCode::invalid_input);
    }
    return value;
  };
  if (const Schema* properties = wants_object("properties")) {
    for (const auto& [name, value] : properties->items()) {
      rule.properties.emplace_back(name, term(value));
    }
  }
  if (const Schema* patterns = wants_object("patternProperties")) {
    for (const auto& [pattern, value] : patterns->items()) {
      try {
        rule.patterns.emplace_back(name_pattern(schema, pattern), term(value));
      } catch (const Error& error) {
        refuse_schema(document_.pointer(schema), "patternProperties",
                      fmt::format("cannot be enforced: {}", error.what()), error.code());
      }
    }
  }
  if (const Schema* additional = find(schema, "additionalProperties")) {
    rule.additional = term(*additional);
  }
  return rule;
}

void SchemaExpander::do_properties(Branch& branch, const Keyword& keyword) {
  if (keyword.is_negated) return negate_properties(branch, keyword);
  if (!is_first_of(keyword.schema, keyword.name,
                   {"properties", "patternProperties", "additionalProperties"})) {
    return;
  }
  branch.facts.object_rules.push_back(object_rule(keyword.schema));
}

void SchemaExpander::negate_properties(Branch& branch, const Keyword& keyword) {
  if (keyword.name != "properties") {
    const bool is_trivial = is_true(keyword.value) || keyword.value == Schema::object();
    if (!is_trivial) refuse_negation(keyword);
    return forbid_all(branch);
  }
  Choice choice;
  for (const auto& [name, value] : keyword.value.items()) {
    if (is_true(value)) continue;
    const Schema schema = {{"type", "object"},
                           {"required", Schema::array({name})},
                           {"properties", {{name, {{"not", value}}}}}};
    choice.push_back({made(schema, keyword)});
  }
  choose(branch, std::move(choice));
}

void SchemaExpander::do_required(Branch& branch, const Keyword& keyword) {
  const bool is_flag = document_.draft() == SchemaDraft::draft4 && keyword.value.is_boolean();
  if (!keyword.value.is_array() || is_flag) refuse_value(keyword, "an array of names");
  Choice choice;
  for (const Schema& name : keyword.value) {
    if (!name.is_string()) refuse_value(keyword, "an array of names");
    const std::string& text = name.get_ref<const std::string&>();
    if (keyword.is_negated) {
      choice.push_back({made({{"type", "object"}, {"properties", {{text, false}}}}, keyword)});
    } else if (std::ranges::find(branch.facts.required, text) == branch.facts.required.end()) {
      branch.facts.required.push_back(text);
    }
  }
  if (keyword.is_negated) choose(branch, std::move(choice));
}

void SchemaExpander::do_property_count(Branch& branch, const Keyword& keyword) {
  const std::uint64_t n = count(keyword);
  SchemaFacts& facts = branch.facts;
  const bool is_min = keyword.name == "minProperties";
  if (keyword.is_negated) keep_types(branch, kObjectType);
  if (is_min && keyword.is_negated && n == 0) return forbid_all(branch);
  if (is_min == keyword.is_negated) {
    facts.max_properties = std::min(facts.max_properties, keyword.is_negated ? n - 1 : n);
  } else {
    facts.min_properties = std::max(facts.min_properties, keyword.is_negated ? n + 1 : n);
  }
}

void SchemaExpander::do_property_names(Branch& branch, const Keyword& keyword) {
  if (is_true(keyword.value)) {
    if (keyword.is_negated) forbid_all(branch);
    return;
  }
  if (keyword.is_negated) refuse_negation(keyword);
  branch.facts.name_terms.push_back(term(keyword.value));
}

// Exact where what was looked at does not depend on the value: no alternatives.
void SchemaExpander::do_unevaluated(Branch& branch, const Keyword& keyword) {
  if (document_.draft() < SchemaDraft::draft2019) return;  // unknown to the draft
  if (is_true(keyword.value)) {
    if (keyword.is_negated) forbid_all(branch);
    return;
  }
  if (keyword.is_negated) refuse_negation(keyword);
  ObjectRule properties;
  std::size_t n_items = 0;
  if (!find_evaluated(keyword.schema, keyword, properties, n_items, 0)) return;
  if (keyword.name == "unevaluatedProperties") {
    properties.additional = term(keyword.value);
    properties.has_order = false;
    branch.facts.object_rules.push_back(std::move(properties));
  } else {
    const SchemaTerm anything = made(true, keyword);
    branch.facts.array_rules.push_back({SchemaTerms(n_items, anything), term(keyword.value)});
  }
}

bool SchemaExpander::find_evaluated(const Schema& schema, const Keyword& keyword,
                                    ObjectRule& properties, std::size_t& n_items, int depth) {
  if (!schema.is_object()) return true;
  if (depth > 20) refuse(keyword, "cannot be enforced: references go in circles");
  const bool is_of_items = keyword.name == "unevaluatedItems";
  for (const auto& [name, value] : schema.items()) {
    const bool is_own = &schema == &keyword.schema && name == keyword.name;
    if (is_own) continue;
    if (name == keyword.name || name == (is_of_items ? "items" : "additionalProperties")) {
      return false;
    }
    const bool is_dynamic = name == "anyOf" || name == "oneOf" || name == "if" || name == "not" ||
                            name == "dependentSchemas" || name == "$dynamicRef" ||
                            (is_of_items && name == "contains");
    if (is_dynamic) refuse(keyword, fmt::format("cannot be enforced beside '{}'", name));
    if (name == "prefixItems") n_items = std::max(n_items, value.size());
    if (name == "allOf" && value.is_array()) {
      for (const Schema& part : value) {
        if (!find_evaluated(part, keyword, properties, n_items, depth + 1)) return false;
      }
    }
    if (name == "$ref" && value.is_string()) {
      const Schema& target = document_.resolve(schema, value.get_ref<const std::string&>());
      if (!find_evaluated(target, keyword, properties, n_items, depth + 1)) return false;
    }
  }
  if (!is_of_items) {
    const SchemaTerm anything = made(true, keyword);
    const ObjectRule rule = object_rule(schema);
    for (const auto& [name, term] : rule.properties)
      properties.properties.emplace_back(name, anything);
    for (const auto& [pattern, term] : rule.patterns)
      properties.patterns.emplace_back(pattern, anything);
  }
  return true;
}

}  // namespace tinyllm
