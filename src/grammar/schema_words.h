#pragma once
// What SchemaFacts say about single values, names and elements. One thread.

#include <optional>
#include <string>

#include "grammar/json_lexemes.h"
#include "grammar/schema_facts.h"

namespace tinyllm {

ExprId number_word(ExprPool& pool, const SchemaFacts& facts);
ExprId string_body(JsonLexemes& lexemes, const SchemaFacts& facts);

// Whether the term is a plain "false": nothing follows it.
bool is_false(const SchemaTerm& term);
// What the element of this index must be.
SchemaTerms element_terms(const SchemaFacts& facts, std::size_t index);
// What the value of this property must be. Empty: there may be no such property.
std::optional<SchemaTerms> property_terms(const SchemaFacts& facts, const std::string& name,
                                          ExprPool& pool);

// Whether `body`, the inside of a JSON string, matches the name.
bool matches_name(ExprPool& pool, ExprId body, const std::string& name);
// Whether some text matches.
bool matches_something(ExprPool& pool, ExprId e);

}  // namespace tinyllm
