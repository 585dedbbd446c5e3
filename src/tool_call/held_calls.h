#pragma once
// The grammar of a format of tool calls, made from its table of states: whatever the machine of
// tool_call/answer_parser.h would read as a call follows the schema of its function from the moment
// it begins, and all other text is free; or the answer is nothing but calls. What a call may look
// like is a part of what the machine reads: names come before arguments, arguments in the order of
// the schema, with little white space. Any thread.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "base/token_id.h"
#include "grammar/grammar.h"
#include "tool_call/answer_format.h"

namespace tinyllm {

struct HeldCalls {
  enum class Wanted { maybe, one, some };  // maybe: text with calls in it; some: 1 to kMaxListed

  const ToolFormat* format = nullptr;
  // An array of {"type": "function", "function": {"name", "parameters"}}, names without quotes.
  std::shared_ptr<const nlohmann::ordered_json> tools;
  std::string only = {};  // the one function that may be called; "": any
  Wanted wanted = Wanted::maybe;
  CallReading reading = CallReading::named;  // or marked: how the answer will be read
};

// `special_token`: the id of a terminal that is a special token of the model. The rules are added
// when a grammar is compiled, and refuse what cannot be held exactly.
AddedRules held_calls(
    HeldCalls calls, function_ref<std::optional<TokenId>(std::string_view terminal)> special_token);

}  // namespace tinyllm
