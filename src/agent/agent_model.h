#pragma once
// A running model that is asked for one message at a time, with tools or without, on the way that
// the API's requests go: the same prompt, the same grammars, the same reading of calls. One thread.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_loop.h"
#include "api/sampling_params.h"
#include "base/function_ref.h"
#include "engine/request_account.h"
#include "openai/served_model.h"

namespace tinyllm {

struct AgentModelWatcher {
  function_ref<void(std::string_view text)> on_text;  // of the answer, whole characters
  function_ref<void(std::string_view text)> on_reasoning;
  function_ref<void(std::int64_t n_done, std::int64_t n_total)> on_prefill;
  function_ref<bool()> interrupted;
};

// A message, and what it took.
struct AskedTurn {
  ModelTurn turn;
  std::int64_t n_prompt_tokens = 0, n_reused_tokens = 0, n_tokens = 0;
  DraftCounts drafts;
  std::shared_ptr<const RequestAccount> account;
  double prefill_s = 0, decode_s = 0;
};

class AgentModel {
 public:
  // `engine` has a tokenizer and a chat template and must outlive it.
  explicit AgentModel(Engine& engine);

  std::int64_t context() const { return model_.max_model_len(); }

  // The ids of a prompt. `tools`: an array, may be empty. Throws Error{invalid_input} for what the
  // template refuses.
  std::vector<TokenId> encode(const nlohmann::ordered_json& messages,
                              const nlohmann::ordered_json& tools) const;

  // Throws Error{invalid_input} for messages and parameters that cannot run.
  AskedTurn ask(const nlohmann::ordered_json& messages, const nlohmann::ordered_json& tools,
                const SamplingParams& params, const AgentModelWatcher& watcher) const;

 private:
  ServedModel model_;
};

}  // namespace tinyllm
