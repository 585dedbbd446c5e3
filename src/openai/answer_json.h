#pragma once
// Generated text as the JSON of OpenAI's answers: whole ones and chunks of a stream. Any thread.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/output.h"
#include "openai/answer_reader.h"
#include "openai/api_request.h"
#include "text/tokenizer.h"

namespace tinyllm {

// What every chunk of an answer repeats.
struct AnswerHead {
  ApiKind kind = ApiKind::chat;
  std::string id;  // "chatcmpl-...", "cmpl-..."
  std::int64_t created = 0;
  std::string model, fingerprint;
};

// A choice: the whole of it, or what is new.
struct AnswerChoice {
  int idx = 0;
  std::string text;
  std::string reasoning;
  std::vector<AnswerCall> calls;         // those that failed are not among the whole's
  std::vector<AnswerCall> failed_calls;  // of the news: began before or here, and are none
  std::string tool_parse_error;
  bool has_calls = false;  // the text has called a tool, now or before
  std::vector<TokenId> token_ids;
  std::vector<TokenLogprobs> logprobs;
  bool wants_logprobs = false, wants_token_ids = false;
  FinishReason finish_reason = FinishReason::none;
  std::string stop_string;       // the one that matched
  std::int64_t text_offset = 0;  // completion: characters before this, for logprobs
  // The first bytes of a character that stands half in tokens before this.
  std::string open_character = {};
};

nlohmann::ordered_json usage_json(const AnswerUsage& usage);
// {"accepted_prediction_tokens", "rejected_prediction_tokens"}: OpenAI's names. The rejected ones are
// no part of the completion's tokens.
nlohmann::ordered_json draft_details(const DraftCounts& drafts);

// "object": "chat.completion" or "text_completion", without choices.
nlohmann::ordered_json answer_json(const AnswerHead& head);
// "object": "chat.completion.chunk" or "text_completion", with no choices yet.
nlohmann::ordered_json chunk_json(const AnswerHead& head);

nlohmann::ordered_json choice_json(const AnswerHead& head, const AnswerChoice& choice,
                                   const Tokenizer& tokenizer);
// With the chat's "delta"; `with_role`: the first of its choice.
nlohmann::ordered_json chunk_choice_json(const AnswerHead& head, const AnswerChoice& choice,
                                         bool with_role, const Tokenizer& tokenizer);

// What a tool of the server gave.
struct ServerToolResult {
  int place = 0;  // of its call
  std::string call_id, text;
  bool is_error = false;
  bool is_dropped = false;  // the call is no part of the conversation
};

// The same as a chunk of a chat's stream.
nlohmann::ordered_json tool_result_chunk(const AnswerHead& head, const ServerToolResult& result);

// vLLM's prompt_logprobs: null for the first token, then {"id": {"logprob", "rank",
// "decoded_token"}} with the prompt's token first.
nlohmann::ordered_json prompt_logprobs_json(const std::vector<TokenLogprobs>& logprobs,
                                            const Tokenizer& tokenizer);

// The bytes of a character that this choice's tokens leave half said, with what stood half before
// them: the next one's open_character. Where they have logprobs; else "".
std::string open_character_after(const AnswerChoice& choice, const Tokenizer& tokenizer);

// Code points of well-formed UTF-8, which offsets into the text count.
std::int64_t count_characters(std::string_view text);

// One line of text, ill-formed UTF-8 replaced.
std::string to_text(const nlohmann::ordered_json& document);

}  // namespace tinyllm
