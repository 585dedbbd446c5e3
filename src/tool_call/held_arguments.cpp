#include "tool_call/held_arguments.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_parse.h"
#include "base/json_values.h"
#include "base/quote.h"
#include "grammar/grammar.h"
#include "grammar/sources.h"
#include "grammar/text_set.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxArguments = 256, kMaxKeyBytes = 256;  // as AnswerParser

// Keywords that say nothing of a value.
bool is_remark(std::string_view keyword) {
  static constexpr std::string_view kRemarks[] = {
      "title",    "description", "default",     "examples", "deprecated", "readOnly", "writeOnly",
      "$comment", "$defs",       "definitions", "$schema",  "$id",        "$anchor"};
  return std::ranges::find(kRemarks, keyword) != std::end(kRemarks);
}

[[noreturn]] void refuse(const std::string& function, const std::string& keyword,
                         std::string_view why) {
  throw GrammarRefusal(ErrorCode::unsupported,
                       fmt::format("the function {}: {} {} where arguments are written one by one",
                                   quote(function), quote(keyword), why),
                       keyword, "#");
}

// Whether the schema says nothing but types, all of whose values fit.
bool is_bare(const Json& schema) {
  if (schema == true) return true;
  if (!schema.is_object()) return false;
  const auto is_whole_type = [](const Json& type) { return type != "integer"; };
  for (const auto& [keyword, value] : schema.items()) {
    if (is_remark(keyword)) continue;
    if (keyword == "type") {
      if (value.is_array() ? !std::ranges::all_of(value, is_whole_type) : !is_whole_type(value))
        return false;
    } else if (keyword != "anyOf" || !value.is_array() || !std::ranges::all_of(value, is_bare)) {
      return false;
    }
  }
  return true;
}

// Whether references point at definitions only: these are all that with_definitions takes along.
bool refers_to_definitions(const Json& schema) {
  if (!schema.is_structured()) return true;
  for (const auto& [key, value] : schema.items()) {
    if (schema.is_object() && value.is_string() && (key == "$ref" || key == "$dynamicRef")) {
      const auto& target = value.get_ref<const std::string&>();
      if (!target.starts_with("#/$defs/") && !target.starts_with("#/definitions/")) return false;
    }
    if (!refers_to_definitions(value)) return false;
  }
  return true;
}

// The schema of a property, where references find what they found in the whole schema.
std::string with_definitions(Json schema, const Json& whole) {
  if (!schema.is_object()) return text_with_big_integers(schema);
  for (const char* name : {"$defs", "definitions", "$schema"}) {
    if (whole.contains(name)) schema[name] = whole[name];
  }
  return text_with_big_integers(schema);
}

const Json& member_or(const Json& object, const char* name, const Json& fallback) {
  const auto found = object.find(name);
  return found == object.end() ? fallback : *found;
}

bool is_word(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && is_letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

HeldArguments::HeldArguments(const Json& tools, std::string_view only, ExprPool& pool,
                             RuleSet& rules)
    : pool_(pool), rules_(rules), encoder_(pool, TextForm::plain), types_(tools) {
  for (const Json& tool : tools) {
    const Json& function = tool["function"];
    const auto& name = function["name"].get_ref<const std::string&>();
    if (!only.empty() && name != only) continue;
    Json schema = function.contains("parameters") ? function["parameters"] : Json::object();
    if (!schema.contains("type")) schema["type"] = "object";
    functions_.push_back({name, text_with_big_integers(schema)});
  }
}

Symbol HeldArguments::as_json(int function) {
  Function& it = functions_[function];
  if (it.json) return *it.json;
  try {
    it.json = add_json_schema(it.schema, pool_, rules_);
  } catch (const GrammarRefusal& refusal) {
    throw GrammarRefusal(refusal.code(),
                         fmt::format("the function {}: {}", quote(it.name), refusal.what()),
                         refusal.keyword(), refusal.pointer());
  }
  return *it.json;
}

const std::vector<HeldArguments::Argument>& HeldArguments::arguments(int function) {
  Function& it = functions_[function];
  if (!it.arguments) it.arguments = read_arguments(it);
  return *it.arguments;
}

std::vector<HeldArguments::Argument> HeldArguments::read_arguments(const Function& function) const {
  const Json schema = parse_ordered_json(function.schema, "a schema", {.max_depth = 200});
  if (!refers_to_definitions(schema))
    refuse(function.name, "$ref", "that points at no definition cannot be held");
  std::vector<Argument> arguments;
  const Json none = Json::object();
  const Json& properties = member_or(schema, "properties", none);
  const Json& required = member_or(schema, "required", none);
  for (const Json* list : {&properties, &required}) {
    if (list->size() > kMaxArguments) refuse(function.name, "properties", "has too many of them");
  }
  const auto is_in = [](const Json& list, const std::string& key) {
    return list.is_array() && std::ranges::any_of(list, [&](const Json& it) { return it == key; });
  };
  for (const auto& [keyword, value] : schema.items()) {
    if (keyword == "properties" && value.is_object()) {
      for (const auto& [key, property] : value.items()) {
        if (property == false) refuse(function.name, "properties", "has a property of no value");
        if (key.size() > kMaxKeyBytes) refuse(function.name, "properties", "has too long a name");
        arguments.push_back({key, with_definitions(property, schema),
                             types_.type_of(function.name, key), is_in(required, key),
                             is_bare(property)});
      }
    } else if (keyword == "required" && value.is_array()) {
      for (const Json& key : value) {
        if (!key.is_string() || !properties.contains(key.get_ref<const std::string&>()))
          refuse(function.name, keyword, "names no property");
      }
    } else if (keyword != "additionalProperties" && !(keyword == "type" && value == "object") &&
               !is_remark(keyword)) {
      refuse(function.name, keyword, "cannot be held");
    }
  }
  return arguments;
}

std::optional<Symbol> HeldArguments::value(int function, int i, TextKind kind, ExprId end,
                                           std::string_view end_text) {
  const Argument& argument = arguments(function)[i];
  const std::string& name = functions_[function].name;
  const bool is_string = argument.types == kStringType;
  if (kind == TextKind::string_value) {
    if (!is_string && !argument.is_free()) return std::nullopt;
    return text_value(argument, /*has_line_feeds=*/false, end, end_text);
  }
  if (kind == TextKind::value && (is_string || argument.is_free()))
    return text_value(argument, /*has_line_feeds=*/true, end, end_text);
  const bool may_be_string = (argument.types & kStringType) != 0 && argument.types != kAnyType;
  if (kind == TextKind::value && may_be_string)
    refuse(name, argument.key, "is a string or something else that says more than its type");
  const Symbol whole = rules_.add_nonterminal();
  const ExprId line_feed = kind == TextKind::value ? pool_.optional(pool_.byte('\n')) : kEmptyText;
  rules_.add_rule(whole,
                  {rules_.lexeme(line_feed), json_value(functions_[function], argument, end_text),
                   rules_.lexeme(end)});
  return whole;
}

// A line feed at either end belongs to the markup, where the format has them.
Symbol HeldArguments::text_value(const Argument& argument, bool has_line_feeds, ExprId end,
                                 std::string_view end_text) {
  ExprId text = argument.is_free() && argument.types != kStringType
                    ? pool_.repeat(encoder_.any(), 0, kNoLimit)
                    : plain_strings_of(argument.schema, pool_, rules_);
  ExprId with_end = pool_.concat(text, end);
  if (has_line_feeds) {
    const ExprId line_feed = pool_.byte('\n');
    const ExprId is_wrapped =
        pool_.any_of({pool_.concat(line_feed, kAnyText), pool_.concat(kAnyText, line_feed)});
    text = argument.is_free() ? text : pool_.all_of({text, pool_.complement(is_wrapped)});
    with_end = pool_.concat({pool_.optional(line_feed), text, pool_.optional(line_feed), end});
  }
  if (end_text.empty()) return rules_.lexeme(with_end);
  return rules_.lexeme(pool_.all_of({text_up_to(encoder_, end), with_end}));
}

Symbol HeldArguments::json_value(const Function& function, const Argument& argument,
                                 std::string_view never) {
  try {
    return add_json_schema(argument.schema, pool_, rules_, never);
  } catch (const GrammarRefusal& refusal) {
    throw GrammarRefusal(refusal.code(),
                         fmt::format("the function {}, {}: {}", quote(function.name),
                                     quote(argument.key), refusal.what()),
                         refusal.keyword(), refusal.pointer());
  }
}

// JSON is Python but for its words, and "\/".
Symbol HeldArguments::python_value(int function, int i) {
  const Argument& argument = arguments(function)[i];
  if (!is_word(argument.key))
    refuse(functions_[function].name, argument.key, "is no name of Python");
  const Symbol whole = rules_.add_nonterminal();
  rules_.add_rule(whole, {json_value(functions_[function], argument, "\\/")});
  if (argument.is_bare && (argument.types & kBooleanType) != 0)
    rules_.add_rule(whole,
                    {rules_.lexeme(pool_.any_of({pool_.text("True"), pool_.text("False")}))});
  if (argument.is_bare && (argument.types & kNullType) != 0)
    rules_.add_rule(whole, {rules_.lexeme(pool_.text("None"))});
  return whole;
}

}  // namespace tinyllm
