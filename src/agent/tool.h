#pragma once
// A function that a model may call and this program runs. Knows no model and no terminal. Tools of
// one server run one at a time, on the thread that asks for them; others may run beside them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace tinyllm {

// What the model is told. An error is told like any other result, so that it can do better.
struct ToolResult {
  std::string text;
  bool is_error = false;
};

struct Tool {
  std::string name;         // letters, digits, _ - .
  std::string description;  // for the model
  std::string parameters;   // a JSON schema of type object, as text
  // `arguments` is a JSON object. `interrupted` is asked at least ten times a second by what takes
  // longer; true: give up. An Error that it throws becomes a result.
  std::function<ToolResult(const nlohmann::ordered_json& arguments,
                           function_ref<bool()> interrupted)>
      call;
  std::string server = {};  // the MCP server that runs it; "": this program does
};

// A tool as requests to a model have it: {"type": "function", "function": {...}}.
nlohmann::ordered_json definition_of(const Tool& tool);

class ToolBox {
 public:
  // Throws Error{invalid_input} for a name that is there already or cannot be one, and for
  // parameters that are no JSON object.
  void add(Tool tool);

  void remove(std::string_view name);

  bool empty() const { return tools_.empty(); }
  const std::vector<Tool>& tools() const { return tools_; }
  const Tool* find(std::string_view name) const;  // nullptr: there is none

  // The array "tools" of a request to a model.
  nlohmann::ordered_json to_json() const;

  // Runs one. `arguments` is what the model wrote. Never throws Error: what is wrong is the result.
  // Of a result of more than `max_bytes` the middle is left out.
  ToolResult run(std::string_view name, const nlohmann::ordered_json& arguments,
                 std::size_t max_bytes, function_ref<bool()> interrupted) const;

 private:
  std::vector<Tool> tools_;
};

// A name made of `text` that a tool can have: other characters become '_', cut after 64 bytes.
std::string tool_name_from(std::string_view text);

// A parameter of a call. Throw Error{invalid_input} that names it.
std::string text_argument(const nlohmann::ordered_json& arguments, const char* name);
std::string text_argument_or(const nlohmann::ordered_json& arguments, const char* name,
                             const std::string& fallback);
std::int64_t whole_argument_or(const nlohmann::ordered_json& arguments, const char* name,
                               std::int64_t fallback);

}  // namespace tinyllm
