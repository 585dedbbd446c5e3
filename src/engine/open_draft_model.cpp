#include "engine/open_draft_model.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/model_drafter.h"
#include "engine/model_memory.h"
#include "kernels/make/make_backend.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

// The same ids must mean the same text. A vocabulary may be padded to another size.
void check_vocabulary(const Checkpoint& draft, const Checkpoint& target, const ModelText& text) {
  const ModelText its_text = load_model_text(draft);
  const char* const want = "a draft model needs the vocabulary of the model that it drafts for";
  const std::string path = draft.path().string();
  if (!text.tokenizer || !its_text.tokenizer) {
    const std::int64_t has = draft.config().vocab_size, wanted = target.config().vocab_size;
    if (has != wanted)
      fail(ErrorCode::invalid_input, "{}: has {} tokens, not {}; {}", path, has, wanted, want);
    return;
  }
  const Tokenizer &mine = *text.tokenizer, &its = *its_text.tokenizer;
  const auto bytes = [](const Tokenizer& of, std::int64_t id) {
    return id < of.vocab_size() ? of.token_bytes(static_cast<TokenId>(id)) : std::string_view();
  };
  for (std::int64_t id = 0; id < std::max(mine.vocab_size(), its.vocab_size()); ++id) {
    if (bytes(mine, id) != bytes(its, id))
      fail(ErrorCode::invalid_input, "{}: token {} is another one; {}", path, id, want);
  }
}

}  // namespace

void check_draft_options(const EngineOptions& options) {
  const bool has_model = !options.draft_model.empty();
  if (options.speculation == Speculation::model && !has_model)
    fail(ErrorCode::usage, "--speculate model needs --draft-model");
  const bool is_asked =
      options.speculation == Speculation::automatic || options.speculation == Speculation::model;
  if (has_model && !is_asked)
    fail(ErrorCode::usage, "--draft-model works with --speculate auto or model only");
}

std::unique_ptr<DraftModel> open_draft_model(const EngineOptions& options, const Checkpoint& target,
                                             const ModelText& text, ThreadPool& pool) {
  Checkpoint checkpoint = Checkpoint::open(options.draft_model);
  checkpoint.set_context(options.context);
  const ModelConfig& config = checkpoint.config();
  const std::int32_t context = options.limits.max_model_len;
  check_vocabulary(checkpoint, target, text);
  if (config.max_seq_len < context) {
    fail(ErrorCode::invalid_input,
         "{}: drafts within {} tokens, the context has {}; lower --context",
         checkpoint.path().string(), config.max_seq_len, context);
  }
  check_kv_type(checkpoint, options.kv.type);
  auto model = std::make_unique<DraftModel>();
  model->name = checkpoint.path().filename().string();
  model->backend = make_backend(pool, options.device);
  check_context(*model->backend, config, context);
  const WeightFormats formats = {.floats = options.quantise, .at_most_4_bits = true};
  check_weights(*model->backend, checkpoint, formats);
  model->decoder =
      std::make_unique<Decoder>(checkpoint, *model->backend, pool, DecoderOptions{context, formats},
                                [](std::int64_t, std::int64_t) {});
  return model;
}

std::int64_t kv_block_bytes(const DraftModel& model, const KvSpec& kv) {
  return model.backend->kv_block_bytes(model.decoder->sizes(), kv);
}

std::int64_t kv_spare_bytes(const DraftModel& model, const EngineOptions& options) {
  return kv_block_bytes(model, options.kv) * options.limits.max_num_seqs *
         n_spare_draft_blocks(options.kv);
}

}  // namespace tinyllm
