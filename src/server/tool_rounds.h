#pragma once
// One request whose answer takes several messages of the model, between which tools of the server
// run: what to do next, and what was said and done. Knows no HTTP. Bounds: AgentLimits' rounds,
// kMaxCalls, kMaxSeconds for all calls together, and a result's size by the context. After the
// constructor on the exchange's strand.

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "agent/agent_loop.h"
#include "openai/api_answer.h"
#include "server/server_tools.h"

namespace tinyllm {

class ToolRounds {
 public:
  static constexpr int kMaxCalls = 32;
  static constexpr std::chrono::seconds kMaxSeconds{120};

  enum class Next {
    finish,    // the answer is whole
    run_call,  // next_call()
    ask,       // the model, with request()
  };

  // `request` has its tools (ServerTools::offer) and was read from so many bytes. Throws ApiError{400} for calls at the end of its
  // messages that neither a result, nor an approval, nor the operator's word answers. Any thread.
  ToolRounds(ServerTools& tools, const ServedModel& model, ApiRequest request, std::string owner,
             std::size_t n_request_bytes);

  bool begins_with_calls() const { return !calls_.empty(); }
  // For the model's first message; where calls run before it, with their results left out. What
  // this asks for can be checked before they run.
  ApiRequest first_request() const;
  // Uses the approvals up. Throws ApiError{400} where one does not hold any more.
  void take_approvals();

  const ApiRequest& request() const { return request_; }
  EarlierRounds& earlier() { return *earlier_; }
  // Of the messages, as text: those of the request and what came since.
  std::size_t n_bytes() const { return n_request_bytes_ + earlier_->n_bytes; }

  // The model's message is whole. Where the answer ends with calls that are left to the client, they
  // have got their approval ids then.
  Next take_message(ApiAnswer& answer);

  // Of the next call. `done` gets its result, at once or on a tool's thread.
  const AgentCall& next_call() const { return calls_.front().call; }
  int next_place() const { return calls_.front().place; }
  // It repeats the call before, is not run and stands in no message.
  bool next_is_dropped() const { return calls_.front().is_dropped; }
  void run_call(std::function<void(ToolResult)> done);
  // `answer`: of the message that the call stood in; nullptr before the first.
  Next take_result(const ToolResult& result, ApiAnswer* answer);

  // The context is full: takes the latest results out. False: that was done before.
  bool shorten();

  void stop() { *is_stopped_ = true; }  // any thread

 private:
  struct Call {
    AgentCall call;
    int place = 0;
    std::string why_not = {};  // instead of a result
    bool is_dropped = false;
  };

  void find_open_calls();
  void open_call(const nlohmann::ordered_json& call, const std::string& path);
  void drop_calls(const AnswerChoice& whole);
  void queue_calls(const AnswerChoice& whole);
  void append(nlohmann::ordered_json shown);
  void leave_calls(ApiAnswer& answer);
  void ask_next(const ApiAnswer* answer);

  ServerTools& tools_;
  ApiRequest request_;  // for the model's next message
  const std::string owner_;
  std::shared_ptr<EarlierRounds> earlier_;
  std::shared_ptr<nlohmann::ordered_json> messages_;  // of the request, and what came since
  AgentRounds rounds_;
  std::size_t max_result_bytes_;
  std::size_t n_request_bytes_;
  std::vector<std::string> used_approvals_;  // of the calls that begin the answer
  std::deque<Call> calls_;                   // to be run
  std::size_t first_result_ = 0;             // of the latest, in messages_
  int n_calls_ = 0;
  bool is_shortened_ = false;
  std::chrono::steady_clock::duration time_left_ = kMaxSeconds;
  std::chrono::steady_clock::time_point call_began_;
  std::shared_ptr<std::atomic<bool>> is_stopped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace tinyllm
