#pragma once
// One generating request: from the engine's pieces to the client's bytes, streamed or whole. Runs
// on the exchange's strand; lives until the answer is complete or the client is gone.

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

namespace tinyllm {

class Generation : public std::enable_shared_from_this<Generation> {
 public:
  // Submits the request and answers through `exchange`. Throws ApiError, with nothing submitted and
  // nothing sent, for what cannot run.
  static void start(Service& service, const ServedModel& model,
                    std::shared_ptr<HttpExchange> exchange, ApiAnswer answer);

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
             ApiAnswer answer);

  void submit();
  void take_pieces(std::size_t run_idx);
  void take(std::size_t run_idx, OutputPiece piece);
  void observe_tokens(TokenTimes& times, std::int64_t n_tokens, Clock::time_point now);
  void write(const std::string& events);
  void finish_text(std::size_t text_idx, FinishReason reason, double queue_s);
  void finish();
  void send_whole();
  void wake(std::size_t run_idx);
  void post_fail(int status, const std::string& message);
  void fail(int status, const std::string& message);
  void release();  // cancels what still runs and gives the places back
  void log_end(const char* how) const;

  Service& service_;
  const ServedModel& model_;
  std::shared_ptr<HttpExchange> exchange_;
  ApiAnswer answer_;
  std::unique_ptr<AnswerWriter> writer_;  // of answer_
  HttpShare gathered_share_;
  std::vector<TokenTimes> token_times_;  // one a text
  int n_open_ = 0;                       // texts that have not ended
  int n_places_ = 0;                     // taken from the service
  bool over_ = false;
  std::atomic<bool> has_tokens_{false};
  std::atomic<bool> missed_wake_{false};  // pieces wait that nobody was told of
  Clock::time_point arrival_;
};

}  // namespace tinyllm
