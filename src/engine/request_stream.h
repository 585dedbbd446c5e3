#pragma once
// What the engine thread hands to whoever waits for a request: a queue of pieces, one a step and
// choice.
// The engine thread pushes, one other thread takes.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/output.h"
#include "base/error.h"
#include "engine/request_account.h"

namespace tinyllm {

// A step's news about one choice of a request.
struct OutputPiece {
  int choice_idx = 0;
  std::string text;                     // whole characters, stop strings already cut; may be empty
  std::vector<TokenId> token_ids;       // new tokens; the stop token itself is not among them
  std::vector<TokenLogprobs> logprobs;  // one a token when asked
  std::vector<TokenLogprobs>
      prompt_logprobs;               // with the first piece, one a prompt token but the first
  std::vector<float> prompt_logits;  // with the first piece when asked
  FinishReason finish_reason = FinishReason::none;
  std::string stop_string;      // the one that matched
  bool ended_by_token = false;  // a stop token, which is not part of it; with the last piece
  std::string error;            // with FinishReason::error: what happened
  ErrorCode error_code = ErrorCode::io;  // and whose fault it was; unsupported: the request's
  std::int64_t n_cached_tokens = 0;  // prompt tokens that were not computed; with the last piece
  DraftCounts drafts;                // of this choice, up to here
  std::chrono::steady_clock::time_point time;  // when it was made; set by add
  double queue_s = 0;  // from submit to the first step that computed it; with the last piece
};

class RequestStream {
 public:
  explicit RequestStream(int n_choices, std::int64_t n_prompt = 0)
      : account_(std::make_shared<RequestAccount>(n_choices, n_prompt)) {
    shared_.n_open = n_choices;
  }

  // Where its time went; may be kept longer than the stream.
  const std::shared_ptr<RequestAccount>& account() const { return account_; }

  // The next piece; blocks until there is one. Empty
  // when every choice has ended, or at the deadline.
  std::optional<OutputPiece> next(
      std::optional<std::chrono::steady_clock::time_point> deadline = {});
  std::optional<OutputPiece> try_next();  // empty when there is none right now
  bool done() const;                      // every choice has ended and its last piece was taken

  // Positions of the first choice that have K/V rows,
  // cached ones included: how far a long prompt is.
  std::int64_t n_computed() const { return n_computed_.load(std::memory_order_relaxed); }

  // Instead of a thread that blocks in next(): `listener` is called on the engine thread whenever a
  // piece comes into the empty queue (and here, if pieces are waiting). It must not block or throw,
  // and have someone call try_next() until it gives none.
  void set_listener(const std::function<void()>& listener);

  // Engine thread. A piece is kept back until publish(), which wakes the reader once for all of a
  // step's. add() is true for the first piece that is kept back.
  bool add(OutputPiece piece);
  void publish();
  void set_computed(std::int64_t n) { n_computed_.store(n, std::memory_order_relaxed); }

 private:
  struct Shared {
    mutable std::mutex mutex;  // guards the rest
    std::condition_variable changed;
    std::deque<OutputPiece> pieces;
    int n_open = 0;  // choices whose last piece was not taken
    std::function<void()> listener;
  };
  std::optional<OutputPiece> take_locked();  // under the mutex
  Shared shared_;
  std::shared_ptr<RequestAccount> account_;
  std::vector<OutputPiece> kept_back_;  // engine thread only
  std::atomic<std::int64_t> n_computed_{0};
};

}  // namespace tinyllm
