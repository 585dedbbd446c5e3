// Completions by the batched engine: submit, read the stream. Its prefix cache keeps what earlier
// calls computed.

#include <utility>

#include "base/clock.h"
#include "client/completer.h"
#include "client/open_model.h"
#include "client/read_stream.h"
#include "engine/engine.h"
#include "engine/open_engine.h"

namespace tinyllm {
namespace {

void take(OutputPiece&& piece, const Stopwatch& clock, const CompletionWatcher& watcher,
          Completion& completion) {
  const double now_s = clock.seconds();
  if (!piece.prompt_logits.empty()) completion.prompt_logits = std::move(piece.prompt_logits);
  if (completion.prefill_s == 0) completion.prefill_s = now_s;  // the first piece
  if (!piece.token_ids.empty()) completion.decode_s = now_s - completion.prefill_s;
  completion.token_ids.insert(completion.token_ids.end(), piece.token_ids.begin(),
                              piece.token_ids.end());
  completion.text += piece.text;
  if (!piece.text.empty()) watcher.on_text(piece.text);
  if (piece.finish_reason != FinishReason::none) {
    completion.finish_reason = piece.finish_reason;
    completion.n_cached_tokens = piece.n_cached_tokens;
    completion.drafts = piece.drafts;
  }
}

class EngineCompleter final : public Completer {
 public:
  EngineCompleter(std::unique_ptr<Engine> engine, std::shared_ptr<const TextConstraint> constraint)
      : engine_(std::move(engine)), constraint_(std::move(constraint)) {}

  std::int64_t context() const override { return engine_->max_model_len(); }
  std::string about() const override { return describe(*engine_); }
  Engine* engine() override { return engine_.get(); }

  Completion complete(const std::vector<TokenId>& prompt_ids, const SamplingParams& params,
                      bool wants_logits, const CompletionWatcher& watcher) override {
    Request request;
    request.prompt_ids = prompt_ids;
    request.params = params;
    request.want_logits = wants_logits;
    request.constraint = constraint_;
    const Stopwatch clock;
    const std::shared_ptr<RequestStream> stream = engine_->submit(std::move(request));
    Completion completion;
    completion.account = stream->account();
    read_stream(
        *engine_, stream,
        [&](OutputPiece&& piece) { take(std::move(piece), clock, watcher, completion); },
        [&] {
          if (completion.token_ids.empty())
            watcher.on_prefill(stream->n_computed(), std::ssize(prompt_ids));
          return watcher.interrupted();
        });
    return completion;
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const TextConstraint> constraint_;
};

}  // namespace

std::unique_ptr<Completer> make_engine_completer(const Checkpoint& checkpoint,
                                                 std::shared_ptr<const ModelText> text,
                                                 const CompleterOptions& options,
                                                 LoadProgress progress) {
  return std::make_unique<EngineCompleter>(
      load_engine(checkpoint, std::move(text), options.engine, progress), options.constraint);
}

}  // namespace tinyllm
