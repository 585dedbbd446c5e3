// Structural tags: free text, and behind each trigger one of the structures that begin with it, then
// free text again. The source is JSON as vLLM takes it: {"structures": [{"begin": "<f=a>",
// "schema": {..}, "end": "</f>"}], "triggers": ["<f="]}, or with "type": "structural_tag" and
// "format" around tags of {"begin", "content": {"type": "json_schema", "json_schema": {..}}, "end"}.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/json_parse.h"
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

Structure structure_of(const json& object) {
  if (!object.is_object()) refuse("a structure must be an object");
  const auto content = object.find("content");
  const json& holder = content == object.end() ? object : *content;
  const auto schema = holder.find(content == object.end() ? "schema" : "json_schema");
  if (!holder.is_object() || schema == holder.end()) {
    refuse("a structure needs a JSON schema");
  }
  return {text_of(object, "begin"), schema->dump(), text_of(object, "end")};
}

StructuralTag parse_structural_tag(const std::string& text) {
  const json document = parse_ordered_json(text, "structural tag", {.max_depth = 200});
  if (!document.is_object()) refuse("must be an object");
  const auto format = document.find("format");
  const json& holder = format == document.end() ? document : *format;
  if (!holder.is_object()) refuse("'format' must be an object");
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
  const ExprId before_trigger =
      pool.all_of({pool.concat(anything, trigger),
                   pool.complement(pool.concat({anything, trigger, encoder.any(), anything}))});
  for (const Structure& structure : tag.structures) {
    const auto begins = [&](const std::string& text) { return structure.begin.starts_with(text); };
    const auto found = std::ranges::find_if(tag.triggers, begins);
    if (found == tag.triggers.end()) {
      refuse(fmt::format("the structure {} begins with no trigger", quote(structure.begin)));
    }
    // The lexeme ends behind the trigger, and says which it was.
    const ExprId head = pool.all_of({before_trigger, pool.concat(anything, encoder.text(*found))});
    const Symbol value = add_json_schema(structure.schema, pool, rules);
    rules.add_rule(whole, {rules.lexeme(head),
                           rules.lexeme(encoder.text(structure.begin.substr(found->size()))), value,
                           rules.lexeme(encoder.text(structure.end)), whole});
  }
  return whole;
}

}  // namespace tinyllm
