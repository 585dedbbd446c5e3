#include "apps/batch_answer.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "server/prompt.h"
#include "server/random_id.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <typename Value>
void append(std::vector<Value>& to, const std::vector<Value>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

BatchAnswer::BatchAnswer(ApiRequest request, const ServedModel& model,
                         const std::function<void()>& listener)
    : request_(std::move(request)), model_(&model) {
  const bool is_chat = request_.kind == ApiKind::chat;
  head_ = {.kind = request_.kind,
           .id = (is_chat ? "chatcmpl-" : "cmpl-") + random_id(),
           .created = unix_seconds(),
           .model = model.names.front(),
           .fingerprint = model.fingerprint};
  std::vector<std::vector<TokenId>> prompts = encode_prompts(request_, model);
  for (std::size_t i = 0; i < prompts.size() * static_cast<std::size_t>(request_.n); ++i) {
    AnswerChoice& text = texts_.emplace_back();
    text.idx = static_cast<int>(i);
    text.wants_logprobs = request_.params.n_logprobs >= 0;
    text.wants_token_ids = request_.return_token_ids;
  }
  const std::uint64_t random_seed = random_number();
  try {
    for (std::vector<TokenId>& prompt_ids : prompts) {
      PromptRun run;
      run.prompt_ids = std::move(prompt_ids);
      run.stream =
          model.engine->submit(engine_request(request_, model, run.prompt_ids, random_seed));
      runs_.push_back(std::move(run));
    }
  } catch (...) {
    cancel();
    throw;
  }
  for (const PromptRun& run : runs_) run.stream->set_listener(listener);
}

void BatchAnswer::cancel() {
  for (const PromptRun& run : runs_) {
    if (!run.stream->done()) model_->engine->cancel(run.stream);
  }
}

bool BatchAnswer::take() {
  bool complete = true;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    while (std::optional<OutputPiece> piece = runs_[i].stream->try_next())
      take(runs_[i], i, *std::move(piece));
    complete = complete && runs_[i].stream->done();
  }
  return complete;
}

void BatchAnswer::take(PromptRun& run, std::size_t run_idx, OutputPiece piece) {
  if (piece.finish_reason == FinishReason::error) {
    cancel();
    throw Error(ErrorCode::io, piece.error);  // not the request's fault: 500
  }
  const auto n = static_cast<std::size_t>(request_.n);
  AnswerChoice& text = texts_[run_idx * n + static_cast<std::size_t>(piece.choice_idx)];
  if (!piece.prompt_logprobs.empty()) run.prompt_logprobs = std::move(piece.prompt_logprobs);
  if (piece.finish_reason != FinishReason::none && piece.choice_idx == 0)
    run.n_cached = piece.n_cached_tokens;
  if (!piece.stop_string.empty()) text.stop_string = std::move(piece.stop_string);
  text.finish_reason = piece.finish_reason;
  if (request_.max_tokens == 0) {  // only the echo is wanted; the one token that ran is not shown
    if (text.finish_reason != FinishReason::none) text.finish_reason = FinishReason::length;
    return;
  }
  text.text += piece.text;
  append(text.token_ids, piece.token_ids);
  append(text.logprobs, piece.logprobs);
  n_generated_ += static_cast<std::int64_t>(piece.token_ids.size());
}

json BatchAnswer::to_json() const {
  const Tokenizer& tokenizer = model_->tokenizer();
  AnswerUsage usage;
  usage.n_generated = n_generated_;
  for (const PromptRun& run : runs_) {
    usage.n_prompt += std::ssize(run.prompt_ids);
    usage.n_cached += run.n_cached;
  }
  json answer = answer_json(head_);
  answer["choices"] = json::array();
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const std::size_t run_idx = i / static_cast<std::size_t>(request_.n);
    const PromptRun& run = runs_[run_idx];
    AnswerChoice text = texts_[i];
    if (request_.echo) {
      text.text.insert(0, echo_text(request_.prompts[run_idx], *model_));
      if (text.wants_logprobs) {  // of the first prompt token nothing is known: rank 0
        std::vector<TokenLogprobs> all = {
            {.drawn = {run.prompt_ids.front(), 0.0f}, .rank = 0, .top = {}}};
        append(all, run.prompt_logprobs);
        append(all, text.logprobs);
        text.logprobs = std::move(all);
      }
    }
    json choice = choice_json(head_, text, tokenizer);
    json& of_prompt = request_.kind == ApiKind::chat ? answer : choice;
    if (request_.n_prompt_logprobs >= 0)
      of_prompt["prompt_logprobs"] = prompt_logprobs_json(run.prompt_logprobs, tokenizer);
    if (request_.return_token_ids) of_prompt["prompt_token_ids"] = run.prompt_ids;
    answer["choices"].push_back(std::move(choice));
  }
  answer["usage"] = usage_json(usage);
  return answer;
}

}  // namespace tinyllm
