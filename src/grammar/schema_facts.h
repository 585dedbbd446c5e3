#pragma once
// What one way through a JSON schema asks of a value: plain conjunctions, one block for each type.
// Alternatives (anyOf, oneOf, if, ...) make several of these, see schema_expander.h.

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "grammar/number_exprs.h"
#include "grammar/schema_document.h"

namespace tinyllm {

// A part of a schema that holds, or does not: the whole, or one keyword of it.
struct SchemaTerm {
  const Schema* schema = nullptr;
  std::string keyword;  // empty: the whole schema
  bool is_negated = false;
  friend auto operator<=>(const SchemaTerm&, const SchemaTerm&) = default;
};

using SchemaTerms = std::vector<SchemaTerm>;  // all of them hold

// A bit of each type; booleans are two.
using JsonType = std::uint8_t;
inline constexpr JsonType kNullType = 1;
inline constexpr JsonType kTrueType = 2;
inline constexpr JsonType kFalseType = 4;
inline constexpr JsonType kNumberType = 8;
inline constexpr JsonType kStringType = 16;
inline constexpr JsonType kArrayType = 32;
inline constexpr JsonType kObjectType = 64;
inline constexpr JsonType kAllTypes = 127;

inline constexpr std::uint64_t kUnbounded = ~std::uint64_t{0};

// Of one schema object, because "additionalProperties" means those that are not named beside it.
struct ObjectRule {
  std::vector<std::pair<std::string, SchemaTerm>> properties;
  std::vector<std::pair<ExprId, SchemaTerm>> patterns;  // of names
  std::optional<SchemaTerm> additional;
  bool has_order = true;  // false: names that other rules list, for "unevaluatedProperties"
};

struct ArrayRule {
  std::vector<SchemaTerm> prefix;
  std::optional<SchemaTerm> rest;
};

struct ContainsRule {
  SchemaTerm term;
  std::uint64_t min = 1, max = kUnbounded;
};

struct SchemaFacts {
  JsonType types = kAllTypes;

  bool is_integer = false, is_not_integer = false;
  std::optional<NumberBound> low, high;
  bool has_fractional_step = false;  // "multipleOf" of no whole number
  std::vector<ExprId> number_exprs;  // all hold

  std::uint64_t min_length = 0, max_length = kUnbounded;
  std::vector<ExprId> string_bodies;  // all hold

  std::vector<ArrayRule> array_rules;
  std::vector<ContainsRule> contains;
  std::uint64_t min_items = 0, max_items = kUnbounded;
  bool has_unique_items = false;

  std::vector<ObjectRule> object_rules;
  std::vector<std::string> required;   // in the order in which they were asked for
  std::set<std::string> forbidden;     // names
  std::vector<SchemaTerm> name_terms;  // "propertyNames"
  std::uint64_t min_properties = 0, max_properties = kUnbounded;

  std::string pointer = "#";  // for messages

  bool has_number_rule() const {
    return is_integer || is_not_integer || low || high || !number_exprs.empty();
  }
  bool has_string_rule() const {
    return min_length > 0 || max_length != kUnbounded || !string_bodies.empty();
  }
  bool has_array_rule() const {
    return !array_rules.empty() || !contains.empty() || min_items > 0 || max_items != kUnbounded ||
           has_unique_items;
  }
  bool has_object_rule() const {
    return !object_rules.empty() || !required.empty() || !forbidden.empty() ||
           !name_terms.empty() || min_properties > 0 || max_properties != kUnbounded;
  }
  bool allows(JsonType type) const { return (types & type) != 0; }
};

}  // namespace tinyllm
