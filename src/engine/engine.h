#pragma once
// The engine: one thread that owns the scheduler, the KV blocks and the running sequences, and
// turns submitted requests into streams of text. Every other thread only pushes into its inbox and
// pops from its own stream.
//
//   submit, cancel --> inbox --> [ drain -> plan -> launch -> collect -> text -> commit ]
//                                                                         |
//                                                                         +--> streams
//
// A request that cannot run is a piece with FinishReason::error in its stream, never an exception
// in a step. If one escapes anyway (out of memory), the engine has failed: every stream ends with an
// error, now and later, and nothing runs any more. Any thread may call the public functions.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/kv_spec.h"
#include "api/kv_store.h"
#include "api/output.h"
#include "api/request.h"
#include "api/step_limits.h"
#include "engine/engine_snapshot.h"
#include "engine/request_stream.h"
#include "engine/step_histogram.h"

namespace tinyllm {

struct EngineOptions;
struct ModelText;

// Upper bounds: vLLM's for tokens, and seconds.
inline constexpr std::array<double, 13> kStepTokenBounds = {1,   8,    16,   32,   64,   128,  256,
                                                            512, 1024, 2048, 4096, 8192, 16384};
inline constexpr std::array<double, 14> kStepSecondBounds = {
    0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 3};

// Plain counters, read at any time. Once nothing runs:
//   n_choices = n_finished + n_cancelled + n_errors
//   n_prompt_tokens + n_cached_tokens = all prompt tokens, unless a prompt was cancelled half-way
//   or preempted (then parts of it are computed twice)
struct EngineMetrics {
  std::atomic<std::uint64_t> n_steps{0}, n_prompt_tokens{0}, n_cached_tokens{0},
      n_generated_tokens{0}, n_requests{0}, n_choices{0}, n_finished{0}, n_cancelled{0},
      n_errors{0}, n_preemptions{0};
  // Speculation: rows with drafts, their draft tokens, and those that were right.
  std::atomic<std::uint64_t> n_drafts{0}, n_draft_tokens{0}, n_accepted_tokens{0};
  // [i]: rows of which at least i + 1 drafts were right. They sum up to n_accepted_tokens.
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(kMaxDrafts)> n_accepted_at{};
  std::atomic<std::int32_t> n_running{0}, n_waiting{0}, n_free_blocks{0}, n_blocks{0};
  StepHistogram<kStepTokenBounds.size()> step_tokens{kStepTokenBounds};
  StepHistogram<kStepSecondBounds.size()> step_seconds{kStepSecondBounds};
};

class Engine {
 public:
  struct Parts;  // engine/engine_parts.h
  explicit Engine(Parts parts);
  ~Engine();  // cancels what runs and joins the thread

  // Throws Error{invalid_input | context_overflow} for a request that can never run.
  std::shared_ptr<RequestStream> submit(Request request);
  void cancel(const std::shared_ptr<RequestStream>& stream);

  // `tell` is called with a snapshot, soon, on the engine thread between two steps (or never, when
  // the engine has failed). It must not block or throw. Costs nothing until called.
  void request_snapshot(std::function<void(EngineSnapshot snapshot)> tell);

  // What ended the engine; "" while it runs. The listener is called once it has happened, on the
  // engine thread, which then waits for the destructor.
  std::string failure() const;
  bool failed() const;
  void set_failure_listener(std::function<void()> listener);

  const EngineMetrics& metrics() const;
  const EngineOptions& options() const;  // engine/engine_options.h; every 0 is resolved
  const StepLimits& limits() const;
  const KvSpec& kv() const;
  // Tokens that prompt and output of one sequence may fill together: what the options allow and the
  // K/V memory holds.
  std::int64_t max_model_len() const;
  std::int64_t vocab_size() const;
  bool has_prefix_cache() const;
  std::optional<KvStoreCounts> kv_store_counts() const;  // nothing without a page store
  std::string describe_kv_store() const;                 // "" without one
  const ModelText& text() const;                         // text/model_text.h
  std::int64_t kv_bytes() const;                         // K/V pages, of a draft model too
  std::int64_t packed_bytes() const;                     // weights in the backend's layout
  std::int64_t weight_bytes_a_token() const;             // of these, what decoding one token reads

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
