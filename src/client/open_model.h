#pragma once
// From what a user typed to an opened file, its text side and a running engine. How far loading is
// comes through a callback; nothing is drawn here. One thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/load_progress.h"
#include "engine/engine.h"
#include "loader/checkpoint.h"
#include "loader/context_settings.h"

namespace tinyllm {

class ChatTemplate;
class Tokenizer;
struct ModelText;

// `name`: a name of `tinyllm list`, a GGUF file, a folder, or random:SHAPE:FORMAT. What
// Checkpoint::open takes for it. Throws Error{not_found | invalid_input}.
std::string find_model(const std::string& name);

// The same opened. Throws Error{not_found | invalid_input | unsupported | io}.
Checkpoint open_checkpoint(const std::string& name);
// The same for a run that wants windows or another RoPE scaling than the file says. Throws
// Error{usage} as well.
Checkpoint open_checkpoint(const std::string& name, const ContextSettings& settings);

// The text side of a model (loader/text). Where the file recommends no sampling and is one of our
// packages (model_store/packaged_models.h), its authors' recommendation is filled in.
ModelText load_text(const Checkpoint& checkpoint);

// What the caller cannot do without. Throws Error{unsupported} when the model has none.
const Tokenizer& require(const std::optional<Tokenizer>& tokenizer, const Checkpoint& checkpoint);
const ChatTemplate& require(const std::optional<ChatTemplate>& chat_template,
                            const Checkpoint& checkpoint);
// The same of a text that was loaded with its template's error.
const ChatTemplate& require_chat_template(const ModelText& text, const Checkpoint& checkpoint);

// open_engine (engine/open_engine.h), with a warning where the context is longer than the model was
// trained for.
std::unique_ptr<Engine> load_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text,
                                    const EngineOptions& options, LoadProgress progress);

// All of it at once, for a model that must have a tokenizer.
std::unique_ptr<Engine> open_model(const std::string& name, const EngineOptions& options,
                                   LoadProgress progress);

// The warning alone: "--context 9000: the model was trained for 8192 tokens; ...".
void warn_of_context(const Checkpoint& checkpoint, std::int64_t context);

}  // namespace tinyllm
