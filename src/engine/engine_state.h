#pragma once
// What the engine thread works on: inside engine/ only. The loop is in engine_loop.cpp, what becomes
// of a step's results in engine_step.cpp, and what other threads call in engine.cpp.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/choice.h"
#include "engine/engine_parts.h"
#include "engine/inbox.h"
#include "engine/kv_traffic.h"
#include "engine/read_snapshot.h"
#include "engine/step_trace.h"
#include "runner/step_runner.h"
#include "schedule/scheduler.h"

namespace tinyllm {

struct Engine::State {
  explicit State(Parts engine_parts);

  void loop();
  void run();
  void fail(const std::string& what);
  void handle_commands();
  void handle(InboxCommand& command);
  void submit(Request request, const std::shared_ptr<RequestStream>& stream);
  void cancel(const RequestStream* stream);
  const StepPlan& plan();
  void launch(const StepPlan& plan);
  RowSettings settings_of(const PlanRow& row);
  RowSettings draft_settings(const Sequence& sequence, std::span<const TokenId> drafts,
                             std::size_t n_words);
  void add_model_drafter();
  void fill_masks(Choice& choice, std::span<const TokenId> drafts, std::int64_t n_outputs,
                  std::size_t n_words);
  void collect();
  bool has_to_wait(bool has_planned) const;
  void step_done();
  void note_step(double seconds);
  void note_account(Choice& choice, const Sequence& sequence);
  EngineSnapshot snapshot() const;
  RowResult take(const RowOutput& output);
  void count_drafts(Choice& choice, const RowOutput& output, std::size_t n_taken);
  FinishReason judge(Choice& choice, TokenId token_id);
  void take_tokens(Choice& choice, const RowOutput& output, RowResult& result);
  void end_finished();
  void tell(const std::shared_ptr<RequestStream>& stream, OutputPiece piece);
  void publish();
  void no_more_logits(Choice& choice);
  void update_gauges();
  const Tokenizer* tokenizer() const {
    return parts.text->tokenizer ? &*parts.text->tokenizer : nullptr;
  }
  std::span<const TokenId> stop_set() const { return parts.text->defaults.stop_token_ids; }

  Parts parts;
  Scheduler scheduler;
  StepRunner runner;
  EngineMetrics metrics;
  StepTrace* trace;      // null: none
  StepProfile* profile;  // null: none
  struct LaunchedStep {
    Stopwatch clock;      // since its launch
    double begin_us = 0;  // on the trace's clock
  };
  std::vector<LaunchedStep> launched;  // [lag + 1], a ring
  std::uint64_t n_launched = 0;
  LaunchedStep step;          // the one that is being collected
  Stopwatch since_last_step;  // was collected
  double last_step_end_us = 0;
  StepCounts step_counts;  // of `step`
  StepHistory history;
  std::unordered_map<SequenceId, Choice> choices;
  std::vector<RowResult> results;
  std::vector<std::uint32_t> masks;                  // of the row that is being launched
  std::vector<std::shared_ptr<RequestStream>> told;  // since the last publish()
  std::atomic<int> n_wanting_logits{0};              // choices that may still ask for them
  SequenceId next_id = 1;
  Inbox inbox;
  std::optional<KvTraffic> traffic;  // nothing without a page store; wakes the inbox
  std::vector<InboxCommand> commands;
  std::size_t n_handled = 0;  // of them
  struct Failure {
    mutable std::mutex mutex;  // guards the rest
    std::string what;
    std::function<void()> listener;
  } failure;
  std::atomic<bool> failed{false};
  std::thread thread;  // last: it uses all of the above
};

}  // namespace tinyllm
