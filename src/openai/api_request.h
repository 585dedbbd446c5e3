#pragma once
// What a client asked for, as far as its JSON alone tells: every field read and in range, nothing
// tokenized. Plain structs.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/output.h"
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
  embeddings,
  rerank,
  score,
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

// Tools of the server that a request asks for, {"type": "mcp", ...} among its tools.
struct AskedServerTools {
  std::string path;                // "tools[0]"
  std::string server;              // "server_label"; "": all
  std::vector<std::string> names;  // "allowed_tools"; empty: all
  // "require_approval": "always", or "never", which is refused where the operator says otherwise;
  // "": as the operator says.
  std::string approval;
};

// The tools of the server among the functions of a request.
struct ServerToolNames {
  std::set<std::string, std::less<>> all;
  std::set<std::string, std::less<>> unasked;  // whose calls run without a question
};

// Of a whole answer, all its texts together. In tokens.
struct AnswerUsage {
  std::int64_t n_prompt = 0, n_cached = 0, n_generated = 0;
  DraftCounts drafts = {};
};

// An answer in several messages of the model, between which tools of the server run: what was before
// the message that is asked for now.
struct EarlierRounds {
  std::string answer_id;  // of the whole answer
  std::int64_t created = 0;
  AnswerUsage usage;
  int n_calls = 0;         // that the server runs and that a stream has told of, failed ones too
  bool has_begun = false;  // the client has got the begin of the stream
  // What was said and done, as a request may have it; an array. With its size as text.
  std::shared_ptr<nlohmann::ordered_json> messages;
  std::size_t n_bytes = 0;
};

struct ApiRequest {
  ApiKind kind = ApiKind::chat;
  std::string model;
  std::vector<std::string> unknown_fields;  // printable ASCII, not too many
  // Set while the client still waits; true: the work on this request may end. May be nullptr.
  std::shared_ptr<const std::atomic<bool>> has_left;

  // The input.
  // completion, tokenize, embeddings; rerank: the query, then the documents; score: text_1, text_2
  std::vector<Prompt> prompts;
  std::shared_ptr<const nlohmann::ordered_json> messages;   // an array; nullptr: none
  std::shared_ptr<const nlohmann::ordered_json> variables;  // chat_template_kwargs; may be nullptr
  // responses, messages: what stands before the messages. add_system_text() puts it there.
  std::string system_text;
  // The functions that the model may call, an array; nullptr: none. With them what their schemas say.
  std::shared_ptr<const nlohmann::ordered_json> tools;
  std::shared_ptr<const ToolTypes> tool_types;
  // What of the server's tools was asked for, until somebody puts them among the tools, and the calls
  // that were approved, by the ids that the server gave them.
  std::vector<AskedServerTools> server_tools;
  std::vector<std::string> approvals;
  std::shared_ptr<const ServerToolNames> server_names;  // nullptr: the server runs no calls
  std::shared_ptr<const EarlierRounds> rounds;          // with server_names
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
  // Keep the last so many, of embeddings the first; 0: all. -1, of embeddings: what the model reads.
  std::int64_t truncate_prompt_tokens = 0;

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
  std::int64_t dimensions = 0;   // embeddings: keep the first so many; 0: all
  bool as_base64 = false;        // embeddings
  std::size_t n_queries = 0;     // rerank, score: so many of the prompts are queries
  std::int64_t top_n = 0;        // rerank: the best so many; 0: all
  bool return_documents = true;  // rerank: their texts too
};

}  // namespace tinyllm
