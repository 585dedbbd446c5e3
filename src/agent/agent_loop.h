#pragma once
// The loop of a model with tools: it calls, a person approves, the tool runs, the model is told the
// result, until it answers. Knows no model and no terminal. One thread.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "agent/tool.h"
#include "api/output.h"
#include "base/function_ref.h"

namespace tinyllm {

struct AgentCall {
  std::string id, name;
  std::string arguments;  // JSON as the model wrote it
  bool operator==(const AgentCall&) const = default;
};

// One message of the model.
struct ModelTurn {
  std::string text = {};
  std::vector<AgentCall> calls = {};
  FinishReason finish_reason = FinishReason::none;
};

struct AgentTalk {
  // The model's next message to all messages so far. `may_call` false: it is shown no tools, and
  // must answer.
  function_ref<ModelTurn(bool may_call)> ask;
  // A message of the talk: {"role": "assistant" or "tool", "content": ..., ...}.
  function_ref<void(nlohmann::ordered_json message)> append;
};

enum class Approval {
  run,
  refuse,    // the model is told so
  too_long,  // nobody can be asked about such arguments; the model is told so
  stop,      // and the loop ends
};

struct AgentWatcher {
  function_ref<Approval(const AgentCall& call)> approve;
  function_ref<void(const AgentCall& call, const ToolResult& result)> on_result;
  function_ref<bool()> interrupted;
};

struct AgentLimits {
  int max_rounds = 8;  // messages with calls; after them the model must answer
  std::size_t max_result_bytes = 16 << 10;
};

// Appends what is said and done; the last message is an assistant's without calls, so that the talk
// can go on, also when somebody interrupts. Returns the model's last message. A model that calls what
// it has just called, with equal arguments, or says nothing to its results, is asked for the answer.
// Throws what `ask` throws.
ModelTurn run_agent(const ToolBox& box, const AgentTalk& talk, const AgentWatcher& watcher,
                    const AgentLimits& limits = {});

}  // namespace tinyllm
