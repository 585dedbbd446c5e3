#pragma once
// Drafts by a smaller model. It draws as the model itself would at each place (same parameters, same
// seed and position, same masks), so that both take the same token where they agree on the
// probabilities, at any temperature. What is certain is not drawn: it comes from the guide.
//
// Its K/V rows lie where the sequence's block table says, in pages of its own. Tokens that it has not
// seen (a prompt, others' drafts) are computed first, if what the drafts promise pays for that. It
// drafts while a draft more promises more tokens for its time, and not at all where even the best
// number of them would not pay. Its vocabulary may have fewer or more rows than the model's. Engine
// thread only.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/kv_spec.h"
#include "engine/draft_model.h"
#include "runner/step_runner.h"
#include "speculative/draft_rows.h"
#include "speculative/draft_worth.h"
#include "speculative/drafter.h"
#include "speculative/guess_trust.h"

namespace tinyllm {

// Blocks that a sequence may need behind its own, for the rows of drafts.
std::int32_t n_spare_draft_blocks(const KvSpec& kv);

class ModelDrafter final : public Drafter {
 public:
  // How the token behind `drafts` is drawn, for a head of n_words mask words; valid until the next
  // call.
  using SettingsOf = std::function<RowSettings(
      const Sequence& sequence, std::span<const TokenId> drafts, std::size_t n_words)>;

  // Configures the model's backend for the engine's limits and blocks; `model` must outlive it. `cost`:
  // of a step of the draft model, in steps of the other one, until it is measured. `always`: drafts
  // whatever it costs.
  ModelDrafter(DraftModel& model, const StepLimits& limits, const KvSpec& kv, double cost,
               SettingsOf settings_of, bool always);

  void propose_all(const DraftRound& round) override;
  void end(const Sequence& sequence) override;

 private:
  struct Guess {
    TokenId token_id;
    float probability;
    bool is_forced;  // by the guide
  };
  // A prompt is read before a draft of it can be right: a debt that shrinks as the answer grows.
  struct Loan {
    double n_steps = 0;           // what the reading has taken
    double n_outputs_before = 0;  // tokens of the answer when it began
    double n_outputs_over = 1;    // tokens over which it is to be earned
    std::int64_t end = 0;         // tokens [0, end) are read
    std::uint32_t epoch = 0;      // of the sequence: preemption ends the reading

    double left(double n_outputs) const;
  };
  struct Text {
    DraftRows::Text rows;
    GuessTrust trust;
    std::optional<SamplingParams> params;
    std::vector<Guess> guesses;  // of the last round, from position guessed_at on
    std::int64_t guessed_at = 0;
    double balance = 0;            // steps that its drafts have saved so far, less what they took
    double n_paid = 0;             // what the last round took
    Loan loan;                     // what a prompt's reading took, to be earned by the drafts
    bool has_unknown_ids = false;  // outside the draft model's vocabulary
    bool was_refused = false;
  };
  // A sequence of the round that is drafted for.
  struct Running {
    const DraftWish* wish;
    Text* text;
    std::vector<BlockId> blocks;  // its own, and spare ones behind them
    std::vector<Draft> drafts;
    std::vector<TokenId> draft_ids, fed_ids;  // of the drafts; of the row that is being computed
    std::int64_t n_computed;                  // rows that are there, also of drafts
    bool has_drawn = false, goes_on = true;
    double chance = 1, tokens = 1;  // that all drafts are right; expected of the step
  };

  Text& text_of(const Sequence& sequence);
  void read(Text& text, const Sequence& sequence);
  void choose(const DraftRound& round);
  bool pays(const DraftWish& wish, Text& text, const StepCost& cost);
  bool reading_pays(const Sequence& sequence, Text& text, double gain, const StepCost& cost);
  void set_costs(const DraftRound& round, std::int64_t n_drafting);
  double draft_cost(std::int64_t n_rows, const StepCost& cost) const;
  void start(const DraftWish& wish, Text& text);
  void add_forced(Running& running, GuideDrafts guide);
  void add_rows(GuideDrafts guide);
  static std::int64_t n_few_unread(const Running& running);
  void add_row(Running& running, std::int64_t& budget, std::int64_t n_allowed);
  bool is_written_by_another(const PlanRow& row);
  void run_step();
  void charge(const StepCost& cost);
  RowSettings settings_of(const PlanRow& row);
  void take(const RowOutput& output);
  void finish(Running& running);
  Running& running(SequenceId id);

  std::string name_;  // of the model
  StepLimits limits_;
  KvSpec kv_;
  std::int32_t n_spare_;  // blocks of a row slot behind those of the sequences
  double cost_;
  SettingsOf settings_of_;
  bool always_;
  std::int64_t vocab_size_;
  StepRunner runner_;
  DraftRows rows_;
  StepCost step_cost_;       // of its own steps
  double read_seconds_ = 0;  // a token of a prompt; 0: not measured
  bool is_damaged_ = false;  // its logits were not finite
  std::unordered_map<SequenceId, Text> texts_;
  GuessTrust trust_;             // of all texts: where a new one begins
  double n_expected_ = 128;      // tokens of an answer
  std::uint64_t n_refused_ = 0;  // texts for which the trust of all texts promised too little
  // Of the round.
  DraftCosts costs_;
  StepPlan plan_;
  std::uint64_t n_plans_ = 0;
  std::vector<std::uint64_t> written_in_;  // [blocks]: the last plan that writes there
  std::vector<Running> running_;
};

}  // namespace tinyllm
