// How sequences come and go, and what comes of their rows. What a step computes: scheduler_plan.cpp.

#include "schedule/scheduler.h"

#include <algorithm>
#include <string>

#include "api/context_limit.h"
#include "base/check.h"
#include "schedule/turn.h"

namespace tinyllm {
namespace {

// With a window the cache remembers as many blocks as all texts that run at once have had, so that
// each of them can go on where it stood; at most half a million, which take 100 MB.
KvBlocksOptions remembering(const StepLimits& limits, KvBlocksOptions blocks) {
  constexpr std::int64_t kMost = 1 << 19;
  const std::int64_t n_blocks = blocks.kv.blocks_for(limits.max_model_len);
  blocks.n_remembered =
      std::max(blocks.n_remembered, std::min(kMost, limits.max_num_seqs * n_blocks));
  return blocks;
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options, const KvBlocksOptions& blocks)
    : options_(options), blocks_(remembering(options.limits, blocks)) {
  CHECK(options.limits.max_num_seqs >= 1, "max_num_seqs is {}", options.limits.max_num_seqs);
  CHECK(options.limits.max_num_batched_tokens >= options.limits.max_num_seqs,
        "max_num_batched_tokens is {}, below max_num_seqs {}",
        options.limits.max_num_batched_tokens, options.limits.max_num_seqs);
  const auto n_rows = static_cast<std::size_t>(options.limits.max_num_seqs);
  for (std::int32_t slot = options.limits.max_num_seqs - 1; slot >= 0; --slot)
    free_row_slots_.push_back(slot);
  running_.reserve(n_rows);
  plan_.rows.reserve(n_rows);
  in_flight_.resize(static_cast<std::size_t>(options.lag) + 1);
  for (auto& rows : in_flight_) rows.reserve(n_rows);
  blocks_.set_most_new(options.limits.max_num_batched_tokens * (std::int64_t{options.lag} + 1));
  draft_rows_.reserve(static_cast<std::size_t>(options.limits.max_num_batched_tokens));
}

std::int64_t Scheduler::longest_text() const {
  const std::int64_t longest = options_.limits.max_model_len;
  return blocks_.holds_any_length() ? longest : std::min(longest, blocks_.kv().n_tokens());
}

void Scheduler::submit(const Submission& submission) {
  CHECK(!submission.prompt_ids.empty() && submission.max_tokens >= 1, "{} prompt tokens, {} wanted",
        submission.prompt_ids.size(), submission.max_tokens);
  CHECK(!sequences_.contains(submission.id), "sequence {} exists", submission.id);
  const auto n_prompt = static_cast<std::int64_t>(submission.prompt_ids.size());
  const std::int64_t limit = longest_text();
  require_room(n_prompt, limit);
  auto sequence = std::make_unique<Sequence>();
  sequence->id = submission.id;
  sequence->n_prompt = n_prompt;
  sequence->max_total_tokens = std::min(limit, n_prompt + submission.max_tokens);
  if (options_.policy == SchedulePolicy::priority) sequence->priority = submission.priority;
  sequence->arrival = next_arrival_++;
  sequence->cache_salt = submission.cache_salt;
  sequence->wants_prompt_logits = submission.wants_prompt_logits;
  sequence->leader = submission.leader;
  sequence->adapter_slot = submission.adapter_slot;
  sequence->waits_for_token = submission.waits_for_token;
  sequence->token_ids.reserve(static_cast<std::size_t>(sequence->max_total_tokens));
  sequence->token_ids.assign(submission.prompt_ids.begin(), submission.prompt_ids.end());
  const auto max_blocks = static_cast<std::size_t>(blocks_.blocks_for(sequence->max_total_tokens));
  sequence->blocks.block_ids.reserve(max_blocks);
  sequence->prefix_match.hits.reserve(max_blocks);

  // A preempted or ended sequence must find room without an allocation.
  waiting_.reserve(sequences_.size() + 1);
  finished_.reserve(sequences_.size() + 1 + finished_.size());
  Sequence* placed = sequence.get();
  sequences_.emplace(submission.id, std::move(sequence));
  waiting_.insert(std::ranges::upper_bound(waiting_, placed, less_urgent), placed);
}

void Scheduler::finish(SequenceId id, FinishReason reason) {
  const auto found = sequences_.find(id);
  if (found != sequences_.end()) end(*found->second, reason);
}

void Scheduler::commit(std::span<const RowResult> results) {
  commit(results, [](const Sequence&, std::int32_t) {});
}

void Scheduler::commit(std::span<const RowResult> results, FullBlock each_full) {
  CHECK(n_committed_ < n_planned_, "no step is in flight");
  const std::vector<RowInFlight>& rows = in_flight_[n_committed_ % in_flight_.size()];
  CHECK(results.size() == rows.size(), "{} results for {} rows", results.size(), rows.size());
  ++n_committed_;
  for (std::size_t i = 0; i < rows.size(); ++i) commit_row(rows[i], results[i], each_full);
}

void Scheduler::commit_row(const RowInFlight& row, const RowResult& result, FullBlock each_full) {
  CHECK(result.sequence_id == row.id, "result of sequence {}, want {}", result.sequence_id, row.id);
  const auto found = sequences_.find(row.id);
  if (found == sequences_.end()) return;  // ended while this row was in flight
  Sequence& sequence = *found->second;
  const auto n_drawn = static_cast<std::int32_t>(result.token_ids.size());
  CHECK(n_drawn <= row.n_draws, "sequence {} drew {} tokens, at most {} were planned", row.id,
        n_drawn, row.n_draws);
  // A token drawn before a preemption is as good as one drawn after it: it stays.
  sequence.token_ids.insert(sequence.token_ids.end(), result.token_ids.begin(),
                            result.token_ids.end());
  sequence.n_pending -= row.n_draws;
  if (row.n_draws > 1) sequence.verifies_drafts = false;
  if (row.epoch == sequence.epoch) {
    const std::int32_t n_rejected = row.n_draws - n_drawn;  // their K/V rows are written again
    sequence.n_computed += row.n_new_tokens - n_rejected;
    sequence.n_in_flight -= row.n_new_tokens;
    const std::int32_t n_full_before = sequence.blocks.n_registered;
    blocks_.register_full(sequence.blocks, sequence.token_ids,
                          std::min(sequence.n_computed, sequence.n_known()));
    for (std::int32_t i = n_full_before; i < sequence.blocks.n_registered; ++i) {
      if (result.finish != FinishReason::error) each_full(sequence, i);
    }
    if (result.finish == FinishReason::none)
      blocks_.give_back_unseen(sequence.blocks, sequence.n_computed);
  }
  CHECK(row.n_draws == 0 || n_drawn > 0 || result.finish == FinishReason::error,
        "sequence {} was to draw a token", sequence.id);
  if (result.finish != FinishReason::none) {
    end(sequence, result.finish);
  } else if (row.n_draws > 0 && sequence.n_known() >= sequence.max_total_tokens) {
    end(sequence, FinishReason::length);
  }
}

Sequence& Scheduler::loading(SequenceId id) {
  const auto found = sequences_.find(id);
  CHECK(found != sequences_.end() && found->second->n_loading > 0, "sequence {} loads nothing", id);
  return *found->second;
}

void Scheduler::loaded(SequenceId id, std::int64_t n_tokens) {
  Sequence& sequence = loading(id);
  CHECK(n_tokens <= sequence.n_loading && n_tokens % blocks_.block_size() == 0,
        "sequence {}: {} tokens have come of {}", id, n_tokens, sequence.n_loading);
  sequence.n_computed += n_tokens;
  sequence.n_loading -= n_tokens;
  sequence.n_loaded_tokens += n_tokens;
  blocks_.register_full(sequence.blocks, sequence.token_ids, sequence.n_computed);
  note_cached(sequence);
  blocks_.give_back_unseen(sequence.blocks, sequence.n_computed);
}

void Scheduler::end_loading(SequenceId id) {
  Sequence& sequence = loading(id);
  sequence.n_loading = 0;
  note_cached(sequence);
}

// Why it is no more is looked for once it is all that comes.
void Scheduler::note_cached(Sequence& sequence) {
  if (sequence.n_preemptions > 0) return;
  sequence.n_cached_tokens = sequence.n_computed;
  if (sequence.n_loading > 0 || sequence.wants_prompt_logits) return;
  sequence.prefix_gap =
      blocks_.gap_behind(sequence.blocks.last_entry, sequence.n_computed, sequence.prompt_ids());
}

void Scheduler::release(Sequence& sequence) {
  if (sequence.status == SequenceStatus::running) {
    blocks_.release(sequence.blocks);
    free_row_slots_.push_back(sequence.row_slot);
    sequence.row_slot = -1;
    running_.erase(std::ranges::find(running_, &sequence));
  } else {
    waiting_.erase(std::ranges::find(waiting_, &sequence));
  }
}

void Scheduler::end(Sequence& sequence, FinishReason reason) {
  // Nobody shall start from K/V rows that went wrong.
  if (reason == FinishReason::error) blocks_.forget(sequence.blocks);
  release(sequence);
  sequence.status = SequenceStatus::finished;
  sequence.finish_reason = reason;
  const auto found = sequences_.find(sequence.id);
  finished_.push_back(std::move(found->second));
  sequences_.erase(found);
}

void Scheduler::take_finished(function_ref<void(const Sequence&)> each) {
  for (const auto& sequence : finished_) each(*sequence);
  finished_.clear();
}

const Sequence* Scheduler::find(SequenceId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? nullptr : found->second.get();
}

void Scheduler::each_sequence(function_ref<void(const Sequence&)> each) const {
  for (const Sequence* sequence : running_) each(*sequence);
  for (std::size_t i = waiting_.size(); i-- > 0;) each(*waiting_[i]);
}

void Scheduler::check_invariants() const {
  CHECK(running_.size() + waiting_.size() == sequences_.size(), "{} running, {} waiting, {} in all",
        running_.size(), waiting_.size(), sequences_.size());
  CHECK(std::ranges::is_sorted(running_, more_urgent), "running is out of order");
  CHECK(std::ranges::is_sorted(waiting_, less_urgent), "waiting is out of order");
  CHECK(running_.size() + free_row_slots_.size() ==
            static_cast<std::size_t>(options_.limits.max_num_seqs),
        "{} rows are taken, {} free", running_.size(), free_row_slots_.size());
  std::vector<const BlockTable*> tables;
  for (const auto& [id, sequence] : sequences_) {
    tables.push_back(&sequence->blocks);
    const bool runs = sequence->status == SequenceStatus::running;
    CHECK(runs || sequence->blocks.block_ids.empty(), "sequence {} waits and holds blocks", id);
    CHECK(sequence->n_loading == 0 || (runs && sequence->n_in_flight == 0),
          "sequence {} loads and computes", id);
    CHECK(sequence->n_computed + sequence->n_in_flight <= sequence->n_total(),
          "sequence {} is computed past its end", id);
    CHECK(sequence->n_total() <= sequence->max_total_tokens, "sequence {} is too long", id);
    CHECK(!runs ||
              static_cast<std::int64_t>(sequence->blocks.block_ids.size()) * blocks_.block_size() >=
                  sequence->n_computed + sequence->n_in_flight,
          "sequence {} has too few blocks", id);
  }
  blocks_.check_invariants(tables);
}

}  // namespace tinyllm
