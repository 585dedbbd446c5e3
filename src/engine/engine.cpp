#include "engine/engine.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "api/context_limit.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/choice.h"
#include "engine/engine_parts.h"
#include "engine/engine_view.h"
#include "engine/inbox.h"
#include "engine/step_trace.h"
#include "runner/step_runner.h"
#include "schedule/scheduler.h"

namespace tinyllm {
namespace {

BackendSizes backend_sizes(const Decoder& decoder, const StepLimits& limits) {
  BackendSizes sizes = decoder.sizes();
  sizes.limits = limits;
  sizes.max_samples = limits.max_num_batched_tokens;  // prompt logprobs want every token
  sizes.max_logprobs = kMaxLogprobs;
  sizes.max_wanted_logits = limits.max_num_seqs;
  return sizes;
}

RunnerSizes runner_sizes(const Decoder& decoder, const EngineOptions& options) {
  const BackendSizes model = decoder.sizes();
  return {.limits = options.limits,
          .kv = options.kv,
          .vocab_size = model.vocab_size,
          .hidden_size = model.hidden_size};
}

}  // namespace

struct Engine::State {
  explicit State(Parts engine_parts);

  void loop();
  void run();
  void fail(const std::string& what);
  void handle_commands();
  void handle(InboxCommand& command);
  void submit(Request request, const std::shared_ptr<RequestStream>& stream);
  void cancel(const RequestStream* stream);
  void launch(const StepPlan& plan);
  RowSettings settings_of(const PlanRow& row) const;
  void collect();
  void step_done();
  EngineSnapshot snapshot() const;
  RowResult take(const RowOutput& output);
  void take_tokens(Choice& choice, const RowOutput& output, RowResult& result);
  void end_finished();
  void update_gauges();
  const Tokenizer* tokenizer() const {
    return parts.text->tokenizer ? &*parts.text->tokenizer : nullptr;
  }
  std::span<const TokenId> stop_set() const { return parts.text->defaults.stop_token_ids; }

  Parts parts;
  Scheduler scheduler;
  StepRunner runner;
  EngineMetrics metrics;
  StepTrace* trace;      // null: none
  StepProfile* profile;  // null: none
  struct LaunchedStep {
    Stopwatch clock;      // since its launch
    double begin_us = 0;  // on the trace's clock
  };
  std::vector<LaunchedStep> launched;  // [lag + 1], a ring
  std::uint64_t n_launched = 0;
  LaunchedStep step;          // the one that is being collected
  Stopwatch since_last_step;  // was collected
  double last_step_end_us = 0;
  StepCounts step_counts;  // of `step`
  StepHistory history;
  std::unordered_map<SequenceId, Choice> choices;
  std::vector<RowResult> results;
  SequenceId next_id = 1;
  Inbox inbox;
  std::vector<InboxCommand> commands;
  std::size_t n_handled = 0;  // of them
  struct Failure {
    mutable std::mutex mutex;  // guards the rest
    std::string what;
    std::function<void()> listener;
  } failure;
  std::atomic<bool> failed{false};
  std::thread thread;  // last: it uses all of the above
};

Engine::State::State(Parts engine_parts)
    : parts(std::move(engine_parts)),
      scheduler({.limits = parts.options.limits,
                 .lag = parts.backend->lag(),
                 .policy = parts.options.policy,
                 .watermark_blocks = std::max(1, parts.options.kv.n_blocks / 100)},
                {.kv = parts.options.kv,
                 .prefix_cache = parts.options.prefix_cache,
                 .secret = parts.options.prefix_secret}),
      runner(*parts.decoder, *parts.backend, runner_sizes(*parts.decoder, parts.options)),
      trace(parts.options.trace.get()),
      profile(parts.options.profile.get()) {
  if (profile != nullptr) parts.backend->set_profile(profile);
  parts.backend->configure(backend_sizes(*parts.decoder, parts.options.limits), parts.options.kv);
  results.reserve(static_cast<std::size_t>(parts.options.limits.max_num_seqs));
  launched.resize(static_cast<std::size_t>(parts.backend->lag()) + 1);
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
  while (inbox.drain(commands, scheduler.idle() && runner.n_in_flight() == 0)) {
    if (profile != nullptr) profile->begin();
    handle_commands();
    end_finished();
    const StepPlan& plan = scheduler.plan();
    if (!plan.rows.empty()) launch(plan);
    if (runner.n_in_flight() > (plan.rows.empty() ? 0 : parts.backend->lag())) collect();
    end_finished();
    if (profile != nullptr) profile->end();
  }
  while (runner.n_in_flight() > 0) collect();  // the device may still write to its pages
  // Whoever still waits for an answer is told that none comes.
  handle_commands();
  while (!choices.empty()) {
    scheduler.finish(choices.begin()->first, FinishReason::cancelled);
    end_finished();
  }
}

// What was half done cannot be trusted: nothing runs any more, and every request that waits or comes
// later is told so.
void Engine::State::fail(const std::string& what) {
  std::function<void()> listener;
  {
    const std::scoped_lock lock(failure.mutex);
    failure.what = what;
    listener = failure.listener;
    failed = true;
  }
  metrics.n_running = metrics.n_waiting = 0;
  const auto refuse = [&](RequestStream& stream, int choice_idx) {
    ++metrics.n_errors;
    OutputPiece piece;
    piece.choice_idx = choice_idx;
    piece.finish_reason = FinishReason::error;
    piece.error = "the engine has stopped: " + what;
    stream.push(std::move(piece));
  };
  for (const auto& [id, choice] : choices) refuse(*choice.stream, choice.choice_idx);
  choices.clear();
  if (listener) listener();
  bool open = true;
  do {
    for (; n_handled < commands.size(); ++n_handled) {
      const InboxCommand& command = commands[n_handled];
      if (command.kind != InboxCommand::Kind::submit) continue;
      for (int i = 0; i < command.request.n; ++i) refuse(*command.stream, i);
    }
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
    case InboxCommand::Kind::look: return command.tell(snapshot());
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
      scheduler.submit({.id = id,
                        .prompt_ids = shared->prompt_ids,
                        .max_tokens = shared->params.max_tokens,
                        .priority = shared->priority,
                        .cache_salt = shared->cache_salt,
                        .wants_prompt_logits = i == 0 && shared->n_prompt_logprobs >= 0,
                        .leader = i == 0 ? 0 : leader});
      if (trace != nullptr) trace->queued(id, shared->name, i);
    } catch (const std::exception& error) {  // no memory: this choice's misfortune, not the others'
      choices.erase(id);
      ++metrics.n_errors;
      OutputPiece piece;
      piece.choice_idx = i;
      piece.finish_reason = FinishReason::error;
      piece.error = error.what();
      stream->push(std::move(piece));
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

void Engine::State::launch(const StepPlan& plan) {
  launched[n_launched++ % launched.size()] = {{}, trace != nullptr ? trace->now_us() : 0};
  runner.launch(plan, [&](const PlanRow& row) { return settings_of(row); });
}

RowSettings Engine::State::settings_of(const PlanRow& row) const {
  const Choice& choice = choices.at(row.sequence_id);
  const Sequence& sequence = *scheduler.find(row.sequence_id);
  RowSettings settings;
  settings.params = &choice.params;
  settings.prompt_ids = sequence.prompt_ids();
  settings.output_ids = sequence.output_ids();
  settings.banned_ids = choice.stop_ids;
  settings.wants_logits = choice.request->want_logits && row.begins_to_draw &&
                          settings.output_ids.empty();  // of the prompt's end
  settings.prompt_logprobs = choice.choice_idx == 0 ? choice.request->n_prompt_logprobs : -1;
  return settings;
}

// The oldest step in flight: its tokens go to their readers and into their sequences.
void Engine::State::collect() {
  step = launched[static_cast<std::size_t>(metrics.n_steps++ % launched.size())];
  step_counts = {.step_id = metrics.n_steps};
  results.clear();
  runner.collect([&](const RowOutput& output) { results.push_back(take(output)); });
  scheduler.commit(results);
  step_done();
}

void Engine::State::step_done() {
  // Where steps overlap, one takes from the end of its predecessor to its own.
  const double seconds = std::min(step.clock.seconds(), since_last_step.seconds());
  since_last_step.restart();
  step_counts.ms = static_cast<float>(seconds * 1e3);
  history.add(step_counts);
  metrics.step_tokens.observe(step_counts.n_prefill + step_counts.n_decode);
  metrics.step_seconds.observe(seconds);
  if (trace == nullptr) return;
  trace->step({.counts = step_counts,
               .begin_us = std::max(step.begin_us, last_step_end_us),
               .n_running = scheduler.n_running(),
               .n_waiting = scheduler.n_waiting(),
               .n_used_blocks = scheduler.blocks().n_blocks() - scheduler.blocks().n_free()});
  last_step_end_us = trace->now_us();
}

EngineSnapshot Engine::State::snapshot() const {
  EngineSnapshot snapshot = look_at(scheduler, choices, metrics.n_steps);
  snapshot.max_num_seqs = parts.options.limits.max_num_seqs;
  snapshot.recent = history.oldest_first();
  return snapshot;
}

// One row's news: into its choice, and as a piece to whoever waits.
RowResult Engine::State::take(const RowOutput& output) {
  RowResult result{output.sequence_id, {}, FinishReason::none};
  const auto found = choices.find(output.sequence_id);
  if (found == choices.end()) return result;  // it ended while this row was in flight
  Choice& choice = found->second;
  if (choice.queue_s < 0) {
    choice.queue_s = std::max(0.0, choice.since_submit.seconds() - step.clock.seconds());
    if (trace != nullptr) trace->prefill(output.sequence_id, step.begin_us, choice.n_prompt());
  }
  choice.last_step = metrics.n_steps;
  choice.last_was_prefill = output.start < choice.n_prompt();
  (choice.last_was_prefill ? step_counts.n_prefill : step_counts.n_decode) += output.n_new_tokens;
  metrics.n_prompt_tokens += static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(choice.n_prompt() - output.start, 0, output.n_new_tokens));
  if (output.not_finite) {
    choice.error =
        fmt::format("the model's logits after {} tokens are not finite: the weights may be damaged",
                    output.start + output.n_new_tokens);
    result.finish = FinishReason::error;
    return result;
  }
  choice.prompt_logprobs.insert(choice.prompt_logprobs.end(), output.prompt_logprobs.begin(),
                                output.prompt_logprobs.end());
  if (choice.choice_idx == 0) choice.stream->set_computed(output.start + output.n_new_tokens);
  if (output.n_draws > 0) take_tokens(choice, output, result);
  return result;
}

// The drawn tokens up to the one that ends the text, if one does: a stop id is not part of the text.
void Engine::State::take_tokens(Choice& choice, const RowOutput& output, RowResult& result) {
  OutputPiece piece;
  piece.choice_idx = choice.choice_idx;
  if (!choice.gave_first_piece) {
    piece.prompt_logprobs = std::move(choice.prompt_logprobs);
    piece.prompt_logits.assign(output.logits.begin(), output.logits.end());
    choice.gave_first_piece = true;
    if (trace != nullptr) trace->decode(output.sequence_id);
  }
  std::size_t n_taken = 0;
  while (n_taken < output.token_ids.size() && result.finish == FinishReason::none) {
    const TokenId token_id = output.token_ids[n_taken++];
    ++metrics.n_generated_tokens;
    if (choice.stops_at(token_id)) {
      result.finish = FinishReason::stop;
      break;
    }
    bool stopped = false;
    piece.text += choice.output.push(token_id, stopped);
    piece.token_ids.push_back(token_id);
    if (!output.logprobs.empty()) piece.logprobs.push_back(output.logprobs[n_taken - 1]);
    if (!stopped) continue;
    result.finish = FinishReason::stop;
    piece.stop_string = choice.output.matched();
  }
  result.token_ids = output.token_ids.first(n_taken);
  choice.stream->push(std::move(piece));
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
    piece.n_cached_tokens = sequence.n_cached_tokens;
    piece.queue_s = std::max(0.0, choice.queue_s);
    metrics.n_cached_tokens += static_cast<std::uint64_t>(sequence.n_cached_tokens);
    piece.error = std::move(choice.error);
    ++(sequence.finish_reason == FinishReason::cancelled ? metrics.n_cancelled
       : sequence.finish_reason == FinishReason::error   ? metrics.n_errors
                                                         : metrics.n_finished);
    choice.stream->push(std::move(piece));
    if (trace != nullptr)
      trace->ended(sequence.id, sequence.finish_reason, sequence.n_cached_tokens,
                   sequence.n_known() - sequence.n_prompt);
    choices.erase(found);
  });
}

void Engine::State::update_gauges() {
  metrics.n_running = scheduler.n_running();
  metrics.n_waiting = scheduler.n_waiting();
  metrics.n_free_blocks = scheduler.blocks().n_free();
  metrics.n_preemptions = scheduler.n_preemptions();
}

Engine::Engine(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

Engine::~Engine() {
  state_->inbox.close();
  state_->thread.join();
}

void Engine::look(std::function<void(EngineSnapshot snapshot)> tell) {
  state_->inbox.push({InboxCommand::Kind::look, {}, nullptr, std::move(tell)});
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
  auto stream = std::make_shared<RequestStream>(request.n);
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
std::int64_t Engine::max_model_len() const {
  return std::min<std::int64_t>(limits().max_model_len, kv().n_tokens());
}
std::int64_t Engine::vocab_size() const { return state_->parts.vocab_size; }
bool Engine::has_prefix_cache() const { return options().prefix_cache; }
const ModelText& Engine::text() const { return *state_->parts.text; }
std::int64_t Engine::packed_bytes() const { return state_->parts.backend->packed_bytes(); }

std::int64_t Engine::weight_bytes_a_token() const {
  return state_->parts.decoder->weight_bytes_a_token();
}

std::int64_t Engine::kv_bytes() const {
  return state_->parts.backend->kv_block_bytes(state_->parts.decoder->sizes(), kv()) *
         kv().n_blocks;
}

}  // namespace tinyllm
