#pragma once
// From prompt ids to text, whatever computes it: the batched engine, or the plain reference path
// that every backend is tested against. What one call computed is kept for the next one that begins
// with the same tokens. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/output.h"
#include "api/sampling_params.h"
#include "base/function_ref.h"
#include "client/load_progress.h"
#include "engine/engine_options.h"

namespace tinyllm {

class Checkpoint;
class Engine;
class RequestAccount;
struct ModelText;
struct TextConstraint;

// What a completion tells and asks while it runs. `interrupted` is asked at least ten times a
// second; true ends the text where it is.
struct CompletionWatcher {
  function_ref<void(std::string_view text)> on_text;  // whole characters, stop strings cut
  function_ref<void(std::int64_t n_done, std::int64_t n_total)> on_prefill;
  function_ref<bool()> interrupted;
};

struct Completion {
  std::string text;
  std::vector<TokenId> token_ids;  // the stop token is not among them
  FinishReason finish_reason = FinishReason::none;
  std::vector<float> prompt_logits;  // [vocab_size], of the last prompt position, if asked for
  std::int64_t n_cached_tokens = 0;  // of the prompt, computed by an earlier call
  DraftCounts drafts;
  std::shared_ptr<const RequestAccount> account;  // nullptr: by the reference path
  double prefill_s = 0, decode_s = 0;             // until the first token; from there to the last
};

class Completer {
 public:
  virtual ~Completer() = default;
  virtual std::int64_t context() const = 0;     // tokens that prompt and answer may fill
  virtual std::string about() const = 0;        // one line: what computes, with which memory
  virtual Engine* engine() { return nullptr; }  // nullptr: the reference path
  // Throws Error{context_overflow | invalid_input} for a prompt or parameters that cannot run.
  virtual Completion complete(const std::vector<TokenId>& prompt_ids, const SamplingParams& params,
                              bool wants_logits, const CompletionWatcher& watcher) = 0;
};

struct CompleterOptions {
  EngineOptions engine;    // of these the reference path takes n_threads and max_model_len
  bool reference = false;  // the plain f32 path instead of the engine
  bool recompute = false;  // reference only: keep no K/V rows
  // Engine only: what every text looks like; null: like anything.
  std::shared_ptr<const TextConstraint> constraint = {};
};

// Loads the model and tells `progress` how far that is. The checkpoint must outlive the completer.
// Throws Error{out_of_memory | unsupported | invalid_input}.
std::unique_ptr<Completer> make_completer(const Checkpoint& checkpoint,
                                          std::shared_ptr<const ModelText> text,
                                          const CompleterOptions& options, LoadProgress progress);

// The two of them; make_completer chooses.
std::unique_ptr<Completer> make_engine_completer(const Checkpoint& checkpoint,
                                                 std::shared_ptr<const ModelText> text,
                                                 const CompleterOptions& options,
                                                 LoadProgress progress);
std::unique_ptr<Completer> make_reference_completer(const Checkpoint& checkpoint,
                                                    std::shared_ptr<const ModelText> text,
                                                    const CompleterOptions& options,
                                                    LoadProgress progress);

}  // namespace tinyllm
