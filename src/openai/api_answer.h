#pragma once
// The answer to one generating request: its prompts on their way through the engine, what has come
// of them, and the whole of it in OpenAI's shape. To stream the answer, read it piece by piece; to
// have it whole, gather it. One thread at a time.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/thinking_limit.h"
#include "engine/request_stream.h"
#include "openai/answer_json.h"
#include "openai/answer_reader.h"
#include "openai/api_request.h"
#include "openai/served_model.h"

namespace tinyllm {

class ApiAnswer {
 public:
  // One prompt's n texts.
  struct PromptRun {
    std::vector<TokenId> prompt_ids;
    std::string echo;  // what stands before its texts
    std::shared_ptr<RequestStream> stream;
    std::int64_t n_cached = 0;
    int max_tokens = 0;
    std::vector<TokenLogprobs> prompt_logprobs;
  };
  struct Text {
    AnswerChoice whole;  // what was gathered; otherwise only the stop string
    std::int64_t n_generated = 0;
    DraftCounts drafts;
    std::unique_ptr<AnswerReader> reader;  // of a chat that may hold more than content
    int n_calls = 0;                       // tools called, without calls that failed
    int n_left_calls = 0;                  // of them those that the server does not run
    int n_places = 0;                      // of those that it runs, in the whole answer's stream
    AnswerCall latest = {.idx = -1};       // as it began
  };

  // Encodes the prompts. Throws ApiError for what cannot run. `model` must outlive it.
  ApiAnswer(ApiRequest request, const ServedModel& model);

  // Gives all prompts to the engine, under a name for its traces and views (api/request.h). Throws
  // Error, with nothing left running.
  void submit(const std::string& name = "");
  void cancel();  // what still runs

  // What a piece of runs()[run_idx] adds to its text, whose index is in [0, n_texts()). The piece
  // must not be an error.
  AnswerChoice read_piece(std::size_t run_idx, OutputPiece piece);
  void gather(const AnswerChoice& news);
  // What was gathered, for whoever runs the calls in it.
  AnswerChoice& whole(std::size_t text_idx) { return texts_[text_idx].whole; }
  // Gathers all that has come, without waiting. True when every text has ended. Throws Error{io}
  // when one went wrong; the others are cancelled then.
  bool gather_news();

  const ApiRequest& request() const { return request_; }
  const AnswerHead& head() const { return head_; }
  const std::vector<PromptRun>& runs() const { return runs_; }
  const PromptRun& run_of(std::size_t text_idx) const { return runs_[text_idx / request_.n]; }
  const Text& text(std::size_t text_idx) const { return texts_[text_idx]; }
  int n_texts() const { return static_cast<int>(texts_.size()); }
  std::size_t n_gathered_bytes() const { return n_gathered_bytes_; }
  std::size_t json_bytes() const;  // about what to_json() takes in memory
  AnswerUsage usage() const;
  nlohmann::ordered_json to_json() const;  // when every text has ended

 private:
  bool shows_special() const;
  void read_text(Text& text, std::string_view engine_text, AnswerChoice& news);
  void tell_calls(Text& text, AnswerNews& told, AnswerChoice& news) const;
  void begin_call(Text& text, AnswerCall& call) const;

  ApiRequest request_;
  const ServedModel* model_;
  std::shared_ptr<const AnswerFormat> format_;  // nullptr: all is content
  AnswerHead head_;
  AnswerUsage usage_before_;  // of earlier rounds
  std::shared_ptr<const TextConstraint> constraint_;
  std::optional<ThinkingLimit> thinking_;
  std::vector<PromptRun> runs_;
  std::vector<Text> texts_;  // [n_prompts * n]
  std::size_t n_gathered_bytes_ = 0;
};

}  // namespace tinyllm
