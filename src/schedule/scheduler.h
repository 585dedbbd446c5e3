#pragma once
// Decides what the next step computes. Policy: sequences that run come first, then
// waiting ones in order (first come first served, or by priority within bounds: one
// level passes at most 1000 older ones, so that everybody's turn comes), all from one
// token budget; long prompts are cut into chunks that share their step with decodes.
// When blocks run out the youngest running sequence gives its own back and computes
// them again later. No tensor, no device, no clock: integers only. Engine thread only.
//
//   submit -> waiting --admit--> running --finish--> finished -> take_finished
//                ^                  |
//                +--- preempt ------+
//
// `lag` steps may be planned before the oldest is committed (0 on the CPU, 1 on CUDA): a row may
// then continue from a token that is still being drawn. A sequence that ends or is preempted gives
// its blocks and its row slot back at once: steps run one after another, so whoever gets them
// writes after the step in flight. Rows in flight of such a sequence are dropped at their commit.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/schedule_policy.h"
#include "api/step_limits.h"
#include "base/function_ref.h"
#include "cache/kv_blocks.h"
#include "schedule/sequence.h"
#include "schedule/step_plan.h"

namespace tinyllm {

struct SchedulerOptions {
  StepLimits limits;
  std::int32_t lag = 0;
  SchedulePolicy policy = SchedulePolicy::first_come_first_served;
  // Blocks that stay free when a new sequence is admitted,
  // so that running ones can grow: less preemption.
  std::int32_t watermark_blocks = 0;
};

struct Submission {
  SequenceId id = 0;
  std::span<const TokenId> prompt_ids = {};
  std::int64_t max_tokens = 0;
  std::int32_t priority = 0;
  std::string_view cache_salt = {};
  bool wants_prompt_logits = false;
  SequenceId leader = 0;
  std::int32_t adapter_slot = -1;
  bool waits_for_token = false;
};

// What came of one planned row: the drawn tokens, and whether the engine ends the text with them.
struct RowResult {
  SequenceId sequence_id = 0;
  // One where the row draws, up to n_draws where drafts were accepted, fewer where the text ends
  // before. None: the row did not draw, or its sequence ends with an error.
  std::span<const TokenId> token_ids = {};
  FinishReason finish = FinishReason::none;
};

// Guesses what follows all known tokens of a sequence that is about to decode: at most n_most
// drafts, often none. The span is read before the next call.
using ProposeDrafts =
    function_ref<std::span<const TokenId>(const Sequence& sequence, std::int64_t n_most)>;

// Asked when a sequence is admitted and there is room for the whole of it: how many tokens behind
// n_computed, whole blocks that leave one token to compute, are going to be written into its blocks
// from elsewhere.
using FetchBlocks = function_ref<std::int64_t(const Sequence& sequence)>;

// Told of every block of a sequence that is full now, before anybody else can take it.
using FullBlock = function_ref<void(const Sequence& sequence, std::int32_t block_idx)>;

class Scheduler {
 public:
  Scheduler(const SchedulerOptions& options, const KvBlocksOptions& blocks);

  // Throws Error{context_overflow} with the numbers when the sequence can never fit into the
  // context or the pool. Allocates: not part of a step.
  void submit(const Submission& submission);

  // Ends a sequence in any state. No-op when unknown.
  void finish(SequenceId id, FinishReason reason);

  // The next step, empty when there is nothing to do.
  // CHECKs that at most `lag` steps are uncommitted.
  const StepPlan& plan();
  // The same with drafts for the sequences that decode, as far as budget and free blocks go: a
  // draft preempts nobody. The next row of a sequence with drafts waits until they are judged.
  const StepPlan& plan(ProposeDrafts propose);
  // The same where blocks of prompts may come from elsewhere. A sequence that waits for them holds
  // its row and its blocks; loaded() or end_loading() lets it go on.
  const StepPlan& plan(ProposeDrafts propose, FetchBlocks fetch);

  // The next n_tokens that a sequence waits for, whole blocks, are in its blocks now.
  void loaded(SequenceId id, std::int64_t n_tokens);
  // No more of them come: the rest is computed.
  void end_loading(SequenceId id);

  // Takes the oldest uncommitted step's results, one for each row in
  // plan order. Appends the drawn tokens, registers full blocks, and
  // ends sequences that the engine ended or that reached their length.
  void commit(std::span<const RowResult> results);
  void commit(std::span<const RowResult> results, FullBlock each_full);

  // Calls with every sequence that ended since the last call and forgets it.
  void take_finished(function_ref<void(const Sequence&)> each);

  const Sequence* find(SequenceId id) const;
  // Those whose next row may carry drafts: one token is to be computed, and it is known.
  void each_decoding(function_ref<void(const Sequence&)> each) const;
  // Running ones first, then waiting ones, the most urgent first.
  void each_sequence(function_ref<void(const Sequence&)> each) const;
  std::int32_t n_running() const { return static_cast<std::int32_t>(running_.size()); }
  std::int32_t n_waiting() const { return static_cast<std::int32_t>(waiting_.size()); }
  bool idle() const { return sequences_.empty(); }
  const KvBlocks& blocks() const { return blocks_; }
  std::int64_t longest_text() const;  // that context and pool have room for
  std::uint64_t n_preemptions() const { return n_preemptions_; }

  void check_invariants() const;  // for tests

 private:
  struct RowInFlight {
    SequenceId id;
    std::uint32_t epoch;
    std::int32_t n_new_tokens, n_draws;
  };

  bool schedule_running(std::int64_t& budget, ProposeDrafts propose);  // true: one was preempted
  // The drafts that a decode may take along, with blocks for them; empty where there is no room.
  std::span<const TokenId> drafts_for(Sequence& sequence, std::int64_t n_allowed,
                                      ProposeDrafts propose);
  void admit_waiting(std::int64_t& budget, FetchBlocks fetch);
  bool waits_for_leader(const Sequence& sequence) const;
  bool waits_for_load(const Sequence& sequence) const;
  bool fits_now(Sequence& sequence) const;
  std::int32_t n_to_give() const;  // free blocks that a new sequence may take
  void admit(Sequence& sequence, std::int64_t& budget, FetchBlocks fetch);
  void add_row(Sequence& sequence, std::int64_t n_allowed, std::span<const TokenId> drafts,
               std::int64_t& budget);
  // The new tokens of a row: of the sequence itself, or with drafts behind them.
  std::span<const TokenId> tokens_of(const Sequence& sequence, const PlanRow& row,
                                     std::span<const TokenId> drafts);
  // Grows the table of running_[i] for n_tokens; preempts
  // those behind it, in the end itself (then false).
  bool make_room(std::size_t i, std::int64_t n_tokens);
  void preempt_youngest();
  void commit_row(const RowInFlight& row, const RowResult& result, FullBlock each_full);
  Sequence& loading(SequenceId id);
  void note_cached(Sequence& sequence);  // of its prompt, so far
  void release(Sequence& sequence);      // blocks, row slot, place in running_ or waiting_
  void end(Sequence& sequence, FinishReason reason);

  SchedulerOptions options_;
  KvBlocks blocks_;
  std::unordered_map<SequenceId, std::unique_ptr<Sequence>> sequences_;  // not finished
  std::vector<Sequence*> running_;                                       // most urgent first
  std::vector<Sequence*> waiting_;                                       // most urgent last
  std::vector<std::unique_ptr<Sequence>> finished_;
  std::vector<std::int32_t> free_row_slots_;
  std::vector<std::vector<RowInFlight>> in_flight_;  // [lag + 1] steps, a ring
  std::uint64_t n_planned_ = 0, n_committed_ = 0;    // steps that had rows
  StepPlan plan_;
  std::vector<TokenId> draft_rows_;  // of plan_: the last known token and its drafts, each row
  std::uint64_t next_arrival_ = 1;
  std::uint64_t n_preemptions_ = 0;
};

}  // namespace tinyllm
