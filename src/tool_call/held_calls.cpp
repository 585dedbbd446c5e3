#include "tool_call/held_calls.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "grammar/grammar_vocabulary.h"
#include "tool_call/call_rules.h"

namespace tinyllm {

AddedRules held_calls(
    HeldCalls calls,
    function_ref<std::optional<TokenId>(std::string_view terminal)> special_token) {
  std::map<std::string, std::string, std::less<>> specials;
  for (const FormatState& state : calls.format->states) {
    for (const FormatEdge& edge : state.edges) {
      if (const std::optional<TokenId> id = special_token(edge.terminal))
        specials.emplace(edge.terminal, special_token_bytes(*id));
    }
  }
  AddedRules added;
  added.key = std::string(calls.format->name) + "|" + calls.only + "|" +
              std::to_string(static_cast<int>(calls.wanted)) +
              std::to_string(static_cast<int>(calls.reading)) + "|" +
              text_with_big_integers(*calls.tools);
  for (const auto& [terminal, bytes] : specials) added.key += "|" + bytes;
  added.add = [calls = std::move(calls), specials = std::move(specials)](ExprPool& pool,
                                                                         RuleSet& rules) {
    return CallRules(calls, specials, pool, rules).compile();
  };
  return added;
}

}  // namespace tinyllm
