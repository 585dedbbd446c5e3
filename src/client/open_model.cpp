#include "client/open_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "encoder/encoder_folder.h"
#include "engine/engine_options.h"
#include "engine/open_engine.h"
#include "loader/random_checkpoint.h"
#include "loader/text/text_sources.h"
#include "model_store/model_store.h"
#include "model_store/packaged_models.h"

namespace tinyllm {
namespace {

// `own`: the layers' windows as the file says them, of all layers or of none.
void warn_of_windows(const ContextSettings& settings, const std::vector<AttentionWindow>& own) {
  if (settings.window == 0) return;
  const auto keeps_its_own = [&](const AttentionWindow& layer) {
    return layer.window > 0 && layer.window <= settings.window;
  };
  const std::string sinks = settings.sinks > 0 ? fmt::format(" --sinks {}", settings.sinks) : "";
  if (!own.empty() && std::ranges::all_of(own, keeps_its_own)) {
    const auto [least, most] = std::ranges::minmax(own, {}, &AttentionWindow::window);
    const std::string sizes = least.window == most.window
                                  ? fmt::format("{}", least.window)
                                  : fmt::format("{} to {}", least.window, most.window);
    log(LogLevel::warning,
        "all layers have windows of {} of their own; --window {}{} changes nothing", sizes,
        settings.window, sinks);
  } else if (settings.sinks == 0) {
    log(LogLevel::warning,
        "--window {} without --sinks: once the first tokens have left the window, the text of a "
        "model that was not trained with one falls apart; --sinks 4 keeps them",
        settings.window);
  }
}

}  // namespace

std::string find_model(const std::string& name) {
  return is_random_name(name) ? name : ModelStore().resolve(name).string();
}

Checkpoint open_checkpoint(const std::string& name) {
  const std::filesystem::path path = find_model(name);
  if (!is_random_name(name) && is_encoder_folder(path)) {
    fail(ErrorCode::unsupported,
         "{}: is an embedding model, which writes no text; `tinyllm embed {}` and `tinyllm serve` "
         "use it",
         name, name);
  }
  return Checkpoint::open(path);
}

Checkpoint open_checkpoint(const std::string& name, const ContextSettings& settings) {
  validate(settings);  // what is wrong in itself is known before anything is opened
  Checkpoint checkpoint = open_checkpoint(name);
  warn_of_windows(settings, checkpoint.config().windows);
  checkpoint.set_context(settings);
  return checkpoint;
}

ModelText load_text(const Checkpoint& checkpoint) {
  ModelText text = load_model_text(checkpoint);
  GenerationDefaults& own = text.defaults;
  const PackagedModel* package = find_packaged_file(checkpoint.path().filename().string());
  if (package == nullptr || own.temperature || own.top_p || own.top_k || own.min_p) return text;
  own.temperature = package->sampling.temperature;
  own.top_p = package->sampling.top_p;
  own.top_k = package->sampling.top_k;
  own.repetition_penalty = package->sampling.repetition_penalty;
  return text;
}

const Tokenizer& require(const std::optional<Tokenizer>& tokenizer, const Checkpoint& checkpoint) {
  if (!tokenizer) {
    fail(ErrorCode::unsupported,
         "{}: has no tokenizer (tokenizer.json); only 'generate --token-ids' works with it",
         checkpoint.path().string());
  }
  return *tokenizer;
}

const ChatTemplate& require(const std::optional<ChatTemplate>& chat_template,
                            const Checkpoint& checkpoint) {
  if (!chat_template) {
    fail(ErrorCode::unsupported,
         "{}: has no chat template (a base model); use 'tinyllm generate' to complete text with it",
         checkpoint.path().string());
  }
  return *chat_template;
}

const ChatTemplate& require_chat_template(const ModelText& text, const Checkpoint& checkpoint) {
  if (!text.chat_template_error.empty()) {
    fail(ErrorCode::unsupported, "{}: {}", checkpoint.path().string(), text.chat_template_error);
  }
  return require(text.chat_template, checkpoint);
}

void warn_of_context(const Checkpoint& checkpoint, std::int64_t context) {
  const std::int64_t trained = checkpoint.config().max_seq_len;
  if (context <= trained || is_endless(checkpoint.config())) return;
  log(LogLevel::warning,
      "--context {}: the model was trained for {} tokens; beyond that its text may fall apart",
      context, trained);
}

std::unique_ptr<Engine> load_engine(const Checkpoint& checkpoint,
                                    std::shared_ptr<const ModelText> text,
                                    const EngineOptions& options, LoadProgress progress) {
  warn_of_context(checkpoint, options.limits.max_model_len);
  return open_engine(checkpoint, std::move(text), options, progress);
}

std::unique_ptr<Engine> open_model(const std::string& name, const EngineOptions& options,
                                   LoadProgress progress) {
  const Checkpoint checkpoint = open_checkpoint(name, options.context);
  auto text = std::make_shared<const ModelText>(load_text(checkpoint));
  require(text->tokenizer, checkpoint);
  return load_engine(checkpoint, std::move(text), options, progress);
}

}  // namespace tinyllm
