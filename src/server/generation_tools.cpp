// The part of a generation in which tools run, between the model's messages.

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/quote.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "server/generation.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::string event(const json& document) { return "data: " + to_text(document) + "\n\n"; }

}  // namespace

AnswerHead Generation::head() const {
  return {.kind = ApiKind::chat,
          .id = rounds_->earlier().answer_id,
          .created = rounds_->earlier().created,
          .model = model_.names.front(),
          .fingerprint = model_.fingerprint};
}

void Generation::go_on(ToolRounds::Next next) {
  has_tokens_ = true;  // or what comes before them: tools have a limit of their own
  switch (next) {
    case ToolRounds::Next::run_call: return run_call();
    case ToolRounds::Next::ask: return ask_again();
    case ToolRounds::Next::finish: return finish_rounds();
  }
}

void Generation::run_call() {
  rounds_->run_call([self = shared_from_this()](ToolResult result) {
    self->exchange_->post([self, result = std::move(result)] { self->take_result(result); });
  });
}

void Generation::take_result(const ToolResult& result) {
  if (over_) return;
  const AgentCall call = rounds_->next_call();
  const bool is_known = service_.tools()->box().find(call.name) != nullptr;
  const bool is_dropped = rounds_->next_is_dropped();
  if (!is_dropped)
    service_.metrics().count_tool_call(is_known ? call.name : "(unknown)", result.is_error);
  log(LogLevel::info, "{} tool {}: {} bytes{}", exchange_->caller().request_id,
      is_known ? call.name : quote(call.name), result.text.size(),
      result.is_error ? ", an error" : "");
  if (streams_) {
    if (!rounds_->earlier().has_begun) {
      rounds_->earlier().has_begun = true;
      json opening = chunk_json(head());
      opening["choices"].push_back(
          chunk_choice_json(head(), {}, /*with_role=*/true, model_.tokenizer()));
      write(event(opening));
    }
    write(event(tool_result_chunk(
        head(), {rounds_->next_place(), call.id, result.text, result.is_error, is_dropped})));
  }
  go_on(rounds_->take_result(result, answer_.get()));
}

// The next prompt is made by a worker.
void Generation::ask_again() {
  service_.compute(rounds_->n_bytes(), [self = shared_from_this(), request = rounds_->request()] {
    std::function<void()> next;
    try {
      const auto answer = std::make_shared<ApiAnswer>(request, self->model_);
      next = [self, answer] { self->take_answer(answer); };
    } catch (const ApiError& error) {
      const bool is_full = error.code == "context_length_exceeded";
      next = [self, is_full, error] {
        if (self->over_) return;
        if (is_full && self->rounds_->shorten()) return self->ask_again();
        self->fail(error);
      };
    } catch (const std::exception& error) {
      log(LogLevel::error, "{} {}", self->exchange_->caller().request_id, error.what());
      next = [self] { self->fail(500, "internal error"); };
    }
    self->exchange_->post(std::move(next));
  });
}

void Generation::take_answer(std::shared_ptr<ApiAnswer> answer) {
  if (over_) return;
  asked_ = Clock::now();
  try {
    submit(std::move(answer));
  } catch (const Error& error) {
    return fail(describe_error(error).status, error.what());
  }
  if (!rounds_->earlier().has_begun) open_stream();
  listen();
}

// The model's last message was told, but for its end and the calls that are left to the client.
void Generation::finish_rounds() {
  if (streams_) {
    const AnswerChoice& whole = answer_->text(0).whole;
    AnswerChoice last;
    last.calls = whole.calls;
    last.has_calls = whole.has_calls;
    last.finish_reason = whole.finish_reason;
    last.stop_string = whole.stop_string;
    write(writer_->piece(std::move(last)));
  }
  finish_text();
}

}  // namespace tinyllm
