#include "schedule/scheduler.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/error.h"

namespace tinyllm {
namespace {

// One level of priority lets a sequence pass this many older ones, and no more: under any load
// everybody's turn comes.
constexpr std::int64_t kArrivalsPerPriority = 1000;

std::int64_t place_in_line(const Sequence& sequence) {
  return static_cast<std::int64_t>(sequence.arrival) + kArrivalsPerPriority * sequence.priority;
}

// Whether `a` runs before `b`. Priorities are equal (0) under first come, first served.
bool more_urgent(const Sequence* a, const Sequence* b) {
  const std::int64_t of_a = place_in_line(*a), of_b = place_in_line(*b);
  return of_a != of_b ? of_a < of_b : a->arrival < b->arrival;
}

bool less_urgent(const Sequence* a, const Sequence* b) { return more_urgent(b, a); }

bool decodes(const Sequence& sequence) {
  return sequence.n_to_compute() == 1 && sequence.n_total() < sequence.max_total_tokens;
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options, const KvBlocksOptions& blocks)
    : options_(options), blocks_(blocks) {
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
}

void Scheduler::submit(const Submission& submission) {
  CHECK(!submission.prompt_ids.empty() && submission.max_tokens >= 1, "{} prompt tokens, {} wanted",
        submission.prompt_ids.size(), submission.max_tokens);
  CHECK(!sequences_.contains(submission.id), "sequence {} exists", submission.id);
  const auto n_prompt = static_cast<std::int64_t>(submission.prompt_ids.size());
  const std::int64_t n_pool_tokens = blocks_.kv().n_tokens();
  const std::int64_t limit = std::min<std::int64_t>(options_.limits.max_model_len, n_pool_tokens);
  if (n_prompt >= limit) {
    fail(ErrorCode::context_overflow,
         "the prompt has {} tokens, at most {} fit (context {}, KV cache {} tokens) with one to "
         "answer",
         n_prompt, limit - 1, options_.limits.max_model_len, n_pool_tokens);
  }
  auto sequence = std::make_unique<Sequence>();
  sequence->id = submission.id;
  sequence->n_prompt = n_prompt;
  sequence->max_total_tokens = std::min(limit, n_prompt + submission.max_tokens);
  if (options_.policy == SchedulePolicy::priority) sequence->priority = submission.priority;
  sequence->arrival = next_arrival_++;
  sequence->cache_salt = submission.cache_salt;
  sequence->wants_prompt_logits = submission.wants_prompt_logits;
  sequence->leader = submission.leader;
  sequence->token_ids.reserve(static_cast<std::size_t>(sequence->max_total_tokens));
  sequence->token_ids.assign(submission.prompt_ids.begin(), submission.prompt_ids.end());
  sequence->blocks.block_ids.reserve(
      static_cast<std::size_t>(blocks_.blocks_for(sequence->max_total_tokens)));

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

const StepPlan& Scheduler::plan() {
  CHECK(n_planned_ - n_committed_ < in_flight_.size(), "{} steps are uncommitted, lag is {}",
        n_planned_ - n_committed_, options_.lag);
  plan_.rows.clear();
  plan_.n_tokens = 0;
  plan_.step_id = n_planned_ + 1;
  in_flight_[n_planned_ % in_flight_.size()].clear();
  std::int64_t budget = options_.limits.max_num_batched_tokens;
  const bool preempted = schedule_running(budget);
  if (!preempted) admit_waiting(budget);
  if (!plan_.rows.empty()) ++n_planned_;
  return plan_;
}

bool Scheduler::schedule_running(std::int64_t& budget) {
  const std::uint64_t n_preemptions_before = n_preemptions_;
  // A long prompt leaves one token of the budget to each sequence behind it that decodes.
  std::int64_t n_decodes_behind =
      std::ranges::count_if(running_, [](auto* s) { return decodes(*s); });
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.n_total() >= sequence.max_total_tokens || sequence.n_to_compute() == 0) continue;
    if (decodes(sequence)) --n_decodes_behind;
    const std::int64_t n_allowed = budget - n_decodes_behind;
    if (n_allowed <= 0) continue;
    const std::int64_t n_new = std::min(sequence.n_to_compute(), n_allowed);
    if (!make_room(i, sequence.n_computed + sequence.n_in_flight + n_new)) break;
    add_row(sequence, n_allowed, budget);
  }
  return n_preemptions_ != n_preemptions_before;
}

bool Scheduler::make_room(std::size_t i, std::int64_t n_tokens) {
  while (!blocks_.grow(running_[i]->blocks, n_tokens)) {
    const bool itself = running_.size() == i + 1;
    preempt_youngest();
    if (itself) return false;
  }
  return true;
}

void Scheduler::preempt_youngest() {
  Sequence& victim = *running_.back();
  release(victim);
  victim.status = SequenceStatus::waiting;
  victim.n_computed = victim.n_in_flight = 0;
  ++victim.epoch;
  ++victim.n_preemptions;
  ++n_preemptions_;
  waiting_.insert(std::ranges::upper_bound(waiting_, &victim, less_urgent), &victim);
}

void Scheduler::admit_waiting(std::int64_t& budget) {
  for (std::size_t i = waiting_.size(); i-- > 0 && budget > 0 && !free_row_slots_.empty();) {
    Sequence& sequence = *waiting_[i];
    if (waits_for_leader(sequence)) continue;  // others may pass
    if (!fits_now(sequence)) return;           // nobody may pass: no starvation
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    admit(sequence, budget);
  }
}

bool Scheduler::waits_for_leader(const Sequence& sequence) const {
  const Sequence* leader = sequence.leader == 0 ? nullptr : find(sequence.leader);
  if (leader == nullptr) return false;
  const std::int64_t n_shared =
      (leader->n_prompt - 1) / blocks_.block_size() * blocks_.block_size();
  return leader->n_computed < n_shared && more_urgent(leader, &sequence);
}

// The whole of what is known must fit, so that an admitted prompt never waits for blocks half-way.
bool Scheduler::fits_now(const Sequence& sequence) const {
  KvBlocks::Match match;
  if (!sequence.wants_prompt_logits) match = blocks_.match(sequence.token_ids, sequence.cache_salt);
  const std::int32_t n_taken =
      blocks_.blocks_for(sequence.n_known()) - match.n_blocks + match.n_free_blocks;
  const std::int32_t n_spare = running_.empty() ? 0 : options_.watermark_blocks;
  return blocks_.n_free() - n_taken >= n_spare;
}

void Scheduler::admit(Sequence& sequence, std::int64_t& budget) {
  sequence.n_computed = blocks_.start(sequence.blocks, sequence.token_ids, sequence.cache_salt,
                                      !sequence.wants_prompt_logits);
  if (sequence.n_preemptions == 0) sequence.n_cached_tokens = sequence.n_computed;
  const bool grown = blocks_.grow(sequence.blocks, sequence.n_known());
  CHECK(grown, "sequence {} was admitted without room", sequence.id);
  sequence.status = SequenceStatus::running;
  sequence.row_slot = free_row_slots_.back();
  free_row_slots_.pop_back();
  running_.insert(std::ranges::upper_bound(running_, &sequence, more_urgent), &sequence);
  add_row(sequence, budget, budget);
}

void Scheduler::add_row(Sequence& sequence, std::int64_t n_allowed, std::int64_t& budget) {
  PlanRow row;
  row.sequence_id = sequence.id;
  row.row_slot = sequence.row_slot;
  row.start = sequence.n_computed + sequence.n_in_flight;
  row.last_sampled = row.start >= sequence.n_known();
  const std::int64_t n_known_left = sequence.n_known() - row.start;
  row.n_new_tokens =
      static_cast<std::int32_t>(row.last_sampled ? 1 : std::min(n_known_left, n_allowed));
  const std::int64_t end = row.start + row.n_new_tokens;
  row.samples = end == sequence.n_total();
  row.n_logits = row.samples ? 1 : 0;
  if (sequence.wants_prompt_logits && sequence.n_logits_given < std::min(end, sequence.n_prompt)) {
    row.n_logits = row.n_new_tokens;
    sequence.n_logits_given = end;
  }
  if (!row.last_sampled) {
    row.token_ids = std::span(sequence.token_ids)
                        .subspan(static_cast<std::size_t>(row.start),
                                 static_cast<std::size_t>(row.n_new_tokens));
  }
  row.block_table = sequence.blocks.block_ids;
  plan_.rows.push_back(row);
  plan_.n_tokens += row.n_new_tokens;
  in_flight_[n_planned_ % in_flight_.size()].push_back(
      {sequence.id, sequence.epoch, row.n_new_tokens, row.samples});
  sequence.n_in_flight += row.n_new_tokens;
  sequence.n_pending += row.samples ? 1 : 0;
  budget -= row.n_new_tokens;
}

void Scheduler::commit(std::span<const RowResult> results) {
  CHECK(n_committed_ < n_planned_, "no step is in flight");
  const std::vector<RowInFlight>& rows = in_flight_[n_committed_ % in_flight_.size()];
  CHECK(results.size() == rows.size(), "{} results for {} rows", results.size(), rows.size());
  ++n_committed_;
  for (std::size_t i = 0; i < rows.size(); ++i) commit_row(rows[i], results[i]);
}

void Scheduler::commit_row(const RowInFlight& row, const RowResult& result) {
  CHECK(result.sequence_id == row.id, "result of sequence {}, want {}", result.sequence_id, row.id);
  const auto found = sequences_.find(row.id);
  if (found == sequences_.end()) return;  // ended while this row was in flight
  Sequence& sequence = *found->second;
  if (row.epoch == sequence.epoch) {
    sequence.n_computed += row.n_new_tokens;
    sequence.n_in_flight -= row.n_new_tokens;
    blocks_.register_full(sequence.blocks, sequence.token_ids,
                          std::min(sequence.n_computed, sequence.n_known()));
  }
  if (!row.samples) {
    if (result.finish != FinishReason::none) end(sequence, result.finish);
    return;
  }
  // A token drawn before a preemption is as good as one drawn after it: it stays.
  --sequence.n_pending;
  CHECK(result.token_id >= 0 || result.finish == FinishReason::error,
        "sequence {} was to draw a token", sequence.id);
  if (result.token_id >= 0) sequence.token_ids.push_back(result.token_id);
  if (result.finish != FinishReason::none) {
    end(sequence, result.finish);
  } else if (sequence.n_known() >= sequence.max_total_tokens) {
    end(sequence, FinishReason::length);
  }
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
