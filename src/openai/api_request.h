#pragma once
// What a client asked for, as far as its JSON alone tells: every field read and in range, nothing
// tokenized. Plain structs.

#include <atomic>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/sampling_params.h"
#include "client/sampling_defaults.h"
#include "grammar/grammar.h"

namespace tinyllm {

class ToolTypes;

// responses: of OpenAI; messages, count_tokens: of Anthropic.
enum class ApiKind {
  chat,
  completion,
  responses,
  messages,
  count_tokens,
  tokenize,
  detokenize,
  apply_template,
};

// Whether the text answers a conversation.
constexpr bool is_conversation(ApiKind kind) {
  return kind == ApiKind::chat || kind == ApiKind::responses || kind == ApiKind::messages;
}

enum class ToolChoice { automatic, none, required, named };

// Text, or ids that are taken as they are.
struct PromptPart {
  std::string text = {};
  std::vector<TokenId> ids = {};
  bool is_text = true;
};
using Prompt = std::vector<PromptPart>;

// What the texts must look like, and the field that says so.
struct AskedGrammar {
  std::string field;
  GrammarSource source;
};

struct ApiRequest {
  ApiKind kind = ApiKind::chat;
  std::string model;
  std::vector<std::string> unknown_fields;  // printable ASCII, not too many
  // Set while the client still waits; true: the work on this request may end. May be nullptr.
  std::shared_ptr<const std::atomic<bool>> has_left;

  // The input.
  std::vector<Prompt> prompts;                              // completion, tokenize
  std::shared_ptr<const nlohmann::ordered_json> messages;   // an array; nullptr: none
  std::shared_ptr<const nlohmann::ordered_json> variables;  // chat_template_kwargs; may be nullptr
  // responses, messages: what stands before the messages. add_system_text() puts it there.
  std::string system_text;
  // The functions that the model may call, an array; nullptr: none. With them what their schemas say.
  std::shared_ptr<const nlohmann::ordered_json> tools;
  std::shared_ptr<const ToolTypes> tool_types;
  std::optional<ToolChoice> tool_choice;
  std::string named_tool;           // with ToolChoice::named
  bool wants_strict_tools = false;  // a function is `strict`
  bool parallel_tool_calls = true;
  std::optional<bool> enable_thinking;          // for the template
  std::string reasoning_effort;                 // for the template; "": not said
  std::optional<std::int64_t> thinking_tokens;  // at most; -1: any number
  bool add_generation_prompt = true;
  bool continue_final_message = false;
  std::optional<bool> add_special_tokens;  // BOS and EOS; empty: a text yes, a conversation no
  bool parse_special = true;
  std::int64_t truncate_prompt_tokens = 0;  // keep the last so many; 0: all

  AskedSampling asked;            // the shape of the distribution
  std::optional<int> max_tokens;  // empty: chat what the context holds, completion 16
  std::optional<std::int64_t> seed;
  SamplingParams params;  // the other fields of sampling
  int n = 1;
  std::int32_t priority = 0;
  std::string cache_salt;
  std::optional<AskedGrammar> grammar;

  // responses: the one that this goes on from, whether to keep this one, and what the answer repeats
  // of the request, an object.
  std::string previous_response_id;
  bool store = false;
  std::shared_ptr<nlohmann::ordered_json> repeated;

  // The shape of the answer.
  bool stream = false;
  bool has_stream_options = false;
  bool include_usage = false;
  bool continuous_usage = false;
  bool logprobs = false;  // chat's switch; completion gives the number only
  int n_prompt_logprobs = -1;
  bool echo = false;
  bool return_token_ids = false;
  bool skip_special_tokens = true;
  bool token_pieces = false;  // tokenize: with the text of each token
  std::vector<TokenId> detokenize_ids;
};

}  // namespace tinyllm
