#pragma once
// One running choice of a request: what the scheduler does not know of it. Engine thread only.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/output.h"
#include "api/request.h"
#include "api/text_account.h"
#include "base/error.h"
#include "engine/constrained_text.h"
#include "engine/output_stream.h"
#include "engine/request_stream.h"
#include "engine/thinking_budget.h"

namespace tinyllm {

struct Choice {
  Choice(std::shared_ptr<const Request> its_request, std::shared_ptr<RequestStream> its_stream,
         int idx, const Tokenizer* tokenizer, std::span<const TokenId> eos_ids)
      : request(std::move(its_request)),
        stream(std::move(its_stream)),
        choice_idx(idx),
        params(request->params),
        output(tokenizer, params, request->skip_special) {
    params.seed += static_cast<std::uint64_t>(idx);
    if (request->constraint) {  // its end token ends the text even with ignore_eos
      constrained.emplace(*request->constraint);
      eos_ids = request->constraint->vocabulary->end_ids();
    } else if (params.ignore_eos) {
      eos_ids = {};
    }
    if (request->thinking) thinking.emplace(*request->thinking, *tokenizer);
    stop_ids.assign(eos_ids.begin(), eos_ids.end());
    stop_ids.insert(stop_ids.end(), params.stop_token_ids.begin(), params.stop_token_ids.end());
  }

  bool stops_at(TokenId token_id) const {
    return std::ranges::find(stop_ids, token_id) != stop_ids.end();
  }
  // Of a text with masks: tokens to avoid as the n-th new one (from 0), unless a grammar leaves no
  // other.
  std::span<const TokenId> unwanted_at(std::int64_t n) const {
    if (params.bans_stop_ids(n)) return stop_ids;
    if (constrained && params.ignore_eos) return request->constraint->vocabulary->end_ids();
    return {};
  }
  // Its time in the inbox is a part of it.
  double seconds_since_submit() const {
    const auto time = std::chrono::steady_clock::now() - stream->account()->submitted();
    return std::chrono::duration<double>(time).count();
  }
  std::int64_t n_prompt() const { return std::ssize(request->prompt_ids); }

  std::shared_ptr<const Request> request;
  std::shared_ptr<RequestStream> stream;
  int choice_idx;
  SamplingParams params;
  OutputStream output;
  std::vector<TokenId> stop_ids;
  std::optional<ConstrainedText> constrained;  // follows a grammar
  std::optional<ThinkingBudget> thinking;      // has one
  bool ended_by_token = false;                 // by a stop token, which is not part of the text
  bool gave_first_piece = false;
  std::uint64_t last_step = 0;    // the last one that computed it; 0: none yet
  bool last_was_prefill = false;  // and what that one computed
  TextAccount account;            // but for what the stream knows: when it came and how it ended
  std::vector<TokenLogprobs> prompt_logprobs;  // gathered over the chunks of the prompt
  std::string error;                           // with FinishReason::error: what happened
  ErrorCode error_code = ErrorCode::io;        // and whose fault it was
};

}  // namespace tinyllm
