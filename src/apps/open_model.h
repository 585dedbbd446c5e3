#pragma once
// The one place where a command opens a model: from what the user typed to weights, text and a
// running model. Main thread only.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/thread_pool.h"
#include "loader/checkpoint.h"
#include "loader/text_sources.h"
#include "reference/reference_model.h"

namespace tinyllm {

// `name`: what the user typed: a name of `tinyllm list`, a GGUF file, a folder, or
// random:SHAPE:FORMAT. Throws Error.
Checkpoint open_checkpoint(const std::string& name);

// What the command cannot do without. Throws Error{unsupported} when the model has none.
const Tokenizer& require(const std::optional<Tokenizer>& tokenizer, const Checkpoint& checkpoint);
const ChatTemplate& require(const std::optional<ChatTemplate>& chat_template,
                            const Checkpoint& checkpoint);

// Thread pool and model with K/V rows for `context` positions. `checkpoint` must outlive it.
class RunningModel {
 public:
  // `n_threads` 0: the default. Reads the weights once (progress bar), so that the first token does
  // not wait for the disk. Throws Error{out_of_memory} when the K/V rows do not fit.
  RunningModel(const Checkpoint& checkpoint, int n_threads, std::int64_t context);

  ReferenceModel& model() { return *model_; }
  int n_threads() const { return pool_.n_workers(); }

 private:
  ThreadPool pool_;
  std::unique_ptr<ReferenceModel> model_;
};

// Runs token_ids[n_computed, n - 1) in small pieces, so that a long prompt can show progress and
// stop; the last one is generate()'s. `keep_going` gets the positions done so far; false stops.
// Returns false when stopped.
bool prefill(ReferenceModel& model, std::span<const std::int32_t> token_ids,
             function_ref<bool(std::int64_t n_done)> keep_going);

}  // namespace tinyllm
