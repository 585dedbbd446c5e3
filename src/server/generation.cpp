#include "server/generation.h"

#include <algorithm>

#include "base/log.h"
#include "openai/api_error.h"
#include "server/error_response.h"

namespace tinyllm {
namespace {

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

constexpr const char* kNoRoom =
    "the server has no memory for this answer now; have it streamed, or try again later";

}  // namespace

void Generation::start(Service& service, const ServedModel& model,
                       std::shared_ptr<HttpExchange> exchange, std::shared_ptr<ApiAnswer> answer,
                       std::unique_ptr<ToolRounds> rounds) {
  const bool streams = rounds ? rounds->request().stream : answer->request().stream;
  // shared_ptr by hand: the constructor is private.
  const std::shared_ptr<Generation> generation(
      new Generation(service, model, std::move(exchange), std::move(rounds), streams));
  generation->begin(std::move(answer));
}

Generation::Generation(Service& service, const ServedModel& model,
                       std::shared_ptr<HttpExchange> exchange, std::unique_ptr<ToolRounds> rounds,
                       bool streams)
    : service_(service),
      model_(model),
      exchange_(std::move(exchange)),
      rounds_(std::move(rounds)),
      streams_(streams),
      gathered_share_(exchange_->budget()),
      arrival_(exchange_->caller().arrival),
      asked_(arrival_) {}

Generation::~Generation() {
  try {
    release();
  } catch (const std::exception& error) {
    log(LogLevel::error, "a request was not cancelled: {}", error.what());
  }
}

void Generation::begin(std::shared_ptr<ApiAnswer> answer) {
  const int n_texts = answer ? answer->n_texts() : 1;
  service_.take_places(model_, n_texts);
  n_places_ = n_texts;
  if (rounds_) {
    if (!gathered_share_.resize(rounds_->n_bytes())) throw ApiError(503, "overloaded", "", kNoRoom);
    rounds_->take_approvals();
  }
  const bool begins_with_calls = answer == nullptr;
  if (!begins_with_calls) submit(std::move(answer));
  // From here on the answer is on its way. The callbacks keep this object alive: on_gone until the
  // answer is complete, a listener's post while it runs.
  exchange_->on_gone([self = shared_from_this()] {
    self->log_end("client left");
    self->release();
  });
  service_.remember(shared_from_this());
  if (streams_) exchange_->begin_stream("text/event-stream; charset=utf-8", ": ping\n\n");
  if (begins_with_calls) return go_on(ToolRounds::Next::run_call);
  open_stream();
  listen();
}

void Generation::submit(std::shared_ptr<ApiAnswer> answer) {
  answer_ = std::move(answer);
  writer_ = make_answer_writer(*answer_, model_, service_.responses(), exchange_->caller().owner);
  token_times_.assign(answer_->n_texts(), {});
  answer_->submit(exchange_->caller().request_id);
  n_open_ = answer_->n_texts();
  keep_accounts();
}

void Generation::keep_accounts() {
  const HttpCaller& caller = exchange_->caller();
  KeptAccounts kept = {.owner = caller.owner,
                       .request_id = caller.request_id,
                       .answer_id = answer_->head().id,
                       .model = &model_,
                       .tells_gap = service_.tells_gap(*exchange_)};
  for (const ApiAnswer::PromptRun& run : answer_->runs())
    kept.accounts.push_back(run.stream->account());
  service_.accounts().keep(std::move(kept));
}

void Generation::open_stream() {
  if (!streams_) return;
  exchange_->write(writer_->begin());
  if (rounds_) rounds_->earlier().has_begun = true;
}

void Generation::listen() {
  for (std::size_t i = 0; i < answer_->runs().size(); ++i) {
    answer_->runs()[i].stream->set_listener([weak = weak_from_this(), i] {
      if (const auto self = weak.lock()) self->wake(i);
    });
  }
}

// On the engine's thread, which must not meet an exception of ours.
void Generation::wake(std::size_t run_idx) {
  try {
    exchange_->post([self = shared_from_this(), run_idx] { self->take_pieces(run_idx); });
  } catch (const std::exception&) {
    missed_wake_ = true;  // no memory: enforce_time_limits() looks after it
  }
}

void Generation::take_pieces(std::size_t run_idx) {
  try {
    while (!over_) {
      std::optional<OutputPiece> piece = answer_->runs()[run_idx].stream->try_next();
      if (!piece) return;
      take(run_idx, std::move(*piece));
    }
  } catch (...) {
    release();  // nobody gets what would still come
    throw;
  }
}

void Generation::take(std::size_t run_idx, OutputPiece piece) {
  if (piece.finish_reason == FinishReason::error) {
    if (model_.engine->failed()) return fail(503, kEngineFailed);
    if (piece.error_code == ErrorCode::unsupported) return fail(400, piece.error);
    log(LogLevel::error, "{} {}", exchange_->caller().request_id, piece.error);
    return fail(500, "the engine could not go on with this request");
  }
  if (piece.finish_reason == FinishReason::cancelled)
    return fail(503, "the server is shutting down");
  const auto now = piece.time;
  const FinishReason reason = piece.finish_reason;
  const double queue_s = piece.queue_s;
  AnswerChoice news = answer_->read_piece(run_idx, std::move(piece));
  const auto text_idx = static_cast<std::size_t>(news.idx);
  if (!news.token_ids.empty()) has_tokens_ = true;
  if (!news.tool_parse_error.empty()) service_.metrics().count_tool_parse_error();
  if (!news.token_ids.empty())
    observe_tokens(token_times_[text_idx], std::ssize(news.token_ids), now);
  if (!streams_ || rounds_ || writer_->needs_whole()) {
    answer_->gather(news);
    const std::size_t n_before = rounds_ ? rounds_->n_bytes() : 0;
    if (!gathered_share_.resize(answer_->n_gathered_bytes() + n_before)) return fail(503, kNoRoom);
  }
  if (reason != FinishReason::none) observe_text(text_idx, reason, queue_s);
  if (rounds_) {  // the answer's end and the calls that are left are told by finish_rounds()
    std::erase_if(news.calls, [](const AnswerCall& call) { return !call.runs_here; });
    news.finish_reason = FinishReason::none;
  }
  if (streams_) write(writer_->piece(std::move(news)));
  if (reason == FinishReason::none) return;
  if (rounds_) return go_on(rounds_->take_message(*answer_));
  finish_text();
}

// Tokens that came in one step, with drafts, share the time since the step before.
void Generation::observe_tokens(TokenTimes& times, std::int64_t n_tokens, Clock::time_point now) {
  if (!times.first) {
    service_.metrics().observe_first_token(seconds_between(asked_, now));
    times.first = times.last = now;
    --n_tokens;
  }
  const double seconds = seconds_between(times.last, now);
  for (std::int64_t i = 0; i < n_tokens; ++i)
    service_.metrics().observe_next_token(seconds / static_cast<double>(n_tokens));
  times.last = now;
}

void Generation::write(const std::string& events) {
  if (!events.empty()) exchange_->write(events);
}

void Generation::observe_text(std::size_t text_idx, FinishReason reason, double queue_s) {
  const ApiAnswer::PromptRun& run = answer_->run_of(text_idx);
  const auto now = Clock::now();
  const auto first_token = token_times_[text_idx].first.value_or(now);
  const double to_first_s = seconds_between(asked_, first_token);
  service_.metrics().observe_finished({.reason = reason,
                                       .n_prompt = std::ssize(run.prompt_ids),
                                       .n_cached = run.n_cached,
                                       .n_generated = answer_->text(text_idx).n_generated,
                                       .max_tokens = run.max_tokens,
                                       .n_choices = answer_->request().n,
                                       .queue_s = queue_s,
                                       .prefill_s = std::max(0.0, to_first_s - queue_s),
                                       .decode_s = seconds_between(first_token, now),
                                       .total_s = seconds_between(asked_, now)});
  --n_open_;
}

void Generation::finish_text() {
  --n_places_;
  service_.give_back(1);
  if (n_open_ == 0) finish();
}

void Generation::finish() {
  over_ = true;
  std::int64_t longest = 0;
  for (int i = 0; i < answer_->n_texts(); ++i)
    longest = std::max(longest, answer_->text(i).n_generated);
  service_.metrics().observe_request(longest);
  log_end("done");
  if (!streams_) return send_whole();
  write(writer_->end());
  exchange_->end();
}

// A large answer takes a while to write down: a worker does that. Nothing else looks at answer_ any
// more.
void Generation::send_whole() {
  const auto write = [self = shared_from_this()] {
    HttpShare share(self->exchange_->budget());
    if (!share.resize(self->answer_->json_bytes())) throw ApiError(503, "overloaded", "", kNoRoom);
    return self->writer_->whole();
  };
  if (answer_->json_bytes() <= HttpShare::kFreeBytes) return exchange_->send({.body = write()});
  service_.compute(exchange_, [exchange = exchange_, write](const Service::HasLeft&) {
    return [exchange, body = std::make_shared<std::string>(write())] {
      exchange->send({.body = std::move(*body)});
    };
  });
}

void Generation::fail(int status, const std::string& message) {
  fail(ApiError(status, "", "", message));
}

void Generation::fail(const ApiError& error) {
  if (over_) return;
  over_ = true;
  log_end(error.what());
  if (streams_) {
    write(rounds_ ? chat_failure(error) : writer_->failure(error.status, error.what()));
    exchange_->end();
  } else {
    exchange_->send(error_response(error, exchange_->request().path));
  }
  release();
}

void Generation::post_fail(int status, const std::string& message) {
  exchange_->post([self = shared_from_this(), status, message] { self->fail(status, message); });
}

void Generation::abort() { post_fail(503, "the server is shutting down"); }

void Generation::enforce_time_limits() {
  if (missed_wake_.exchange(false)) {
    exchange_->post([self = shared_from_this()] {
      for (std::size_t i = 0; self->answer_ && i < self->answer_->runs().size(); ++i)
        self->take_pieces(i);
    });
  }
  const ServiceOptions& options = service_.options();
  const auto time = Clock::now() - arrival_;
  if (options.max_wait.count() > 0 && !has_tokens_ && time > options.max_wait)
    post_fail(503, "the request has waited too long for its first token; try again later");
  if (options.max_time.count() > 0 && time > options.max_time)
    post_fail(503, "the request has taken longer than this server allows");
}

void Generation::release() {
  over_ = true;
  if (rounds_) rounds_->stop();
  if (answer_) answer_->cancel();
  for (; n_open_ > 0; --n_open_)
    service_.metrics().observe_finished({.reason = FinishReason::cancelled});
  service_.give_back(n_places_);
  n_places_ = 0;
}

void Generation::log_end(const char* how) const {
  const AnswerUsage counts = answer_ ? answer_->usage() : AnswerUsage();
  const bool is_completion = answer_ && answer_->request().kind == ApiKind::completion;
  const HttpCaller& caller = exchange_->caller();
  log(LogLevel::info, "{} {}: {} prompt tokens ({} cached), {} generated, {:.3f} s, {}, for {}{}",
      caller.request_id, is_completion ? "completion" : "chat", counts.n_prompt, counts.n_cached,
      counts.n_generated, seconds_between(arrival_, Clock::now()), how, caller.address,
      caller.key_name.empty() ? "" : fmt::format(" ({})", caller.key_name));
}

}  // namespace tinyllm
