#include "openai/api_answer.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/random_id.h"
#include "openai/answer_shape.h"
#include "openai/prompt.h"
#include "tool_call/answer_format.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string id_prefix(ApiKind kind) {
  switch (kind) {
    case ApiKind::completion: return "cmpl-";
    case ApiKind::responses: return "resp_";
    case ApiKind::messages: return "msg_";
    default: return "chatcmpl-";
  }
}

template <typename Value>
void append(std::vector<Value>& to, const std::vector<Value>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::size_t bytes_of(const std::vector<AnswerCall>& calls) {
  std::size_t n_bytes = calls.size() * sizeof(AnswerCall);
  for (const AnswerCall& call : calls) n_bytes += call.name.size() + call.arguments.size();
  return n_bytes;
}

// The first prompt token as completion logprobs list it: nothing stands before it, rank 0.
TokenLogprobs without_logprob(TokenId id) { return {.drawn = {id, 0.0f}, .rank = 0, .top = {}}; }

// What the json of an answer takes in memory: measured with 20 alternatives a token, rounded up.
constexpr std::size_t kJsonBytesALogprob = 512, kJsonBytesAnId = 16;

std::size_t count_entries(const std::vector<TokenLogprobs>& logprobs) {
  std::size_t n = 0;
  for (const TokenLogprobs& it : logprobs) n += 1 + it.top.size();
  return n;
}

}  // namespace

ApiAnswer::ApiAnswer(ApiRequest request, const ServedModel& model)
    : request_(std::move(request)), model_(&model) {
  head_ = {.kind = request_.kind,
           .id = id_prefix(request_.kind) + random_id(),
           .created = unix_seconds(),
           .model = model.names.front(),
           .fingerprint = model.fingerprint};
  if (const EarlierRounds* before = request_.rounds.get()) {
    head_.id = before->answer_id, head_.created = before->created;
    usage_before_ = before->usage;
  }
  check_limits(request_, model);
  EncodedPrompts prompts = encode_prompts(request_, model);
  AnswerShape shape = answer_shape(request_, model, prompts.opens_reasoning);
  if (!request_.store) request_.messages.reset();  // they are in the prompt now
  constraint_ = std::move(shape.constraint);
  format_ = std::move(shape.format);
  thinking_ = std::move(shape.thinking);
  for (std::vector<TokenId>& prompt_ids : prompts.ids) {
    PromptRun& run = runs_.emplace_back();
    run.prompt_ids = std::move(prompt_ids);
    if (request_.echo) run.echo = echo_text(request_.prompts[runs_.size() - 1], model);
  }
  check_prompt_logprobs(request_, usage().n_prompt);
  texts_.resize(runs_.size() * request_.n);
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    AnswerChoice& whole = texts_[i].whole;
    whole.idx = static_cast<int>(i);
    whole.wants_logprobs = request_.params.n_logprobs >= 0;
    whole.wants_token_ids = request_.return_token_ids;
    if (request_.rounds) texts_[i].n_places = request_.rounds->n_calls;
    if (format_ == nullptr) continue;
    const AnswerParserOptions options = {.in_reasoning = prompts.opens_reasoning,
                                         .shows_special = !request_.skip_special_tokens,
                                         .max_calls = request_.parallel_tool_calls ? 0 : 1};
    const int id_length = model.tool_format != nullptr ? model.tool_format->id_length : 0;
    texts_[i].reader = std::make_unique<AnswerReader>(
        format_, request_.tool_types, options, model.tokenizer(), id_length, shows_special());
  }
}

// Where terminals of the format are special tokens, the engine's text must hold them.
bool ApiAnswer::shows_special() const {
  return !request_.skip_special_tokens || (format_ != nullptr && format_->has_special_terminals);
}

void ApiAnswer::submit(const std::string& name) {
  const std::uint64_t random_seed = random_number();
  try {
    for (PromptRun& run : runs_) {
      Request request = engine_request(request_, *model_, run.prompt_ids, random_seed);
      request.name = name;
      request.constraint = constraint_;
      request.thinking = thinking_;
      request.skip_special = !shows_special();
      run.max_tokens = request.params.max_tokens;
      run.stream = model_->engine->submit(std::move(request));
    }
  } catch (...) {
    cancel();
    throw;
  }
}

void ApiAnswer::cancel() {
  for (const PromptRun& run : runs_) {
    if (run.stream && !run.stream->done()) model_->engine->cancel(run.stream);
  }
}

AnswerChoice ApiAnswer::read_piece(std::size_t run_idx, OutputPiece piece) {
  PromptRun& run = runs_[run_idx];
  Text& text = texts_[run_idx * static_cast<std::size_t>(request_.n) + piece.choice_idx];
  if (!piece.prompt_logprobs.empty()) run.prompt_logprobs = std::move(piece.prompt_logprobs);
  if (piece.finish_reason != FinishReason::none && piece.choice_idx == 0)
    run.n_cached = piece.n_cached_tokens;
  AnswerChoice news;
  news.idx = text.whole.idx;
  news.wants_logprobs = text.whole.wants_logprobs;
  news.wants_token_ids = text.whole.wants_token_ids;
  news.finish_reason = piece.finish_reason;
  if (!piece.stop_string.empty()) text.whole.stop_string = std::move(piece.stop_string);
  if (news.finish_reason != FinishReason::none) news.stop_string = text.whole.stop_string;
  if (request_.max_tokens == 0) {  // only the echo is wanted; the one token that ran is not shown
    if (news.finish_reason != FinishReason::none) news.finish_reason = FinishReason::length;
    return news;
  }
  news.token_ids = std::move(piece.token_ids);
  if (text.reader) {
    read_text(text, piece.text, news);
  } else {
    news.text = std::move(piece.text);
  }
  news.logprobs = std::move(piece.logprobs);
  text.n_generated += std::ssize(news.token_ids);
  text.drafts = piece.drafts;
  // The token that ended it is not shown, but it was computed, and is counted as vLLM counts it.
  if (piece.ended_by_token) ++text.n_generated;
  return news;
}

// What `engine_text` says, told apart.
void ApiAnswer::read_text(Text& text, std::string_view engine_text, AnswerChoice& news) {
  const bool is_last = news.finish_reason != FinishReason::none;
  AnswerNews told = text.reader->read(engine_text, news.token_ids, is_last);
  tell_calls(text, told, news);
  news.text = std::move(told.content);
  news.reasoning = std::move(told.reasoning);
  news.calls = std::move(told.calls);
  news.tool_parse_error = std::move(told.tool_parse_error);
  news.has_calls = text.n_calls > 0;
}

// Where calls stand in the stream. One call ends or fails before the next begins.
void ApiAnswer::tell_calls(Text& text, AnswerNews& told, AnswerChoice& news) const {
  const auto take_back_failed = [&] {
    if (std::ranges::find(told.failed, text.latest.idx) == told.failed.end()) return;
    --text.n_calls;
    if (!text.latest.runs_here) --text.n_left_calls;
    news.failed_calls.push_back(text.latest);
  };
  for (AnswerCall& call : told.calls) {
    if (!call.name.empty()) {
      take_back_failed();
      begin_call(text, call);
    }
    call.place = text.latest.place;
    call.runs_here = text.latest.runs_here;
  }
  take_back_failed();
}

// Calls run in order, up to the first that may not: nothing behind it runs before it. A call of what is
// no tool of the request is answered here, by an error.
void ApiAnswer::begin_call(Text& text, AnswerCall& call) const {
  call.place = call.idx;
  if (request_.server_names) {
    const bool may_run =
        !request_.tool_types->has(call.name) || request_.server_names->unasked.contains(call.name);
    call.runs_here = may_run && text.n_left_calls == 0;
    if (call.runs_here) call.place = text.n_places++;
  }
  ++text.n_calls;
  if (!call.runs_here) ++text.n_left_calls;
  text.latest = call;
}

bool ApiAnswer::gather_news() {
  bool complete = true;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    RequestStream& stream = *runs_[i].stream;
    while (std::optional<OutputPiece> piece = stream.try_next()) {
      if (piece->finish_reason == FinishReason::error) {
        cancel();
        throw Error(piece->error_code, piece->error);
      }
      gather(read_piece(i, *std::move(piece)));
    }
    complete = complete && stream.done();
  }
  return complete;
}

void ApiAnswer::gather(const AnswerChoice& news) {
  AnswerChoice& whole = texts_[news.idx].whole;
  whole.text += news.text;
  whole.reasoning += news.reasoning;
  for (const AnswerCall& call : news.calls) {
    if (!call.name.empty()) {
      whole.calls.push_back(call);
    } else {
      whole.calls.back().arguments += call.arguments;
    }
  }
  std::erase_if(whole.calls, [&](const AnswerCall& call) {
    return std::ranges::find(news.failed_calls, call.idx, &AnswerCall::idx) !=
           news.failed_calls.end();
  });
  add_parse_error(whole.tool_parse_error, news.tool_parse_error);
  whole.has_calls = news.has_calls;
  append(whole.token_ids, news.token_ids);
  append(whole.logprobs, news.logprobs);
  whole.finish_reason = news.finish_reason;
  n_gathered_bytes_ += news.text.size() + news.reasoning.size() + bytes_of(news.calls) +
                       news.token_ids.size() * sizeof(TokenId) +
                       news.logprobs.size() * sizeof(TokenLogprobs) +
                       count_entries(news.logprobs) * sizeof(TokenLogprob);
}

std::size_t ApiAnswer::json_bytes() const {
  std::size_t n_bytes = request_.rounds ? request_.rounds->n_bytes : 0;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const PromptRun& run = run_of(i);
    const AnswerChoice& whole = texts_[i].whole;
    const std::size_t n_entries =
        count_entries(whole.logprobs) + count_entries(run.prompt_logprobs);
    std::size_t n_ids = 0;
    if (whole.wants_token_ids) n_ids = whole.token_ids.size() + run.prompt_ids.size();
    n_bytes += whole.text.size() + 2 * whole.reasoning.size() + bytes_of(whole.calls) +
               run.echo.size() + n_entries * kJsonBytesALogprob + n_ids * kJsonBytesAnId;
  }
  return n_bytes;
}

AnswerUsage ApiAnswer::usage() const {
  AnswerUsage usage = usage_before_;
  for (const PromptRun& run : runs_) {
    usage.n_prompt += std::ssize(run.prompt_ids);
    usage.n_cached += run.n_cached;
  }
  for (const Text& text : texts_) {
    usage.n_generated += text.n_generated;
    usage.drafts += text.drafts;
  }
  return usage;
}

json ApiAnswer::to_json() const {
  const Tokenizer& tokenizer = model_->tokenizer();
  json answer = answer_json(head_);
  answer["choices"] = json::array();
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const PromptRun& run = run_of(i);
    AnswerChoice text = texts_[i].whole;
    text.text.insert(0, run.echo);
    if (request_.echo && text.wants_logprobs) {
      std::vector<TokenLogprobs> all = {without_logprob(run.prompt_ids.front())};
      append(all, run.prompt_logprobs);
      append(all, text.logprobs);
      text.logprobs = std::move(all);
    }
    json choice = choice_json(head_, text, tokenizer);
    if (request_.rounds) choice["messages"] = *request_.rounds->messages;
    json& of_prompt = request_.kind == ApiKind::chat ? answer : choice;
    if (request_.n_prompt_logprobs >= 0)
      of_prompt["prompt_logprobs"] = prompt_logprobs_json(run.prompt_logprobs, tokenizer);
    if (request_.return_token_ids) of_prompt["prompt_token_ids"] = run.prompt_ids;
    answer["choices"].push_back(std::move(choice));
  }
  answer["usage"] = usage_json(usage());
  return answer;
}

}  // namespace tinyllm
