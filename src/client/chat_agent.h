#pragma once
// What an answer in a talk is, and who gives it where tools are used. One thread.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/output.h"
#include "api/sampling_params.h"
#include "base/function_ref.h"
#include "base/token_id.h"

namespace tinyllm {

class RequestAccount;

struct ChatAnswer {
  std::string text;
  // cancelled: the user stopped it; length: max_tokens or the end of the context.
  FinishReason finish_reason = FinishReason::none;
  bool context_full = false;  // the answer was cut where the context ends
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_reused_tokens = 0;  // of the prompt, computed in an earlier turn
  std::int64_t n_tokens = 0;
  std::int64_t n_context_tokens = 0;  // prompt and answer at its end
  DraftCounts drafts;
  std::shared_ptr<const RequestAccount> account;  // of the last prompt; nullptr: the reference path
  double prefill_s = 0, decode_s = 0;
};

// What a session tells and asks while it answers.
struct ChatWatcher {
  function_ref<void(std::string_view text)> on_text;  // whole characters
  function_ref<void(std::int64_t n_turns)> on_dropped;
  function_ref<void(std::int64_t n_done, std::int64_t n_total)> on_prefill;
  function_ref<bool()> interrupted;
};

// The talk as who answers sees it.
struct ChatTalk {
  // All messages, the system's first, cut to what the context holds. Throws
  // Error{context_overflow} when the last turn alone does not fit.
  function_ref<nlohmann::ordered_json()> prompt;
  function_ref<void(nlohmann::ordered_json message)> append;
};

// Answers in the session's place: by one message, or by calls of tools, their results and a message.
class ChatAgent {
 public:
  virtual ~ChatAgent() = default;
  // The ids of the prompt that these messages become.
  virtual std::vector<TokenId> encode(const nlohmann::ordered_json& messages) const = 0;
  // Appends what is said and done. Throws Error{invalid_input | context_overflow}.
  virtual ChatAnswer answer(const ChatTalk& talk, const SamplingParams& params,
                            const ChatWatcher& watcher) = 0;
};

}  // namespace tinyllm
