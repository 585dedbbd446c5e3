#include "agent/tool_chat.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kNoRoom = "(the context was full before the answer)";

void add(ChatAnswer& answer, const AskedTurn& asked) {
  answer.n_prompt_tokens += asked.n_prompt_tokens;
  answer.n_reused_tokens += asked.n_reused_tokens;
  answer.n_tokens += asked.n_tokens;
  answer.n_context_tokens = asked.n_prompt_tokens + asked.n_tokens;
  answer.drafts += asked.drafts;
  answer.account = asked.account;
  answer.prefill_s += asked.prefill_s;
  answer.decode_s += asked.decode_s;
}

}  // namespace

ToolChat::ToolChat(Engine& engine, const ToolBox& box, ToolChatHooks hooks)
    : model_(engine), box_(box), hooks_(std::move(hooks)) {}

std::vector<TokenId> ToolChat::encode(const json& messages) const {
  return model_.encode(messages, box_.to_json());
}

ChatAnswer ToolChat::answer(const ChatTalk& talk, const SamplingParams& params,
                            const ChatWatcher& watcher) {
  ChatAnswer answer;
  const json tools = box_.to_json();
  const auto ask = [&](bool may_call) {
    json messages = talk.prompt();
    if (!may_call) messages.push_back(answer_request());  // in this one prompt only
    AskedTurn asked =
        model_.ask(messages, may_call ? tools : json::array(), params,
                   {watcher.on_text, hooks_.on_reasoning, watcher.on_prefill, watcher.interrupted});
    add(answer, asked);
    return std::move(asked.turn);
  };
  bool is_result_last = false;
  const auto append = [&](json message) {
    is_result_last = message["role"] == "tool";
    talk.append(std::move(message));
  };
  ModelTurn last;
  try {
    last = run_agent(box_, {ask, append}, {hooks_.approve, hooks_.on_result, watcher.interrupted},
                     {.max_result_bytes = max_result_bytes(model_.context())});
  } catch (const Error& error) {
    if (!is_result_last || error.code() != ErrorCode::context_overflow) throw;
    append({{"role", "assistant"}, {"content", kNoRoom}});  // what was done stays in the talk
    answer.finish_reason = FinishReason::length;
    answer.context_full = true;
    return answer;
  }
  answer.text = last.text;
  answer.finish_reason = last.finish_reason;
  answer.context_full =
      last.finish_reason == FinishReason::length && answer.n_context_tokens >= model_.context();
  return answer;
}

}  // namespace tinyllm
