// Structural tags: free text, and behind each trigger one of the structures that begin with it, then
// free text again. The source is JSON as vLLM takes it: {"structures": [{"begin": "<f=a>",
// "schema": {..}, "end": "</f>"}], "triggers": ["<f="]}, or with "type": "structural_tag" and
// "format" around tags of {"begin", "content": {"type": "json_schema", "json_schema": {..}}, "end"}.

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_parse.h"
#include "base/json_values.h"
#include "base/quote.h"
#include "grammar/char_encoder.h"
#include "grammar/schema_compiler.h"
#include "grammar/sources.h"
#include "grammar/text_set.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxStructures = 10000;

struct Structure {
  std::string begin, schema, end;
};

struct StructuralTag {
  std::vector<Structure> structures;
  std::vector<std::string> triggers;
};

[[noreturn]] void refuse(const std::string& what) {
  fail(ErrorCode::invalid_input, "structural tag: {}", what);
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    refuse(fmt::format("'{}' must be a text", name));
  }
  return found->get<std::string>();
}

const json& array_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) {
    refuse(fmt::format("'{}' must be an array", name));
  }
  return *found;
}

// What is not understood is not ignored: it might say what the text must look like.
void check_keys(const json& object, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) refuse("structures, tags and their content must be objects");
  for (const auto& [name, value] : object.items()) {
    const bool says_nothing = value.is_null() || value == false;
    if (!says_nothing && std::ranges::find(known, name) == known.end()) {
      refuse(fmt::format("{} cannot be enforced", quote(name)));
    }
  }
}

void check_type(const json& object, std::string_view wanted) {
  const auto found = object.find("type");
  if (found != object.end() && *found != wanted) {
    refuse(fmt::format("of the types, only {} can be enforced here", quote(std::string(wanted))));
  }
}

Structure structure_of(const json& object) {
  const bool is_tag = object.is_object() && object.contains("content");
  if (is_tag) {
    check_keys(object, {"type", "begin", "content", "end"});
    check_type(object, "tag");
    check_keys(object["content"], {"type", "json_schema"});
    check_type(object["content"], "json_schema");
  } else {
    check_keys(object, {"begin", "schema", "end"});
  }
  const json& holder = is_tag ? object["content"] : object;
  const auto schema = holder.find(is_tag ? "json_schema" : "schema");
  if (schema == holder.end()) refuse("a structure needs a JSON schema");
  return {text_of(object, "begin"), text_with_big_integers(*schema), text_of(object, "end")};
}

StructuralTag parse_structural_tag(const std::string& text) {
  const json document = parse_ordered_json(text, "structural tag", {.max_depth = 200});
  if (!document.is_object()) refuse("must be an object");
  const auto format = document.find("format");
  const json& holder = format == document.end() ? document : *format;
  check_type(document, "structural_tag");
  if (format == document.end()) {
    check_keys(document, {"type", "structures", "triggers"});
  } else {
    check_keys(document, {"type", "format"});
    check_keys(holder, {"type", "tags", "triggers"});
    check_type(holder, "triggered_tags");
  }
  StructuralTag tag;
  for (const json& object : array_of(holder, format == document.end() ? "structures" : "tags")) {
    tag.structures.push_back(structure_of(object));
  }
  for (const json& trigger : array_of(holder, "triggers")) {
    if (!trigger.is_string() || trigger.get_ref<const std::string&>().empty()) {
      refuse("a trigger must be a text that is not empty");
    }
    tag.triggers.push_back(trigger.get<std::string>());
  }
  if (tag.structures.empty() || tag.triggers.empty()) {
    refuse("needs a structure and a trigger");
  }
  if (tag.structures.size() > kMaxStructures) refuse("has too many structures");
  return tag;
}

// The schema of a structure, whose refusal says which structure it is.
Symbol schema_of(const Structure& structure, ExprPool& pool, RuleSet& rules) {
  try {
    return add_json_schema(structure.schema, pool, rules);
  } catch (const GrammarRefusal& refusal) {
    throw GrammarRefusal(refusal.code(),
                         fmt::format("behind {}: {}", quote(structure.begin), refusal.what()),
                         refusal.keyword(), refusal.pointer());
  }
}

}  // namespace

Symbol add_structural_tag(const std::string& text, ExprPool& pool, RuleSet& rules) {
  const StructuralTag tag = parse_structural_tag(text);
  CharEncoder encoder(pool, TextForm::plain);
  const ExprId anything = pool.repeat(encoder.any(), 0, kNoLimit);
  const ExprId trigger = any_text_of(encoder, tag.triggers);
  const ExprId has_trigger = pool.concat({anything, trigger, anything});
  // Free text holds no trigger; what ends with the first one goes on with a structure.
  const ExprId free_text = pool.all_of({anything, pool.complement(has_trigger)});
  const Symbol whole = rules.add_nonterminal();
  rules.add_rule(whole, {rules.lexeme(free_text)});
  const ExprId before_trigger = text_up_to(encoder, trigger);
  for (const Structure& structure : tag.structures) {
    const auto begins = [&](const std::string& text) { return structure.begin.starts_with(text); };
    const auto found = std::ranges::find_if(tag.triggers, begins);
    if (found == tag.triggers.end()) {
      refuse(fmt::format("the structure {} begins with no trigger", quote(structure.begin)));
    }
    // The lexeme ends behind the trigger, and says which it was.
    const ExprId head = pool.all_of({before_trigger, pool.concat(anything, encoder.text(*found))});
    const Symbol value = schema_of(structure, pool, rules);
    rules.add_rule(whole, {rules.lexeme(head),
                           rules.lexeme(encoder.text(structure.begin.substr(found->size()))), value,
                           rules.lexeme(encoder.text(structure.end)), whole});
  }
  return whole;
}

namespace {

Symbol add_array(Symbol one, CharEncoder& encoder, RuleSet& rules) {
  ExprPool& pool = encoder.pool();
  const ExprId space = short_space(encoder);
  const Symbol open = rules.lexeme(pool.concat(encoder.text("["), space));
  const Symbol close = rules.lexeme(pool.concat(space, encoder.text("]")));
  const Symbol comma = rules.lexeme(pool.concat({space, encoder.text(","), space}));
  Symbol rest = rules.add_nonterminal();
  rules.add_rule(rest, {one});
  for (int i = 1; i < kMaxListed; ++i) {
    const Symbol longer = rules.add_nonterminal();
    rules.add_rule(longer, {one});
    rules.add_rule(longer, {one, comma, rest});
    rest = longer;
  }
  const Symbol array = rules.add_nonterminal();
  rules.add_rule(array, {open, rest, close});
  return array;
}

}  // namespace

Symbol add_structures(const std::string& text, StructuresAs form, ExprPool& pool, RuleSet& rules) {
  const StructuralTag tag = parse_structural_tag(text);
  CharEncoder encoder(pool, TextForm::plain);
  const Symbol one = rules.add_nonterminal();
  for (const Structure& structure : tag.structures) {
    rules.add_rule(one,
                   {rules.lexeme(encoder.text(structure.begin)), schema_of(structure, pool, rules),
                    rules.lexeme(encoder.text(structure.end))});
  }
  switch (form) {
    case StructuresAs::one: return one;
    case StructuresAs::array: return add_array(one, encoder, rules);
  }
  return one;
}

}  // namespace tinyllm
