#pragma once
// The one place where a command opens a model: from what the user typed to weights, text and a
// running model. Main thread only.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/thread_pool.h"
#include "engine/engine_options.h"
#include "engine/open_engine.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "reference/model.h"

namespace tinyllm {

// `name`: what the user typed: a name of `tinyllm list`, a GGUF file, a folder, or
// random:SHAPE:FORMAT. Throws Error.
Checkpoint open_checkpoint(const std::string& name);

// What the command cannot do without. Throws Error{unsupported} when the model has none.
const Tokenizer& require(const std::optional<Tokenizer>& tokenizer, const Checkpoint& checkpoint);
const ChatTemplate& require(const std::optional<ChatTemplate>& chat_template,
                            const Checkpoint& checkpoint);

// open_engine with a progress bar, and a warning where the context is longer than the model can.
std::unique_ptr<Engine> load_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text,
                                    const EngineOptions& options);

// The reference path: thread pool, and model with K/V rows for `context` positions. `checkpoint`
// must outlive it.
class RunningModel {
 public:
  // `n_threads` 0: the default. Reads the weights once (progress bar), so that the first token does
  // not wait for the disk. Throws Error{out_of_memory} when the K/V rows do not fit.
  RunningModel(const Checkpoint& checkpoint, int n_threads, std::int64_t context);

  reference::Model& model() { return *model_; }
  const reference::Model& model() const { return *model_; }

 private:
  ThreadPool pool_;
  std::unique_ptr<reference::Model> model_;
};

}  // namespace tinyllm
