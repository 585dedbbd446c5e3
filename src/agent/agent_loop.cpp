#include "agent/agent_loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json_parse.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kStopped = "(stopped by the user before the answer)";

// What the model wrote, or its text where that is no JSON object.
json arguments_of(const AgentCall& call) {
  try {
    json parsed = parse_ordered_json(call.arguments, "arguments", {.max_depth = 64});
    if (parsed.is_object()) return parsed;
  } catch (const Error&) {
    // The tool says that it takes an object.
  }
  return call.arguments;
}

json call_message(const ModelTurn& turn) {
  json calls = json::array();
  for (const AgentCall& call : turn.calls) {
    calls.push_back({{"id", call.id},
                     {"type", "function"},
                     {"function", {{"name", call.name}, {"arguments", arguments_of(call)}}}});
  }
  return {{"role", "assistant"}, {"content", turn.text}, {"tool_calls", std::move(calls)}};
}

json text_message(const std::string& text) { return {{"role", "assistant"}, {"content", text}}; }

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

bool same_calls(const std::vector<AgentCall>& a, const std::vector<AgentCall>& b) {
  return std::ranges::equal(a, b, [](const AgentCall& x, const AgentCall& y) {
    return x.name == y.name && arguments_of(x) == arguments_of(y);
  });
}

// Runs the calls of one message; each gets a result, also those that nobody wants any more. False when
// somebody has stopped them.
bool answer_calls(const ToolBox& box, const std::vector<AgentCall>& calls, const AgentTalk& talk,
                  const AgentWatcher& watcher, const AgentLimits& limits) {
  bool is_stopped = false;
  for (const AgentCall& call : calls) {
    ToolResult result = {"the user stopped this call", true};
    is_stopped = is_stopped || watcher.interrupted();
    const bool asks = !is_stopped && box.find(call.name) != nullptr;
    const Approval approval = asks ? watcher.approve(call) : Approval::run;
    is_stopped = is_stopped || approval == Approval::stop;
    if (approval == Approval::refuse) {
      result.text = "the user does not allow this call";
    } else if (approval == Approval::too_long) {
      result.text = fmt::format("the arguments have {} bytes, too many to ask the user about them",
                                call.arguments.size());
    } else if (!is_stopped) {
      result = box.run(call.name, arguments_of(call), limits.max_result_bytes, watcher.interrupted);
      watcher.on_result(call, result);
    }
    talk.append({{"role", "tool"},
                 {"tool_call_id", call.id},
                 {"name", call.name},
                 {"content", (result.is_error ? "error: " : "") + result.text}});
  }
  return !is_stopped && !watcher.interrupted();
}

}  // namespace

ModelTurn run_agent(const ToolBox& box, const AgentTalk& talk, const AgentWatcher& watcher,
                    const AgentLimits& limits) {
  std::vector<AgentCall> before;
  for (int n_rounds = 0;; ++n_rounds) {
    bool may_call = !box.empty() && n_rounds < limits.max_rounds;
    ModelTurn turn = talk.ask(may_call);
    const bool says_nothing =
        turn.calls.empty() ? is_blank(turn.text) && n_rounds > 0 : same_calls(turn.calls, before);
    if (may_call && says_nothing && turn.finish_reason != FinishReason::cancelled) {
      may_call = false;
      turn = talk.ask(false);
    }
    const bool is_stopped = turn.finish_reason == FinishReason::cancelled;
    if (!may_call || is_stopped || turn.calls.empty()) {
      turn.calls.clear();
      const bool is_nothing = is_stopped && turn.text.empty();
      if (!is_nothing || n_rounds > 0) talk.append(text_message(is_nothing ? kStopped : turn.text));
      return turn;
    }
    talk.append(call_message(turn));
    if (!answer_calls(box, turn.calls, talk, watcher, limits)) {
      talk.append(text_message(kStopped));
      return {.finish_reason = FinishReason::cancelled};
    }
    before = std::move(turn.calls);
  }
}

}  // namespace tinyllm
