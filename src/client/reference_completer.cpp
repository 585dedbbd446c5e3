// Completions by the reference path: one sequence, K/V rows in plain arrays, kept from call to call
// as far as the tokens are the same.

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "client/answer_log.h"
#include "client/completer.h"
#include "client/loaded_reference.h"
#include "reference/generate.h"
#include "text/detokenizer.h"
#include "text/model_text.h"
#include "text/stop_strings.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kPrefillChunk = 64;  // tokens between two looks at Ctrl-C

std::int64_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

class ReferenceCompleter final : public Completer {
 public:
  ReferenceCompleter(const Checkpoint& checkpoint, std::shared_ptr<const ModelText> text,
                     const CompleterOptions& options, LoadProgress progress)
      : text_(std::move(text)),
        recompute_(options.recompute),
        reference_(checkpoint, options.engine.n_threads, options.engine.limits.max_model_len,
                   progress) {}

  std::int64_t context() const override { return reference_.model().max_tokens(); }
  std::string about() const override { return "reference path, one sequence in f32"; }

  Completion complete(const std::vector<TokenId>& prompt_ids, const SamplingParams& params,
                      bool wants_logits, const CompletionWatcher& watcher) override;

 private:
  bool prefill(const std::vector<TokenId>& prompt_ids, const CompletionWatcher& watcher);

  std::shared_ptr<const ModelText> text_;
  bool recompute_;
  LoadedReference reference_;
  std::vector<TokenId> computed_ids_;  // whose K/V rows the model holds
};

// All but the last prompt token, in small pieces, so that a long prompt can show progress and stop;
// the last one is generate()'s. False when interrupted.
bool ReferenceCompleter::prefill(const std::vector<TokenId>& prompt_ids,
                                 const CompletionWatcher& watcher) {
  reference::Model& model = reference_.model();
  const std::int64_t end = std::ssize(prompt_ids) - 1;
  while (model.n_computed() < end) {
    const std::int64_t begin = model.n_computed();
    const std::int64_t n = std::min(kPrefillChunk, end - begin);
    model.forward(std::span(prompt_ids).subspan(begin, n));
    watcher.on_prefill(begin + n, std::ssize(prompt_ids));
    if (watcher.interrupted()) return false;
  }
  return true;
}

Completion ReferenceCompleter::complete(const std::vector<TokenId>& prompt_ids,
                                        const SamplingParams& params, bool wants_logits,
                                        const CompletionWatcher& watcher) {
  reference::Model& model = reference_.model();
  Completion completion;
  const std::int64_t known = std::min(common_prefix(computed_ids_, prompt_ids), model.n_computed());
  completion.n_cached_tokens = std::clamp<std::int64_t>(known, 0, std::ssize(prompt_ids) - 1);
  model.rewind(completion.n_cached_tokens);
  computed_ids_ = prompt_ids;

  const Stopwatch clock;
  if (!recompute_ && std::ssize(prompt_ids) <= model.max_tokens() &&
      !prefill(prompt_ids, watcher)) {
    completion.finish_reason = FinishReason::cancelled;
    return completion;
  }
  std::optional<Detokenizer> detokenizer;
  if (text_->tokenizer) detokenizer.emplace(*text_->tokenizer);
  StopStrings stop_strings(params.stop);
  const auto emit = [&](const std::string& text) {
    completion.text += text;
    if (!text.empty()) watcher.on_text(text);
  };
  const reference::GenerateOptions options{text_->defaults.stop_token_ids, recompute_};
  const reference::GenerateResult result =
      reference::generate(model, prompt_ids, params, options, [&](TokenId token_id) {
        if (completion.prefill_s == 0) completion.prefill_s = clock.seconds();
        if (detokenizer) emit(stop_strings.push(detokenizer->push(token_id)));
        return !stop_strings.matched() && !watcher.interrupted();
      });
  if (completion.prefill_s == 0) completion.prefill_s = clock.seconds();
  if (detokenizer) emit(stop_strings.push(detokenizer->finish()) + stop_strings.finish());
  computed_ids_.insert(computed_ids_.end(), result.token_ids.begin(), result.token_ids.end());
  completion.token_ids = result.token_ids;
  if (wants_logits) completion.prompt_logits = result.prompt_logits;
  completion.decode_s = result.decode_s;
  completion.finish_reason = stop_strings.matched() ? FinishReason::stop : result.finish_reason;
  return completion;
}

}  // namespace

std::unique_ptr<Completer> make_reference_completer(const Checkpoint& checkpoint,
                                                    std::shared_ptr<const ModelText> text,
                                                    const CompleterOptions& options,
                                                    LoadProgress progress) {
  return std::make_unique<ReferenceCompleter>(checkpoint, std::move(text), options, progress);
}

std::unique_ptr<Completer> make_completer(const Checkpoint& checkpoint,
                                          std::shared_ptr<const ModelText> text,
                                          const CompleterOptions& options, LoadProgress progress) {
  std::unique_ptr<Completer> completer =
      options.reference ? make_reference_completer(checkpoint, std::move(text), options, progress)
                        : make_engine_completer(checkpoint, std::move(text), options, progress);
  const char* log = std::getenv(kAnswerLogVariable);
  return log == nullptr ? std::move(completer)
                        : with_answer_log(std::move(completer), checkpoint, options, log);
}

}  // namespace tinyllm
