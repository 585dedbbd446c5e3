#pragma once
// The loop of a model with tools: it calls, a person approves, the tool runs, the model is told the
// result, until it answers. Knows no model and no terminal. One thread.

#include <cstddef>
#include <cstdint>
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

// What a person can be asked about: longer arguments are refused.
inline constexpr std::size_t kMaxAskedBytes = 16 << 10;

// However many bytes make a token, a result fills at most half of the context.
std::size_t max_result_bytes(std::int64_t context_tokens);

// What the model said nothing to, or repeats itself about, is asked for in words.
nlohmann::ordered_json answer_request();

// A message with calls, whose arguments are objects where the model wrote such.
nlohmann::ordered_json call_message(const ModelTurn& turn);
nlohmann::ordered_json result_message(const AgentCall& call, const ToolResult& result);
// What the model wrote, or its text where that is no JSON object: the tool says that it takes one.
nlohmann::ordered_json arguments_of(const AgentCall& call);

// How far a loop is, message by message of the model.
class AgentRounds {
 public:
  enum class Next {
    answer,          // that was the last message
    run_calls,       // its calls, and ask again
    ask_for_answer,  // the message is dropped: it repeats the calls before, or says nothing
  };

  AgentRounds(bool has_tools, int max_rounds) : has_tools_(has_tools), max_rounds_(max_rounds) {}

  // Whether the next message may hold calls; if not the model is shown no tools.
  bool may_call() const { return has_tools_ && !must_answer_ && n_rounds_ < max_rounds_; }
  Next after(const ModelTurn& turn);
  bool has_begun() const { return n_rounds_ > 0; }
  void end_calls() { must_answer_ = true; }
  // The calls that stand at the end of the talk when the loop begins.
  void begin_with(std::vector<AgentCall> calls);

 private:
  bool has_tools_, must_answer_ = false;
  int max_rounds_, n_rounds_ = 0;
  std::vector<AgentCall> before_;
};

// Appends what is said and done; the last message is an assistant's without calls, so that the talk
// can go on, also when somebody interrupts. Returns the model's last message. A model that calls what
// it has just called, with equal arguments, or says nothing to its results, is asked for the answer.
// Throws what `ask` throws.
ModelTurn run_agent(const ToolBox& box, const AgentTalk& talk, const AgentWatcher& watcher,
                    const AgentLimits& limits = {});

}  // namespace tinyllm
