// The engine thread: commands come in, steps run, and choices end.

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "base/error.h"
#include "engine/engine_state.h"

namespace tinyllm {
namespace {

// Who decodes shall not wait long for the blocks of others; besides, it is a share of a step.
constexpr std::chrono::nanoseconds kLeastTakeTime = std::chrono::milliseconds(2);

BackendSizes backend_sizes(const Decoder& decoder, const EngineOptions& options, bool has_drafts) {
  BackendSizes sizes = decoder.sizes();
  sizes.limits = options.limits;
  sizes.max_samples = options.limits.max_num_batched_tokens;  // prompt logprobs want every token
  sizes.max_logprobs = kMaxLogprobs;
  if (has_drafts) {  // each has a mask of its own
    sizes.max_masks = std::min<std::int32_t>(options.limits.max_num_batched_tokens,
                                             options.limits.max_num_seqs * (1 + kMaxDrafts));
  }
  sizes.max_wanted_logits = options.max_wanted_logits;
  return sizes;
}

RunnerSizes runner_sizes(const Decoder& decoder, const EngineOptions& options) {
  const BackendSizes model = decoder.sizes();
  return {.limits = options.limits,
          .kv = options.kv,
          .vocab_size = model.vocab_size,
          .hidden_size = model.hidden_size};
}

// What any layer sees; a layer without a window sees all.
KvBlocksOptions kv_blocks_options(const Decoder& decoder, const EngineOptions& engine) {
  KvBlocksOptions options{
      .kv = engine.kv, .prefix_cache = engine.prefix_cache, .secret = engine.prefix_secret};
  const BackendSizes sizes = decoder.sizes();
  const auto sees_all = [](const AttentionSpec& layer) { return layer.window == 0; };
  if (std::ranges::any_of(sizes.attention, sees_all)) return options;
  for (const AttentionSpec& layer : sizes.attention) {
    options.window = std::max<std::int64_t>(options.window, layer.window);
    options.sinks = std::max<std::int64_t>(options.sinks, layer.sinks);
  }
  return options;
}

}  // namespace

Engine::State::State(Parts engine_parts)
    : parts(std::move(engine_parts)),
      scheduler({.limits = parts.options.limits,
                 .lag = parts.backend->lag(),
                 .policy = parts.options.policy,
                 .watermark_blocks = std::max(1, parts.options.kv.n_blocks / 100)},
                kv_blocks_options(*parts.decoder, parts.options)),
      runner(*parts.decoder, *parts.backend, runner_sizes(*parts.decoder, parts.options)),
      trace(parts.options.trace.get()),
      profile(parts.options.profile.get()) {
  if (profile != nullptr) parts.backend->set_profile(profile);
  parts.backend->configure(
      backend_sizes(*parts.decoder, parts.options, parts.speculator != nullptr), parts.options.kv);
  results.reserve(static_cast<std::size_t>(parts.options.limits.max_num_seqs));
  launched.resize(static_cast<std::size_t>(parts.backend->lag()) + 1);
  if (parts.kv_store) {
    traffic.emplace(std::move(parts.kv_store), *parts.backend, scheduler, [this] { inbox.wake(); });
  }
  if (parts.draft_model) add_model_drafter();
  metrics.n_blocks = parts.options.kv.n_blocks;
  update_gauges();
  thread = std::thread([this] { loop(); });
  pthread_setname_np(thread.native_handle(), "engine");  // for top -H
}

void Engine::State::loop() {
  try {
    run();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

// Steps are launched as far ahead as the backend works behind: with lag 1 the plan of step k + 1 is
// made and launched while step k runs, and only then are the tokens of step k waited for.
void Engine::State::run() {
  bool has_planned = false;
  std::chrono::nanoseconds last_step{0};
  while (inbox.drain(commands, has_to_wait(has_planned))) {
    const auto began = std::chrono::steady_clock::now();
    if (profile != nullptr) profile->begin();
    handle_commands();
    if (traffic) traffic->take_arrived(std::max(kLeastTakeTime, last_step / 8));
    end_finished();
    publish();
    const StepPlan& plan = this->plan();
    has_planned = !plan.rows.empty();
    if (has_planned) launch(plan);
    if (runner.n_in_flight() > (has_planned ? parts.backend->lag() : 0)) collect();
    end_finished();
    publish();
    if (profile != nullptr) profile->end();
    last_step = std::chrono::steady_clock::now() - began;
  }
  while (runner.n_in_flight() > 0) collect();  // the device may still write to its pages
  // Whoever still waits for an answer is told that none comes.
  handle_commands();
  while (!choices.empty()) {
    scheduler.finish(choices.begin()->first, FinishReason::cancelled);
    end_finished();
  }
  publish();
}

// There is nothing to compute before a request comes, or a block from the page store.
bool Engine::State::has_to_wait(bool has_planned) const {
  if (runner.n_in_flight() > 0) return false;
  return scheduler.idle() || (!has_planned && traffic && traffic->is_waiting());
}

// What was half done cannot be trusted: nothing runs any more, and every request that waits or
// comes later is told so.
void Engine::State::fail(const std::string& what) {
  std::function<void()> listener;
  {
    const std::scoped_lock lock(failure.mutex);
    failure.what = what;
    listener = failure.listener;
    failed = true;
  }
  metrics.n_running = metrics.n_waiting = 0;
  const auto refuse = [&](const std::shared_ptr<RequestStream>& stream, int choice_idx) {
    ++metrics.n_errors;
    OutputPiece piece;
    piece.choice_idx = choice_idx;
    piece.finish_reason = FinishReason::error;
    piece.error = "the engine has stopped: " + what;
    tell(stream, std::move(piece));
  };
  for (const auto& [id, choice] : choices) refuse(choice.stream, choice.choice_idx);
  choices.clear();
  publish();
  if (listener) listener();
  bool open = true;
  do {
    for (; n_handled < commands.size(); ++n_handled) {
      const InboxCommand& command = commands[n_handled];
      if (command.kind != InboxCommand::Kind::submit) continue;
      for (int i = 0; i < command.request.n; ++i) refuse(command.stream, i);
    }
    publish();
    open = inbox.drain(commands, true);
    n_handled = 0;
  } while (open || !commands.empty());
}

void Engine::State::handle_commands() {
  for (n_handled = 0; n_handled < commands.size();) handle(commands[n_handled++]);
}

void Engine::State::handle(InboxCommand& command) {
  switch (command.kind) {
    case InboxCommand::Kind::submit: return submit(std::move(command.request), command.stream);
    case InboxCommand::Kind::cancel: return cancel(command.stream.get());
    case InboxCommand::Kind::snapshot: return command.tell(snapshot());
  }
}

void Engine::State::submit(Request request, const std::shared_ptr<RequestStream>& stream) {
  const auto shared = std::make_shared<const Request>(std::move(request));
  const SequenceId leader = next_id;
  ++metrics.n_requests;
  for (int i = 0; i < shared->n; ++i) {
    const SequenceId id = next_id++;
    ++metrics.n_choices;
    try {
      choices.emplace(id, Choice(shared, stream, i, tokenizer(), stop_set()));
      scheduler.submit(
          {.id = id,
           .prompt_ids = shared->prompt_ids,
           .max_tokens = shared->params.max_tokens,
           .priority = shared->priority,
           .cache_salt = shared->cache_salt,
           .wants_prompt_logits = i == 0 && shared->n_prompt_logprobs >= 0,
           .leader = i == 0 ? 0 : leader,
           // Where the backend works behind, drafts and masks need the token before.
           .waits_for_token = (parts.speculator || shared->constraint || shared->thinking) &&
                              parts.backend->lag() > 0});
      if (trace != nullptr) trace->queued(id, shared->name, i);
    } catch (const std::exception& error) {  // no memory: this choice's misfortune, not the others'
      choices.erase(id);
      if (shared->want_logits) --n_wanting_logits;
      ++metrics.n_errors;
      OutputPiece piece;
      piece.choice_idx = i;
      piece.finish_reason = FinishReason::error;
      piece.error = error.what();
      tell(stream, std::move(piece));
    }
  }
}

void Engine::State::cancel(const RequestStream* stream) {
  std::vector<SequenceId> ids;
  for (const auto& [id, choice] : choices) {
    if (choice.stream.get() == stream) ids.push_back(id);
  }
  for (const SequenceId id : ids) scheduler.finish(id, FinishReason::cancelled);
}

// Tells every choice that has ended, with the rest of its text.
void Engine::State::end_finished() {
  update_gauges();  // first: who sees the last piece sees the blocks free
  scheduler.take_finished([&](const Sequence& sequence) {
    const auto found = choices.find(sequence.id);
    Choice& choice = found->second;
    OutputPiece piece;
    piece.choice_idx = choice.choice_idx;
    if (sequence.finish_reason != FinishReason::cancelled) piece.text = choice.output.finish();
    piece.finish_reason = sequence.finish_reason;
    piece.ended_by_token = choice.ended_by_token;
    piece.n_cached_tokens = sequence.n_cached_tokens;
    piece.drafts = choice.account.drafts;
    piece.queue_s = std::max(0.0, choice.account.queue_s);
    note_account(choice, sequence);
    choice.stream->account()->set(choice.choice_idx, choice.account);
    metrics.n_cached_tokens += static_cast<std::uint64_t>(sequence.n_cached_tokens);
    piece.error = std::move(choice.error);
    piece.error_code = choice.error_code;
    ++(sequence.finish_reason == FinishReason::cancelled ? metrics.n_cancelled
       : sequence.finish_reason == FinishReason::error   ? metrics.n_errors
                                                         : metrics.n_finished);
    no_more_logits(choice);
    tell(choice.stream, std::move(piece));
    if (trace != nullptr)
      trace->ended(sequence.id, sequence.finish_reason, sequence.n_cached_tokens,
                   sequence.n_known() - sequence.n_prompt);
    if (parts.speculator) parts.speculator->end(sequence);
    if (traffic) traffic->end(sequence.id);
    choices.erase(found);
  });
}

void Engine::State::tell(const std::shared_ptr<RequestStream>& stream, OutputPiece piece) {
  if (stream->add(std::move(piece))) told.push_back(stream);
}

void Engine::State::publish() {
  for (const auto& stream : told) stream->publish();
  told.clear();
}

// Its first token is there, or it has ended: another request may take its place.
void Engine::State::no_more_logits(Choice& choice) {
  if (choice.request->want_logits && !choice.gave_first_piece) --n_wanting_logits;
}

void Engine::State::update_gauges() {
  metrics.n_running = scheduler.n_running();
  metrics.n_waiting = scheduler.n_waiting();
  metrics.n_free_blocks = scheduler.blocks().n_free();
  metrics.n_preemptions = scheduler.n_preemptions();
}

}  // namespace tinyllm
