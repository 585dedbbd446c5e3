// What the next step computes: who goes on, who is admitted, who gives its blocks back.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "schedule/scheduler.h"
#include "schedule/turn.h"

namespace tinyllm {
namespace {

// Whether a running sequence has a next row that can be planned now.
bool is_ready(const Sequence& sequence) {
  if (sequence.n_pending > 0 && (sequence.waits_for_token || sequence.verifies_drafts))
    return false;
  if (sequence.n_loading > 0) return false;
  return sequence.n_total() < sequence.max_total_tokens && sequence.n_to_compute() > 0;
}

bool decodes(const Sequence& sequence) {
  return is_ready(sequence) && sequence.n_to_compute() == 1;
}

bool takes_drafts(const Sequence& sequence) { return decodes(sequence) && sequence.n_pending == 0; }

}  // namespace

const StepPlan& Scheduler::plan() {
  return plan([](const Sequence&, std::int64_t) { return std::span<const TokenId>(); });
}

const StepPlan& Scheduler::plan(ProposeDrafts propose) {
  return plan(propose, [](const Sequence&) { return std::int64_t{0}; });
}

const StepPlan& Scheduler::plan(ProposeDrafts propose, FetchBlocks fetch) {
  CHECK(n_planned_ - n_committed_ < in_flight_.size(), "{} steps are uncommitted, lag is {}",
        n_planned_ - n_committed_, options_.lag);
  plan_.rows.clear();
  plan_.n_tokens = 0;
  plan_.step_id = n_planned_ + 1;
  draft_rows_.clear();
  in_flight_[n_planned_ % in_flight_.size()].clear();
  std::int64_t budget = options_.limits.max_num_batched_tokens;
  const bool preempted = schedule_running(budget, propose);
  if (!preempted) admit_waiting(budget, fetch);
  if (!plan_.rows.empty()) ++n_planned_;
  return plan_;
}

void Scheduler::each_decoding(function_ref<void(const Sequence&)> each) const {
  for (const Sequence* sequence : running_) {
    if (takes_drafts(*sequence)) each(*sequence);
  }
}

bool Scheduler::schedule_running(std::int64_t& budget, ProposeDrafts propose) {
  const std::uint64_t n_preemptions_before = n_preemptions_;
  // A long prompt leaves one token of the budget to each sequence behind it that decodes.
  std::int64_t n_decodes_behind =
      std::ranges::count_if(running_, [](auto* s) { return decodes(*s); });
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (!is_ready(sequence)) continue;
    if (decodes(sequence)) --n_decodes_behind;
    const std::int64_t n_allowed = budget - n_decodes_behind;
    if (n_allowed <= 0) continue;
    const std::span<const TokenId> drafts = drafts_for(sequence, n_allowed, propose);
    const std::int64_t n_new = std::min(sequence.n_to_compute(), n_allowed);
    if (!make_room(i, sequence.n_computed + sequence.n_in_flight + n_new)) break;
    add_row(sequence, n_allowed, drafts, budget);
  }
  return n_preemptions_ != n_preemptions_before;
}

std::span<const TokenId> Scheduler::drafts_for(Sequence& sequence, std::int64_t n_allowed,
                                               ProposeDrafts propose) {
  if (!takes_drafts(sequence)) return {};
  // Each draft that is accepted adds a token, and one more is drawn behind the last of them.
  const std::int64_t n_most =
      std::min(n_allowed, sequence.max_total_tokens - sequence.n_known()) - 1;
  if (n_most <= 0) return {};
  std::span<const TokenId> drafts = propose(sequence, n_most);
  drafts = drafts.first(std::min(drafts.size(), static_cast<std::size_t>(n_most)));
  if (drafts.empty()) return {};
  const std::int64_t n_total = sequence.n_known() + std::ssize(drafts);
  // Whoever decodes beside it may need a block each, and shall not be preempted for a guess.
  const std::int64_t n_wanted = blocks_.blocks_for(n_total) - std::ssize(sequence.blocks.block_ids);
  if (blocks_.n_free() - n_wanted < std::ssize(running_)) return {};
  return blocks_.grow(sequence.blocks, n_total) ? drafts : std::span<const TokenId>();
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
  victim.n_computed = victim.n_in_flight = victim.n_loading = 0;
  ++victim.epoch;
  ++victim.n_preemptions;
  ++n_preemptions_;
  waiting_.insert(std::ranges::upper_bound(waiting_, &victim, less_urgent), &victim);
}

void Scheduler::admit_waiting(std::int64_t& budget, FetchBlocks fetch) {
  for (std::size_t i = waiting_.size(); i-- > 0 && budget > 0 && !free_row_slots_.empty();) {
    Sequence& sequence = *waiting_[i];
    if (sequence.n_pending > 0 || waits_for_leader(sequence)) continue;  // others may pass
    if (!fits_now(sequence)) return;  // nobody may pass: no starvation
    if (waits_for_load(sequence)) continue;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    admit(sequence, budget, fetch);
  }
}

bool Scheduler::waits_for_leader(const Sequence& sequence) const {
  const Sequence* leader = sequence.leader == 0 ? nullptr : find(sequence.leader);
  if (leader == nullptr) return false;
  const std::int64_t n_shared =
      (leader->n_prompt - 1) / blocks_.block_size() * blocks_.block_size();
  return leader->n_computed < n_shared && more_urgent(leader, &sequence);
}

// Whether the block behind those that are cached is on its way to another sequence, to be shared.
// Only the first block and this one are compared: who is mistaken for one of the same text waits a
// little longer, no more.
bool Scheduler::waits_for_load(const Sequence& sequence) const {
  if (sequence.wants_prompt_logits) return false;  // it reads no cached blocks
  const auto size = static_cast<std::size_t>(blocks_.block_size());
  const std::size_t next = sequence.prefix_match.hits.size() * size;
  if (next + size >= sequence.token_ids.size()) return false;  // one token is left to compute
  const auto block = [&](const Sequence& of, std::size_t begin) {
    return std::span(of.token_ids).subspan(begin, size);
  };
  return std::ranges::any_of(running_, [&](const Sequence* other) {
    const auto n_coming = static_cast<std::size_t>(other->n_computed + other->n_loading);
    return other->n_loading > 0 && next + size <= n_coming &&
           other->cache_salt == sequence.cache_salt &&
           std::ranges::equal(block(*other, 0), block(sequence, 0)) &&
           std::ranges::equal(block(*other, next), block(sequence, next));
  });
}

// The whole of what is known must fit, so that an admitted prompt never waits for blocks half-way;
// where blocks are given back, all that it holds at once, beside what running prompts come to hold.
bool Scheduler::fits_now(Sequence& sequence) const {
  std::span<const TokenId> tokens = sequence.token_ids;
  if (sequence.wants_prompt_logits) tokens = {};  // no token of it may come from the cache
  blocks_.update(sequence.prefix_match, tokens, sequence.cache_salt);
  return blocks_.n_taken_at_once(sequence.prefix_match, sequence.n_known()) <= n_to_give();
}

std::int32_t Scheduler::n_to_give() const {
  std::int32_t n_kept = running_.empty() ? 0 : options_.watermark_blocks;
  if (blocks_.holds_any_length()) {
    for (const Sequence* other : running_)
      n_kept += blocks_.n_yet_to_take(other->blocks, other->n_known());
  }
  return blocks_.n_free() - n_kept;
}

void Scheduler::admit(Sequence& sequence, std::int64_t& budget, FetchBlocks fetch) {
  // What is fetched is held as a whole, whatever the window.
  const bool whole = blocks_.n_taken(sequence.prefix_match, sequence.n_known()) <= n_to_give();
  sequence.n_computed = blocks_.start(sequence.blocks, sequence.prefix_match);
  sequence.status = SequenceStatus::running;
  sequence.begins_to_draw = true;
  sequence.row_slot = free_row_slots_.back();
  free_row_slots_.pop_back();
  running_.insert(std::ranges::upper_bound(running_, &sequence, more_urgent), &sequence);
  if (whole && !sequence.wants_prompt_logits) sequence.n_loading = fetch(sequence);
  note_cached(sequence);
  const std::int64_t n_first = sequence.n_computed + sequence.n_loading + budget;
  const std::int64_t n_wanted =
      blocks_.holds_any_length() ? std::min(sequence.n_known(), n_first) : sequence.n_known();
  const bool grown = blocks_.grow(sequence.blocks, n_wanted);
  CHECK(grown, "sequence {} was admitted without room", sequence.id);
  CHECK(sequence.n_loading % blocks_.block_size() == 0 &&
            sequence.n_computed + sequence.n_loading < sequence.n_known(),
        "sequence {} is to load {} of {} tokens", sequence.id, sequence.n_loading,
        sequence.n_known());
  if (sequence.n_loading == 0) add_row(sequence, budget, {}, budget);
}

void Scheduler::add_row(Sequence& sequence, std::int64_t n_allowed, std::span<const TokenId> drafts,
                        std::int64_t& budget) {
  PlanRow row;
  row.sequence_id = sequence.id;
  row.row_slot = sequence.row_slot;
  row.adapter_slot = sequence.adapter_slot;
  row.start = sequence.n_computed + sequence.n_in_flight;
  row.last_sampled = row.start >= sequence.n_known();
  const auto n_drafts = static_cast<std::int32_t>(drafts.size());
  const std::int64_t n_known_left = sequence.n_known() - row.start;
  row.n_new_tokens =
      static_cast<std::int32_t>(row.last_sampled ? 1 : std::min(n_known_left, n_allowed)) +
      n_drafts;
  const std::int64_t end = row.start + row.n_new_tokens;
  row.n_draws = row.n_logits = end - n_drafts == sequence.n_total() ? 1 + n_drafts : 0;
  if (sequence.wants_prompt_logits && sequence.n_logits_given < std::min(end, sequence.n_prompt)) {
    row.n_logits = static_cast<std::int32_t>(end - std::max(row.start, sequence.n_logits_given));
    sequence.n_logits_given = end;
  }
  row.token_ids = tokens_of(sequence, row, drafts);
  row.block_table = sequence.blocks.block_ids;
  if (row.n_draws > 0) row.begins_to_draw = std::exchange(sequence.begins_to_draw, false);
  plan_.rows.push_back(row);
  plan_.n_tokens += row.n_new_tokens;
  in_flight_[n_planned_ % in_flight_.size()].push_back(
      {sequence.id, sequence.epoch, row.n_new_tokens, row.n_draws});
  sequence.n_in_flight += row.n_new_tokens;
  sequence.n_pending += row.n_draws;
  sequence.verifies_drafts = n_drafts > 0;
  budget -= row.n_new_tokens;
}

std::span<const TokenId> Scheduler::tokens_of(const Sequence& sequence, const PlanRow& row,
                                              std::span<const TokenId> drafts) {
  if (row.last_sampled) return {};
  if (drafts.empty()) {
    return std::span(sequence.token_ids)
        .subspan(static_cast<std::size_t>(row.start), static_cast<std::size_t>(row.n_new_tokens));
  }
  const std::size_t begin = draft_rows_.size();
  draft_rows_.push_back(sequence.token_ids.back());
  draft_rows_.insert(draft_rows_.end(), drafts.begin(), drafts.end());
  return std::span(draft_rows_).subspan(begin);
}

}  // namespace tinyllm
