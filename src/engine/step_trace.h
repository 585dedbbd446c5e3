#pragma once
// What the engine did when, as a file for Perfetto (ui.perfetto.dev) or chrome://tracing: each step
// with its tokens, each text's time in the queue, in prefill and in decode, and counters.
//
// The format is Chrome's JSON array of trace events, whose closing bracket may be missing: a
// killed program leaves a readable file that ends at most kFlushInterval earlier, with a last event
// that may be cut. The engine thread only appends to memory, a thread of this object writes; when the disk cannot keep up, events are
// dropped beyond kMaxPendingBytes, and when it refuses (full), tracing ends with one log line.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "api/output.h"
#include "engine/engine_snapshot.h"

namespace tinyllm {

// One step that has ended.
struct TracedStep {
  StepCounts counts;
  double begin_us = 0;                                           // of StepTrace::now_us
  std::int32_t n_running = 0, n_waiting = 0, n_used_blocks = 0;  // after it
};

class StepTrace {
 public:
  static constexpr std::size_t kMaxPendingBytes = 4 << 20;

  // Begins the file anew. Throws Error{io} when it cannot be opened.
  explicit StepTrace(const std::filesystem::path& path);
  ~StepTrace();  // writes what is left, and the closing bracket

  double now_us() const;  // since construction

  // Engine thread. `text_id` is a text's own; a phase ends where the next begins.
  void step(const TracedStep& step);
  void queued(std::uint64_t text_id, std::string_view request_name, int choice_idx);
  void prefill(std::uint64_t text_id, double at_us, std::int64_t n_prompt);
  void decode(std::uint64_t text_id);
  void ended(std::uint64_t text_id, FinishReason reason, std::int64_t n_cached,
             std::int64_t n_generated);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
