#pragma once
// Answers in a talk by a model that may call tools: the loop, between the session that keeps the
// messages and the model that writes them. One thread.

#include <functional>
#include <string_view>

#include "agent/agent_loop.h"
#include "agent/agent_model.h"
#include "client/chat_agent.h"

namespace tinyllm {

// What a front end shows and decides.
struct ToolChatHooks {
  std::function<Approval(const AgentCall& call)> approve;
  std::function<void(const AgentCall& call, const ToolResult& result)> on_result;
  std::function<void(std::string_view text)> on_reasoning;
};

class ToolChat final : public ChatAgent {
 public:
  // Both must outlive it.
  ToolChat(Engine& engine, const ToolBox& box, ToolChatHooks hooks);

  std::vector<TokenId> encode(const nlohmann::ordered_json& messages) const override;
  ChatAnswer answer(const ChatTalk& talk, const SamplingParams& params,
                    const ChatWatcher& watcher) override;

 private:
  AgentModel model_;
  const ToolBox& box_;
  ToolChatHooks hooks_;
};

}  // namespace tinyllm
