// Completions by the batched engine: submit, read the stream. Its prefix cache keeps what earlier
// calls computed.

#include <chrono>
#include <cstdio>

#include "apps/completer.h"
#include "apps/open_model.h"
#include "apps/profile_table.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/open_engine.h"

namespace tinyllm {
namespace {

constexpr std::chrono::milliseconds kLookInterval{50};  // between two looks at Ctrl-C

class EngineCompleter final : public Completer {
 public:
  // profile: what the engine writes to; null: none
  EngineCompleter(std::unique_ptr<Engine> engine, std::shared_ptr<const StepProfile> profile)
      : engine_(std::move(engine)), profile_(std::move(profile)) {}

  ~EngineCompleter() override {
    engine_.reset();
    if (profile_ != nullptr) std::fputs(profile_table(*profile_).c_str(), stderr);
  }

  std::int64_t context() const override { return engine_->max_model_len(); }
  std::string about() const override { return describe(*engine_); }

  Completion complete(const std::vector<TokenId>& prompt_ids, const SamplingParams& params,
                      bool wants_logits, const CompletionWatcher& watcher) override {
    Request request;
    request.prompt_ids = prompt_ids;
    request.params = params;
    request.want_logits = wants_logits;
    const Stopwatch clock;
    const std::shared_ptr<RequestStream> stream = engine_->submit(std::move(request));
    Completion completion;
    const auto n_prompt = static_cast<std::int64_t>(prompt_ids.size());
    bool cancelled = false;
    while (!stream->done()) {
      const auto piece = stream->next(std::chrono::steady_clock::now() + kLookInterval);
      if (piece) take(*piece, clock, watcher, completion);
      if (completion.token_ids.empty()) watcher.on_prefill(stream->n_computed(), n_prompt);
      if (!cancelled && watcher.interrupted()) {
        engine_->cancel(stream);
        cancelled = true;
      }
    }
    return completion;
  }

 private:
  static void take(const OutputPiece& piece, const Stopwatch& clock,
                   const CompletionWatcher& watcher, Completion& completion) {
    if (piece.finish_reason == FinishReason::error)
      fail(ErrorCode::invalid_input, "{}", piece.error);
    const double now_s = clock.seconds();
    if (!piece.prompt_logits.empty()) completion.prompt_logits = piece.prompt_logits;
    if (completion.prefill_s == 0) completion.prefill_s = now_s;  // the first piece
    if (!piece.token_ids.empty()) completion.decode_s = now_s - completion.prefill_s;
    completion.token_ids.insert(completion.token_ids.end(), piece.token_ids.begin(),
                                piece.token_ids.end());
    completion.text += piece.text;
    if (!piece.text.empty()) watcher.on_text(piece.text);
    if (piece.finish_reason != FinishReason::none) {
      completion.finish_reason = piece.finish_reason;
      completion.n_cached_tokens = piece.n_cached_tokens;
    }
  }

  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const StepProfile> profile_;
};

}  // namespace

std::unique_ptr<Completer> make_engine_completer(const Checkpoint& checkpoint,
                                                 std::shared_ptr<const ModelText> text,
                                                 const EngineFlags& flags, std::int64_t context) {
  EngineOptions options = engine_options(flags);
  options.limits.max_model_len = static_cast<std::int32_t>(context);
  if (flags.profile) options.profile = std::make_shared<StepProfile>();
  return std::make_unique<EngineCompleter>(load_engine(checkpoint, std::move(text), options),
                                           options.profile);
}

}  // namespace tinyllm
