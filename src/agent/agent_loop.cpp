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

// Small models call again without it.
constexpr const char* kAskForAnswer = "Answer my question now, in words, with these results.";

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
    talk.append(result_message(call, result));
  }
  return !is_stopped && !watcher.interrupted();
}

}  // namespace

std::size_t max_result_bytes(std::int64_t context_tokens) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(context_tokens / 2, 512, 16 << 10));
}

json answer_request() { return {{"role", "user"}, {"content", kAskForAnswer}}; }

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

json result_message(const AgentCall& call, const ToolResult& result) {
  return {{"role", "tool"},
          {"tool_call_id", call.id},
          {"name", call.name},
          {"content", (result.is_error ? "error: " : "") + result.text}};
}

AgentRounds::Next AgentRounds::after(const ModelTurn& turn) {
  const bool could_call = may_call();
  const bool is_cancelled = turn.finish_reason == FinishReason::cancelled;
  const bool says_nothing =
      turn.calls.empty() ? is_blank(turn.text) && has_begun() : same_calls(turn.calls, before_);
  if (could_call && says_nothing && !is_cancelled) {
    must_answer_ = true;
    return Next::ask_for_answer;
  }
  if (!could_call || is_cancelled || turn.calls.empty()) return Next::answer;
  ++n_rounds_;
  before_ = turn.calls;
  return Next::run_calls;
}

void AgentRounds::begin_with(std::vector<AgentCall> calls) {
  before_ = std::move(calls);
  ++n_rounds_;
}

ModelTurn run_agent(const ToolBox& box, const AgentTalk& talk, const AgentWatcher& watcher,
                    const AgentLimits& limits) {
  AgentRounds rounds(!box.empty(), limits.max_rounds);
  while (true) {
    ModelTurn turn = talk.ask(rounds.may_call());
    const AgentRounds::Next next = rounds.after(turn);
    if (next == AgentRounds::Next::ask_for_answer) continue;
    if (next == AgentRounds::Next::answer) {
      turn.calls.clear();
      const bool is_nothing = turn.finish_reason == FinishReason::cancelled && turn.text.empty();
      if (!is_nothing || rounds.has_begun())
        talk.append(text_message(is_nothing ? kStopped : turn.text));
      return turn;
    }
    talk.append(call_message(turn));
    if (!answer_calls(box, turn.calls, talk, watcher, limits)) {
      talk.append(text_message(kStopped));
      return {.finish_reason = FinishReason::cancelled};
    }
  }
}

}  // namespace tinyllm
