#pragma once
// One generating request: from the engine's pieces to the client's bytes, streamed or whole. Where
// tools of the server have part in the answer it is several messages of the model, one after
// another. Runs on the exchange's strand; lives until the answer is complete or the client is gone.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "openai/answer_writer.h"
#include "openai/api_answer.h"
#include "server/http_budget.h"
#include "server/http_exchange.h"
#include "server/service.h"
#include "server/tool_rounds.h"

namespace tinyllm {

class ApiError;

class Generation : public std::enable_shared_from_this<Generation> {
 public:
  // Submits the request and answers through `exchange`. Throws ApiError, with nothing submitted and
  // nothing sent, for what cannot run.
  // `rounds`: of an answer in which tools of the server have part; `answer` is the first message of
  // the model then, or nullptr where calls run before it.
  static void start(Service& service, const ServedModel& model,
                    std::shared_ptr<HttpExchange> exchange, std::shared_ptr<ApiAnswer> answer,
                    std::unique_ptr<ToolRounds> rounds = nullptr);

  ~Generation();
  void abort();                // any thread: ends it with 503, the server is going down
  void enforce_time_limits();  // any thread: ends it with 503 when it has waited or run too long

 private:
  using Clock = std::chrono::steady_clock;

  // When the tokens of a text came.
  struct TokenTimes {
    std::optional<Clock::time_point> first;
    Clock::time_point last{};
  };

  Generation(Service& service, const ServedModel& model, std::shared_ptr<HttpExchange> exchange,
             std::unique_ptr<ToolRounds> rounds, bool streams);

  void begin(std::shared_ptr<ApiAnswer> answer);
  void submit(std::shared_ptr<ApiAnswer> answer);
  void keep_accounts();
  void listen();
  void open_stream();
  void take_pieces(std::size_t run_idx);
  void take(std::size_t run_idx, OutputPiece piece);
  void observe_tokens(TokenTimes& times, std::int64_t n_tokens, Clock::time_point now);
  void write(const std::string& events);
  void observe_text(std::size_t text_idx, FinishReason reason, double queue_s);
  void finish_text();
  void finish();
  void send_whole();
  void wake(std::size_t run_idx);
  void post_fail(int status, const std::string& message);
  void fail(int status, const std::string& message);
  void fail(const ApiError& error);
  void release();  // cancels what still runs and gives the places back

  // generation_tools.cpp
  void go_on(ToolRounds::Next next);
  void run_call();
  void take_result(const ToolResult& result);
  void ask_again();
  void take_answer(std::shared_ptr<ApiAnswer> answer);
  void finish_rounds();
  AnswerHead head() const;
  void log_end(const char* how) const;

  Service& service_;
  const ServedModel& model_;
  std::shared_ptr<HttpExchange> exchange_;
  std::unique_ptr<ToolRounds> rounds_;  // nullptr: no tools run
  const bool streams_;
  std::shared_ptr<ApiAnswer> answer_;     // of the model's message now; nullptr before the first
  std::unique_ptr<AnswerWriter> writer_;  // of answer_
  HttpShare gathered_share_;
  std::vector<TokenTimes> token_times_;  // one a text
  int n_open_ = 0;                       // texts that have not ended
  int n_places_ = 0;                     // taken from the service
  bool over_ = false;
  std::atomic<bool> has_tokens_{false};
  std::atomic<bool> missed_wake_{false};  // pieces wait that nobody was told of
  const Clock::time_point arrival_;
  Clock::time_point asked_;  // the model for the message of now; the first time the arrival
};

}  // namespace tinyllm
