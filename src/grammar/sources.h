#pragma once
// The sources of grammars, one function and file each: adds rules to `rules` and returns the symbol
// that stands for the whole text. Each throws GrammarRefusal or Error. One thread.

#include <span>
#include <string>
#include <string_view>

#include "grammar/grammar.h"
#include "grammar/rule_set.h"

namespace tinyllm {

// No string or name of the value holds `never`, if that is not empty.
Symbol add_json_schema(const std::string& text, ExprPool& pool, RuleSet& rules,
                       std::string_view never = {});
// The strings that follow a schema, as plain text.
ExprId plain_strings_of(const std::string& schema, ExprPool& pool, RuleSet& rules);
Symbol add_json_object(ExprPool& pool, RuleSet& rules);
Symbol add_regex(const std::string& pattern, ExprPool& pool, RuleSet& rules);
Symbol add_choice(std::span<const std::string> choices, ExprPool& pool, RuleSet& rules);
Symbol add_gbnf(const std::string& text, ExprPool& pool, RuleSet& rules);
Symbol add_structural_tag(const std::string& text, ExprPool& pool, RuleSet& rules);

// Structures of a structural tag and nothing else: one, or a JSON array of at most kMaxListed.
enum class StructuresAs { one, array };
Symbol add_structures(const std::string& text, StructuresAs form, ExprPool& pool, RuleSet& rules);

// `text`, and the thinking before it.
Symbol add_thinking(const GrammarThinking& thinking, Symbol text, ExprPool& pool, RuleSet& rules);

}  // namespace tinyllm
