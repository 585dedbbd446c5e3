// From a plan to a step in flight, and from its results to texts.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/engine_state.h"
#include "engine/model_drafter.h"

namespace tinyllm {

const StepPlan& Engine::State::plan() {
  const auto fetch = [&](const Sequence& sequence) {
    return traffic ? traffic->fetch(sequence) : std::int64_t{0};
  };
  Speculator* const speculator = parts.speculator.get();
  if (speculator == nullptr) {
    return scheduler.plan([](const Sequence&, std::int64_t) { return std::span<const TokenId>(); },
                          fetch);
  }
  speculator->choose(
      [&](auto each) { scheduler.each_decoding(each); },
      [&](const Sequence& sequence, std::int64_t n_most, std::vector<Draft>& drafts) {
        Choice& choice = choices.at(sequence.id);
        if (choice.constrained) choice.constrained->guide(n_most, drafts);
        if (choice.thinking) choice.thinking->guide(n_most, drafts);
      });
  return scheduler.plan([&](const Sequence& sequence,
                            std::int64_t n_most) { return speculator->drafts(sequence, n_most); },
                        fetch);
}

void Engine::State::launch(const StepPlan& plan) {
  launched[n_launched++ % launched.size()] = {{}, trace != nullptr ? trace->now_us() : 0};
  runner.launch(plan, [&](const PlanRow& row) { return settings_of(row); });
}

RowSettings Engine::State::settings_of(const PlanRow& row) {
  Choice& choice = choices.at(row.sequence_id);
  const Sequence& sequence = *scheduler.find(row.sequence_id);
  RowSettings settings;
  settings.params = &choice.params;
  settings.prompt_ids = sequence.prompt_ids();
  settings.output_ids = sequence.output_ids();
  masks.clear();
  if (row.n_draws > 0) {
    fill_masks(choice, row.token_ids.last(static_cast<std::size_t>(row.n_draws) - 1),
               std::ssize(settings.output_ids),
               static_cast<std::size_t>(mask_words(parts.vocab_size)));
  }
  settings.masks = masks;
  if (settings.masks.empty()) settings.banned_ids = choice.stop_ids;
  settings.wants_logits = choice.request->want_logits && row.begins_to_draw &&
                          settings.output_ids.empty();  // of the prompt's end
  settings.prompt_logprobs = choice.choice_idx == 0 ? choice.request->n_prompt_logprobs : -1;
  return settings;
}

// How the draft model draws the token behind `drafts`: as the model itself would. Its head may have
// other rows than the model's: masks are made for the model, and what it does not know is left out.
RowSettings Engine::State::draft_settings(const Sequence& sequence, std::span<const TokenId> drafts,
                                          std::size_t n_words) {
  Choice& choice = choices.at(sequence.id);
  RowSettings settings;
  settings.params = &choice.params;
  settings.prompt_ids = sequence.prompt_ids();
  settings.output_ids = sequence.output_ids();
  masks.clear();
  const auto n_own_words = static_cast<std::size_t>(mask_words(parts.vocab_size));
  fill_masks(choice, drafts, std::ssize(settings.output_ids), n_own_words);
  if (masks.empty()) {
    settings.banned_ids = choice.stop_ids;
  } else {
    masks.erase(masks.begin(), masks.end() - static_cast<std::ptrdiff_t>(n_own_words));
    masks.resize(n_words, 0);
    settings.masks = masks;
  }
  return settings;
}

void Engine::State::add_model_drafter() {
  DraftModel& model = *parts.draft_model;
  const double cost = static_cast<double>(model.decoder->weight_bytes_a_token()) /
                      static_cast<double>(parts.decoder->weight_bytes_a_token());
  parts.speculator->add(std::make_unique<ModelDrafter>(
      model, parts.options.limits, parts.options.kv, cost,
      [this](const Sequence& sequence, std::span<const TokenId> drafts, std::size_t n_words) {
        return draft_settings(sequence, drafts, n_words);
      },
      parts.options.drafts_always));
}

// The masks of the draws after the text so far and after each draft; none where all of them are
// free. Stop ids are left out of them, and need no ban of their own.
void Engine::State::fill_masks(Choice& choice, std::span<const TokenId> drafts,
                               std::int64_t n_outputs, std::size_t n_words) {
  const auto unwanted = [&](std::size_t draw) {
    return choice.unwanted_at(n_outputs + static_cast<std::int64_t>(draw));
  };
  if (choice.constrained) choice.constrained->add_masks(drafts, n_words, unwanted, masks);
  if (choice.thinking) choice.thinking->add_masks(drafts, n_words, unwanted, masks);
}

// The oldest step in flight: its tokens go to their readers and into their sequences.
void Engine::State::collect() {
  step = launched[static_cast<std::size_t>(metrics.n_steps++ % launched.size())];
  step_counts = {.step_id = metrics.n_steps};
  results.clear();
  runner.collect([&](const RowOutput& output) { results.push_back(take(output)); });
  scheduler.commit(results, [&](const Sequence& sequence, std::int32_t block_idx) {
    if (traffic) traffic->save(sequence, block_idx);
  });
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
  if (parts.speculator && step_counts.n_prefill == 0)
    parts.speculator->observe_step(step_counts.n_decode, seconds);
  note_step(seconds);
  if (trace == nullptr) return;
  trace->step({.counts = step_counts,
               .begin_us = std::max(step.begin_us, last_step_end_us),
               .n_running = scheduler.n_running(),
               .n_waiting = scheduler.n_waiting(),
               .n_used_blocks = scheduler.blocks().n_blocks() - scheduler.blocks().n_free()});
  last_step_end_us = trace->now_us();
}

// Into the account of every text that the step computed. Of those that it ended, end_finished()
// tells the rest.
void Engine::State::note_step(double seconds) {
  for (const RowResult& row : results) {
    const auto found = choices.find(row.sequence_id);
    if (found == choices.end()) continue;  // it ended while this row was in flight
    Choice& choice = found->second;
    TextAccount& account = choice.account;
    ++(choice.last_was_prefill ? account.n_prompt_steps : account.n_decode_steps);
    (results.size() == 1 ? account.alone : account.shared).add(seconds);
    if (step_counts.n_prefill == 0) account.decode.add(seconds);
    const Sequence* const sequence = scheduler.find(row.sequence_id);
    if (sequence == nullptr) continue;
    note_account(choice, *sequence);
    choice.stream->account()->try_set(choice.choice_idx, account);
  }
}

void Engine::State::note_account(Choice& choice, const Sequence& sequence) {
  TextAccount& account = choice.account;
  account.n_generated = sequence.n_known() - sequence.n_prompt;
  account.n_cached = sequence.n_cached_tokens;
  account.n_loaded = sequence.n_loaded_tokens;
  account.n_preemptions = sequence.n_preemptions;
  account.gap = sequence.prefix_gap;
  account.gap_token_id = account.gap.n_common < sequence.n_prompt
                             ? sequence.token_ids[static_cast<std::size_t>(account.gap.n_common)]
                             : -1;
}

EngineSnapshot Engine::State::snapshot() const {
  EngineSnapshot snapshot = read_snapshot(scheduler, choices, metrics.n_steps);
  snapshot.max_num_seqs = parts.options.limits.max_num_seqs;
  snapshot.recent = history.oldest_first();
  snapshot.n_drafts = metrics.n_drafts;
  std::ranges::transform(metrics.n_accepted_at, snapshot.n_accepted_at.begin(),
                         [](const auto& n) { return n.load(); });
  return snapshot;
}

// One row's news: into its choice, and as a piece to whoever waits.
RowResult Engine::State::take(const RowOutput& output) {
  RowResult result{output.sequence_id, {}, FinishReason::none};
  const auto found = choices.find(output.sequence_id);
  if (found == choices.end()) return result;  // it ended while this row was in flight
  Choice& choice = found->second;
  if (choice.account.queue_s < 0) {
    choice.account.queue_s = std::max(0.0, choice.seconds_since_submit() - step.clock.seconds());
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
    if (const Sequence* sequence = scheduler.find(output.sequence_id); traffic && sequence)
      traffic->forget(*sequence);
    return result;
  }
  choice.prompt_logprobs.insert(choice.prompt_logprobs.end(), output.prompt_logprobs.begin(),
                                output.prompt_logprobs.end());
  if (choice.choice_idx == 0) choice.stream->set_computed(output.start + output.n_new_tokens);
  if (output.n_draws > 0) take_tokens(choice, output, result);
  return result;
}

// Every drawn token but the last is the draft at its place. Right drafts behind the end of the text
// are none of its tokens.
void Engine::State::count_drafts(Choice& choice, const RowOutput& output, std::size_t n_taken) {
  const std::size_t n_proposed = static_cast<std::size_t>(output.n_draws) - 1;
  if (n_proposed == 0) return;
  const std::size_t n_right = output.token_ids.size() - 1;
  ++metrics.n_drafts;
  metrics.n_draft_tokens += n_proposed;
  metrics.n_accepted_tokens += n_right;
  for (std::size_t i = 0; i < n_right; ++i) ++metrics.n_accepted_at.at(i);
  choice.account.drafts += {1, static_cast<std::int64_t>(n_proposed),
                            static_cast<std::int64_t>(std::min(n_right, n_taken))};
}

// Whether a drawn token ends its text without being a part of it.
FinishReason Engine::State::judge(Choice& choice, TokenId token_id) {
  if (choice.constrained && !choice.constrained->take(token_id)) {
    choice.error = choice.constrained->failed()
                       ? "the grammar is too complex at this place of the text"
                       : "the grammar wants a text that the model's tokens cannot write";
    choice.error_code = ErrorCode::unsupported;
    return FinishReason::error;
  }
  if (choice.thinking) choice.thinking->take(token_id);
  choice.ended_by_token =
      choice.stops_at(token_id) || (choice.constrained && choice.constrained->has_ended());
  return choice.ended_by_token ? FinishReason::stop : FinishReason::none;
}

// The drawn tokens up to the one that ends the text, if one does. A stop id is not part of it.
void Engine::State::take_tokens(Choice& choice, const RowOutput& output, RowResult& result) {
  OutputPiece piece;
  piece.choice_idx = choice.choice_idx;
  if (!choice.gave_first_piece) {
    piece.prompt_logprobs = std::move(choice.prompt_logprobs);
    piece.prompt_logits.assign(output.logits.begin(), output.logits.end());
    no_more_logits(choice);
    choice.gave_first_piece = true;
    choice.account.first_token_s = choice.seconds_since_submit();
    if (trace != nullptr) trace->decode(output.sequence_id);
  }
  std::size_t n_taken = 0;
  while (n_taken < output.token_ids.size() && result.finish == FinishReason::none) {
    const TokenId token_id = output.token_ids[n_taken++];
    ++metrics.n_generated_tokens;
    result.finish = judge(choice, token_id);
    if (result.finish != FinishReason::none) break;
    bool stopped = false;
    piece.text += choice.output.push(token_id, stopped);
    piece.token_ids.push_back(token_id);
    if (!output.logprobs.empty()) piece.logprobs.push_back(output.logprobs[n_taken - 1]);
    if (stopped) piece.stop_string = choice.output.matched();
    if (stopped || (choice.constrained && choice.constrained->is_complete()))
      result.finish = FinishReason::stop;
  }
  result.token_ids = output.token_ids.first(n_taken);
  count_drafts(choice, output, n_taken);
  piece.drafts = choice.account.drafts;
  tell(choice.stream, std::move(piece));
}

}  // namespace tinyllm
