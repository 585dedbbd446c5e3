// What other threads call. Each function hands a command to the engine thread, or reads what never
// changes.

#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "api/context_limit.h"
#include "base/error.h"
#include "engine/engine_state.h"

namespace tinyllm {
namespace {

void check_thinking(const ThinkingLimit& limit, std::int64_t vocab_size,
                    const Tokenizer* tokenizer) {
  if (tokenizer == nullptr)
    fail(ErrorCode::invalid_input, "a limit of thinking for a model without a tokenizer");
  const auto is_bad = [&](TokenId id) { return id < 0 || id >= vocab_size; };
  if (limit.max_tokens < 0 || limit.end_ids.empty() || std::ranges::any_of(limit.end_ids, is_bad))
    fail(ErrorCode::invalid_input, "a limit of thinking without tokens that end it");
}

}  // namespace

Engine::Engine(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

Engine::~Engine() {
  state_->inbox.close();
  state_->thread.join();
}

void Engine::request_snapshot(std::function<void(EngineSnapshot snapshot)> tell) {
  state_->inbox.push({InboxCommand::Kind::snapshot, {}, nullptr, std::move(tell)});
}

std::string Engine::failure() const {
  const std::scoped_lock lock(state_->failure.mutex);
  return state_->failure.what;
}

bool Engine::failed() const { return state_->failed; }

void Engine::set_failure_listener(std::function<void()> listener) {
  {
    const std::scoped_lock lock(state_->failure.mutex);
    if (!state_->failed) {
      state_->failure.listener = std::move(listener);
      return;
    }
  }
  listener();
}

std::shared_ptr<RequestStream> Engine::submit(Request request) {
  validate(request.params, vocab_size());
  const std::int64_t n_prompt = std::ssize(request.prompt_ids);
  if (n_prompt == 0) fail(ErrorCode::invalid_input, "the prompt has no tokens");
  if (request.n < 1 || request.n > kMaxChoices)
    fail(ErrorCode::invalid_input, "n is {}, must be in [1, {}]", request.n, kMaxChoices);
  for (const int n : {request.params.n_logprobs, request.n_prompt_logprobs}) {
    if (n < -1 || n > kMaxLogprobs) {
      fail(ErrorCode::invalid_input, "logprobs is {}, must be in [0, {}]", n, kMaxLogprobs);
    }
  }
  require_room(n_prompt, max_model_len());
  for (const TokenId id : request.prompt_ids) {
    if (id < 0 || id >= vocab_size()) {
      fail(ErrorCode::invalid_input, "the prompt has token id {}, ids are [0, {})", id,
           vocab_size());
    }
  }
  if (request.constraint &&
      std::cmp_greater(request.constraint->vocabulary->vocab_size(), vocab_size())) {
    fail(ErrorCode::invalid_input, "the grammar is of a vocabulary of {} tokens, the model has {}",
         request.constraint->vocabulary->vocab_size(), vocab_size());
  }
  if (request.thinking) check_thinking(*request.thinking, vocab_size(), state_->tokenizer());
  auto stream = std::make_shared<RequestStream>(request.n, n_prompt);
  const int most = options().max_wanted_logits;
  if (request.want_logits && state_->n_wanting_logits.fetch_add(request.n) + request.n > most) {
    state_->n_wanting_logits -= request.n;
    fail(ErrorCode::invalid_input, "raw logits are asked for by more than {} texts at a time",
         most);
  }
  state_->inbox.push({InboxCommand::Kind::submit, std::move(request), stream, {}});
  return stream;
}

void Engine::cancel(const std::shared_ptr<RequestStream>& stream) {
  state_->inbox.push({InboxCommand::Kind::cancel, {}, stream, {}});
}

const EngineMetrics& Engine::metrics() const { return state_->metrics; }
const EngineOptions& Engine::options() const { return state_->parts.options; }
const StepLimits& Engine::limits() const { return options().limits; }
const KvSpec& Engine::kv() const { return options().kv; }
std::int64_t Engine::max_model_len() const { return state_->scheduler.longest_text(); }
std::int64_t Engine::vocab_size() const { return state_->parts.vocab_size; }
bool Engine::has_prefix_cache() const { return options().prefix_cache; }
const ModelText& Engine::text() const { return *state_->parts.text; }
std::int64_t Engine::packed_bytes() const { return state_->parts.backend->packed_bytes(); }

std::optional<KvStoreCounts> Engine::kv_store_counts() const {
  if (!state_->traffic) return std::nullopt;
  return state_->traffic->counts();
}

std::string Engine::describe_kv_store() const {
  return state_->traffic ? state_->traffic->describe() : "";
}

std::int64_t Engine::weight_bytes_a_token() const {
  return state_->parts.decoder->weight_bytes_a_token();
}

std::int64_t Engine::kv_bytes() const {
  const Parts& parts = state_->parts;
  std::int64_t block_bytes = parts.backend->kv_block_bytes(parts.decoder->sizes(), kv());
  if (const DraftModel* draft = parts.draft_model.get())
    block_bytes += draft->backend->kv_block_bytes(draft->decoder->sizes(), kv());
  return block_bytes * kv().n_blocks;
}

}  // namespace tinyllm
