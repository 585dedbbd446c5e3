#include "agent/tool.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json_parse.h"
#include "base/quote.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxNameBytes = 64;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// Whole characters from the begin and the end of a long text.
std::string shortened(std::string text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::string head = text.substr(0, max_bytes * 3 / 4);
  head.resize(head.size() - incomplete_suffix_bytes(head));
  std::string tail = text.substr(text.size() - max_bytes / 4);
  const auto begins_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  };
  tail.erase(tail.begin(), std::ranges::find_if(tail, begins_character));
  return fmt::format("{}\n[... {} bytes are left out here ...]\n{}", head,
                     text.size() - head.size() - tail.size(), tail);
}

const json* find(const json& arguments, const char* name) {
  const auto found = arguments.find(name);
  return found == arguments.end() || found->is_null() ? nullptr : &*found;
}

std::string string_of(const json& value, const char* name) {
  if (!value.is_string())
    fail(ErrorCode::invalid_input, "'{}' is {}, must be a string", name, value.type_name());
  return value.get<std::string>();
}

}  // namespace

json definition_of(const Tool& tool) {
  return {{"type", "function"},
          {"function",
           {{"name", tool.name},
            {"description", tool.description},
            {"parameters", parse_ordered_json(tool.parameters, tool.name)}}}};
}

void ToolBox::add(Tool tool) {
  const bool is_name = !tool.name.empty() && tool.name.size() <= kMaxNameBytes &&
                       std::ranges::all_of(tool.name, is_name_byte);
  if (!is_name)
    fail(ErrorCode::invalid_input,
         "{} cannot be a tool's name: up to {} letters, digits and _ - . can", quote(tool.name),
         kMaxNameBytes);
  if (find(tool.name) != nullptr)
    fail(ErrorCode::invalid_input, "there are two tools of the name {}", tool.name);
  if (!parse_json(tool.parameters, tool.name + "'s parameters").is_object())
    fail(ErrorCode::invalid_input, "{}'s parameters must be a JSON schema, an object", tool.name);
  tools_.push_back(std::move(tool));
}

void ToolBox::remove(std::string_view name) {
  std::erase_if(tools_, [&](const Tool& tool) { return tool.name == name; });
}

const Tool* ToolBox::find(std::string_view name) const {
  const auto found = std::ranges::find(tools_, name, &Tool::name);
  return found == tools_.end() ? nullptr : &*found;
}

json ToolBox::to_json() const {
  json all = json::array();
  for (const Tool& tool : tools_) all.push_back(definition_of(tool));
  return all;
}

ToolResult ToolBox::run(std::string_view name, const json& arguments, std::size_t max_bytes,
                        function_ref<bool()> interrupted) const {
  const auto wrong = [](std::string text) { return ToolResult{std::move(text), true}; };
  const Tool* tool = find(name);
  if (tool == nullptr) {
    std::string names;
    for (const Tool& one : tools_) names += (names.empty() ? "" : ", ") + one.name;
    return wrong(fmt::format("there is no tool {}; there are {}", quote(name), names));
  }
  if (!arguments.is_object())
    return wrong(fmt::format("the arguments of {} must be a JSON object", name));
  try {
    ToolResult result = tool->call(arguments, interrupted);
    result.text = shortened(replace_ill_formed(result.text), max_bytes);
    return result;
  } catch (const Error& error) {
    return wrong(shortened(replace_ill_formed(error.what()), max_bytes));
  }
}

std::string tool_name_from(std::string_view text) {
  std::string name(text.substr(0, kMaxNameBytes));
  std::ranges::replace_if(
      name, [](char c) { return !is_name_byte(c); }, '_');
  return name;
}

std::string text_argument(const json& arguments, const char* name) {
  const json* value = find(arguments, name);
  if (value == nullptr) fail(ErrorCode::invalid_input, "'{}' is missing", name);
  return string_of(*value, name);
}

std::string text_argument_or(const json& arguments, const char* name, const std::string& fallback) {
  const json* value = find(arguments, name);
  return value == nullptr ? fallback : string_of(*value, name);
}

std::int64_t whole_argument_or(const json& arguments, const char* name, std::int64_t fallback) {
  const json* value = find(arguments, name);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer())
    fail(ErrorCode::invalid_input, "'{}' must be a whole number", name);
  return value->get<std::int64_t>();
}

}  // namespace tinyllm
