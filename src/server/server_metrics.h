#pragma once
// What /metrics shows, under vLLM's names, so that dashboards made for vLLM work. Any thread.

#include <cstdint>
#include <memory>
#include <string>

#include "api/output.h"
#include "engine/engine.h"

namespace tinyllm {

// One finished text.
struct FinishedText {
  FinishReason reason = FinishReason::stop;
  std::int64_t n_prompt = 0, n_cached = 0, n_generated = 0;
  std::int64_t max_tokens = 0, n_choices = 1;
  double queue_s = 0, prefill_s = 0, decode_s = 0, total_s = 0;
};

class ServerMetrics {
 public:
  ServerMetrics();
  ~ServerMetrics();

  // The model's name labels every line from now on.
  void set_model(const std::string& name, const Engine& engine);

  void observe_first_token(double seconds);  // from the request's arrival
  void observe_next_token(double seconds);   // from the token before
  void observe_finished(const FinishedText& text);
  void observe_request(std::int64_t longest);  // its longest text, when all have ended
  void count_tool_parse_error();               // calls that could not be read, in one piece
  void count_tool_call(const std::string& name, bool is_error);  // that the server was to run
  void count_error(int status);  // a request that was refused or failed

  // The text exposition format, with the engine's counters and gauges as they are now.
  std::string text();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
