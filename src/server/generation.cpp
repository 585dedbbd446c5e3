#include "server/generation.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "server/api_error.h"
#include "server/prompt.h"
#include "server/random_id.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The first prompt token as completion logprobs list it: nothing stands before it, rank 0.
TokenLogprobs without_logprob(TokenId id) { return {.drawn = {id, 0.0f}, .rank = 0, .top = {}}; }

}  // namespace

void Generation::start(Service& service, std::shared_ptr<HttpExchange> exchange, ApiRequest request,
                       const std::string& request_id) {
  // shared_ptr by hand: the constructor is private.
  const std::shared_ptr<Generation> generation(
      new Generation(service, std::move(exchange), std::move(request), request_id));
  generation->submit();
}

Generation::Generation(Service& service, std::shared_ptr<HttpExchange> exchange, ApiRequest request,
                       const std::string& request_id)
    : service_(service),
      model_(service.model()),
      exchange_(std::move(exchange)),
      request_(std::move(request)),
      request_id_(request_id) {
  const bool is_chat = request_.kind == ApiKind::chat;
  head_ = {.kind = request_.kind,
           .id = (is_chat ? "chatcmpl-" : "cmpl-") + random_id(),
           .created = unix_seconds(),
           .model = model_.names.front(),
           .fingerprint = model_.fingerprint};
}

Generation::~Generation() { release(); }

void Generation::submit() {
  std::vector<std::vector<TokenId>> prompts = encode_prompts(request_, model_);
  const int n_texts = static_cast<int>(prompts.size()) * request_.n;
  service_.admit(n_texts);
  n_places_ = n_texts;
  texts_.resize(static_cast<std::size_t>(n_texts));
  for (int i = 0; i < n_texts; ++i) {
    AnswerChoice& whole = texts_[static_cast<std::size_t>(i)].whole;
    whole.idx = i;
    whole.wants_logprobs = request_.params.n_logprobs >= 0;
    whole.wants_token_ids = request_.return_token_ids;
  }
  const std::uint64_t random_seed = random_number();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Request request = engine_request(request_, model_, prompts[i], random_seed);
    PromptRun& run = runs_.emplace_back();
    run.max_tokens = request.params.max_tokens;
    run.prompt_ids = std::move(prompts[i]);
    if (request_.echo) run.echo = echo_text(request_.prompts[i], model_);
    run.stream = model_.engine->submit(std::move(request));
  }
  n_open_ = n_texts;
  // From here on the answer is on its way. The callbacks keep this object alive: on_gone until the
  // answer is complete, a listener's post while it runs.
  exchange_->on_gone([self = shared_from_this()] {
    self->log_end("client left");
    self->release();
  });
  service_.remember(shared_from_this());
  if (request_.stream) begin_stream();
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    runs_[i].stream->set_listener([weak = weak_from_this(), i] {
      if (const auto self = weak.lock()) self->exchange_->post([self, i] { self->take_pieces(i); });
    });
  }
}

void Generation::begin_stream() {
  exchange_->begin_stream("text/event-stream; charset=utf-8", ": ping\n\n");
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    AnswerChoice opening = texts_[i].whole;
    opening.wants_token_ids = false;
    opening.text = runs_[i / static_cast<std::size_t>(request_.n)].echo;
    if (request_.kind == ApiKind::chat || !opening.text.empty())
      stream_piece(texts_[i], std::move(opening));
  }
}

void Generation::take_pieces(std::size_t run_idx) {
  while (!over_) {
    std::optional<OutputPiece> piece = runs_[run_idx].stream->try_next();
    if (!piece) return;
    take(run_idx, std::move(*piece));
  }
}

void Generation::take(std::size_t run_idx, OutputPiece piece) {
  PromptRun& run = runs_[run_idx];
  const std::size_t text_idx =
      run_idx * static_cast<std::size_t>(request_.n) + static_cast<std::size_t>(piece.choice_idx);
  Text& text = texts_[text_idx];
  if (piece.finish_reason == FinishReason::error) {
    log(LogLevel::error, "{} {}", request_id_, piece.error);
    return fail(500, "the engine could not go on with this request");
  }
  if (piece.finish_reason == FinishReason::cancelled)
    return fail(503, "the server is shutting down");
  if (!piece.prompt_logprobs.empty()) run.prompt_logprobs = std::move(piece.prompt_logprobs);
  if (piece.finish_reason != FinishReason::none && piece.choice_idx == 0)
    run.n_cached = piece.n_cached_tokens;

  const auto now = piece.time;
  if (!piece.token_ids.empty()) {
    if (text.n_generated == 0) {
      service_.metrics().observe_first_token(seconds_between(arrival_, now));
    } else {
      service_.metrics().observe_next_token(seconds_between(text.last_token, now));
    }
    if (!text.first_token) text.first_token = now;
    text.last_token = now;
    text.n_generated += static_cast<std::int64_t>(piece.token_ids.size());
  }

  AnswerChoice news = {.idx = text.whole.idx,
                       .text = std::move(piece.text),
                       .token_ids = std::move(piece.token_ids),
                       .logprobs = std::move(piece.logprobs),
                       .wants_logprobs = text.whole.wants_logprobs,
                       .wants_token_ids = text.whole.wants_token_ids,
                       .finish_reason = piece.finish_reason,
                       .stop_string = std::move(piece.stop_string)};
  if (request_.max_tokens == 0) {  // only the echo was wanted
    news.text.clear(), news.token_ids.clear(), news.logprobs.clear();
    text.n_generated = 0;
    if (news.finish_reason != FinishReason::none) news.finish_reason = FinishReason::length;
  }
  if (!news.stop_string.empty()) text.whole.stop_string = news.stop_string;
  if (request_.stream) {
    news.stop_string = news.finish_reason == FinishReason::none ? "" : text.whole.stop_string;
    stream_piece(text, std::move(news));
  } else {
    text.whole.text += news.text;
    text.whole.token_ids.insert(text.whole.token_ids.end(), news.token_ids.begin(),
                                news.token_ids.end());
    text.whole.logprobs.insert(text.whole.logprobs.end(), news.logprobs.begin(),
                               news.logprobs.end());
    text.whole.finish_reason = news.finish_reason;
  }
  if (piece.finish_reason != FinishReason::none)
    finish_text(run_idx, text, piece.finish_reason, piece.queue_s);
}

void Generation::stream_piece(Text& text, AnswerChoice news) {
  const Tokenizer& tokenizer = model_.tokenizer();
  const bool opens = request_.kind == ApiKind::chat && !text.gave_role;
  const auto send = [&](const AnswerChoice& choice) {
    json chunk = chunk_json(head_);
    chunk["choices"].push_back(chunk_choice_json(head_, choice, opens, tokenizer));
    if (request_.continuous_usage) {
      chunk["usage"] = usage_json(usage());
    } else if (request_.include_usage) {
      chunk["usage"] = nullptr;
    }
    exchange_->write(event(chunk));
    text.gave_role = true;
  };
  news.text_offset = text.n_characters;
  text.n_characters += count_characters(news.text);
  const FinishReason reason = news.finish_reason;
  const bool has_news = opens || !news.text.empty() || !news.logprobs.empty() ||
                        (news.wants_token_ids && !news.token_ids.empty());
  if (has_news) {
    AnswerChoice body = news;
    body.finish_reason = FinishReason::none;
    body.stop_string.clear();
    send(body);
  }
  if (reason == FinishReason::none) return;
  // The end stands in a chunk of its own, which holds nothing else.
  news.text.clear(), news.logprobs.clear(), news.token_ids.clear();
  send(news);
}

void Generation::finish_text(std::size_t run_idx, Text& text, FinishReason reason, double queue_s) {
  const PromptRun& run = runs_[run_idx];
  const auto now = Clock::now();
  const auto first_token = text.first_token.value_or(now);
  const double to_first_s = seconds_between(arrival_, first_token);
  service_.metrics().observe_finished({.reason = reason,
                                       .n_prompt = std::ssize(run.prompt_ids),
                                       .n_generated = text.n_generated,
                                       .max_tokens = run.max_tokens,
                                       .n_choices = request_.n,
                                       .queue_s = queue_s,
                                       .prefill_s = std::max(0.0, to_first_s - queue_s),
                                       .decode_s = seconds_between(first_token, now),
                                       .total_s = seconds_between(arrival_, now)});
  --n_open_;
  --n_places_;
  service_.give_back(1);
  if (n_open_ == 0) finish();
}

void Generation::finish() {
  over_ = true;
  log_end("done");
  if (request_.stream) {
    if (request_.include_usage) {
      json chunk = chunk_json(head_);
      chunk["usage"] = usage_json(usage());
      exchange_->write(event(chunk));
    }
    exchange_->write("data: [DONE]\n\n");
    exchange_->end();
    return;
  }
  const Tokenizer& tokenizer = model_.tokenizer();
  json answer = answer_json(head_);
  answer["choices"] = json::array();
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const PromptRun& run = runs_[i / static_cast<std::size_t>(request_.n)];
    AnswerChoice& whole = texts_[i].whole;
    if (request_.echo) {
      whole.text.insert(0, run.echo);
      if (whole.wants_logprobs) {
        whole.logprobs.insert(whole.logprobs.begin(), run.prompt_logprobs.begin(),
                              run.prompt_logprobs.end());
        whole.logprobs.insert(whole.logprobs.begin(), without_logprob(run.prompt_ids.front()));
      }
    }
    json choice = choice_json(head_, whole, tokenizer);
    json& of_prompt = request_.kind == ApiKind::chat ? answer : choice;
    if (request_.n_prompt_logprobs >= 0)
      of_prompt["prompt_logprobs"] = prompt_logprobs_json(run.prompt_logprobs, tokenizer);
    if (request_.return_token_ids) of_prompt["prompt_token_ids"] = run.prompt_ids;
    answer["choices"].push_back(std::move(choice));
  }
  answer["usage"] = usage_json(usage());
  exchange_->send({.body = to_text(answer)});
}

void Generation::fail(int status, const std::string& message) {
  if (over_) return;
  over_ = true;
  log_end(message.c_str());
  if (request_.stream) {
    exchange_->write("data: " + error_body(status, "", message) + "\n\ndata: [DONE]\n\n");
    exchange_->end();
  } else {
    exchange_->send(error_response(status, "", message));
  }
  release();
}

void Generation::abort() {
  exchange_->post([self = shared_from_this()] { self->fail(503, "the server is shutting down"); });
}

void Generation::release() {
  over_ = true;
  for (const PromptRun& run : runs_) {
    if (run.stream && !run.stream->done()) model_.engine->cancel(run.stream);
  }
  for (; n_open_ > 0; --n_open_)
    service_.metrics().observe_finished({.reason = FinishReason::cancelled});
  service_.give_back(n_places_);
  n_places_ = 0;
}

AnswerUsage Generation::usage() const {
  AnswerUsage usage;
  for (const PromptRun& run : runs_) {
    usage.n_prompt += std::ssize(run.prompt_ids);
    usage.n_cached += run.n_cached;
  }
  for (const Text& text : texts_) usage.n_generated += text.n_generated;
  return usage;
}

void Generation::log_end(const char* how) const {
  const AnswerUsage counts = usage();
  log(LogLevel::info, "{} {}: {} prompt tokens ({} cached), {} generated, {:.3f} s, {}",
      request_id_, request_.kind == ApiKind::chat ? "chat" : "completion", counts.n_prompt,
      counts.n_cached, counts.n_generated, seconds_between(arrival_, Clock::now()), how);
}

std::string Generation::event(const json& document) const {
  return "data: " + to_text(document) + "\n\n";
}

}  // namespace tinyllm
