#pragma once
// From prompt ids to text, whatever computes it: the batched engine, or the plain reference path
// that every backend is tested against (--engine). What one call computed is kept for the next one
// that begins with the same tokens. Main thread only.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/output.h"
#include "api/sampling_params.h"
#include "apps/engine_options.h"
#include "base/function_ref.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"

namespace tinyllm {

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
  std::vector<float> prompt_logits;    // [vocab_size], of the last prompt position, if asked for
  std::int64_t n_cached_tokens = 0;    // of the prompt, computed by an earlier call
  double prefill_s = 0, decode_s = 0;  // until the first token; from there to the last
};

class Completer {
 public:
  virtual ~Completer() = default;
  virtual std::int64_t context() const = 0;  // tokens that prompt and answer may fill
  virtual std::string about() const = 0;     // one line: what computes, with which memory
  // Throws Error{context_overflow | invalid_input} for a prompt or parameters that cannot run.
  virtual Completion complete(const std::vector<TokenId>& prompt_ids, const SamplingParams& params,
                              bool wants_logits, const CompletionWatcher& watcher) = 0;
};

// Loads the model (progress bar). `context`: positions to make room for. The checkpoint must
// outlive the completer. Throws Error{out_of_memory | unsupported | invalid_input}.
std::unique_ptr<Completer> make_completer(const Checkpoint& checkpoint,
                                          std::shared_ptr<const ModelText> text,
                                          const EngineFlags& flags, std::int64_t context);

// The two of them; make_completer chooses.
std::unique_ptr<Completer> make_engine_completer(const Checkpoint& checkpoint,
                                                 std::shared_ptr<const ModelText> text,
                                                 const EngineFlags& flags, std::int64_t context);
std::unique_ptr<Completer> make_reference_completer(const Checkpoint& checkpoint,
                                                    std::shared_ptr<const ModelText> text,
                                                    const EngineFlags& flags, std::int64_t context);

}  // namespace tinyllm
