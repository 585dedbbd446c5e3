#include "engine/model_drafter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "speculative/speculator.h"

namespace tinyllm {
namespace {

// Tokens of one of its steps: so many of a long prompt are read between two steps of the others.
constexpr std::int32_t kMostTokens = 256;
// How fast trust follows what happened: in one text, and over all.
constexpr float kTextRate = 1.0f / 16, kCommonRate = 1.0f / 64;
// Where texts have not paid for a while, one of so many is tried.
constexpr std::uint64_t kTryOneOf = 16;
// What a text may lose by drafts that turn out wrong, in steps, and as a share of its own.
constexpr double kAllowedLoss = 0.5, kAllowedShare = 0.005;
// What a text of so many tokens may lose in all, in steps, beside what a prompt's reading takes.
double allowed_loss(double n_outputs) { return kAllowedLoss + kAllowedShare * n_outputs; }

// A token of a long prompt against a step of one, until it is measured.
constexpr double kReadShare = 1.0 / 8;
// So many tokens that it has not seen are less than a draft or two.
constexpr std::int64_t kFewTokens = 8;

StepLimits draft_limits(StepLimits limits) {
  limits.max_num_batched_tokens = std::max(limits.max_num_seqs, kMostTokens);
  return limits;
}

KvSpec with_spare_blocks(KvSpec kv, std::int32_t max_num_seqs) {
  kv.n_blocks += max_num_seqs * n_spare_draft_blocks(kv);
  return kv;
}

RunnerSizes runner_sizes(const DraftModel& model, const StepLimits& limits, const KvSpec& kv) {
  const BackendSizes sizes = model.decoder->sizes();
  return {
      .limits = limits, .kv = kv, .vocab_size = sizes.vocab_size, .hidden_size = sizes.hidden_size};
}

}  // namespace

// Drafts may lie behind the sequence's last block, and begin in the middle of one.
std::int32_t n_spare_draft_blocks(const KvSpec& kv) { return kv.blocks_for(kMaxDrafts) + 1; }

ModelDrafter::ModelDrafter(DraftModel& model, const StepLimits& limits, const KvSpec& kv,
                           double cost, SettingsOf settings_of, bool always)
    : name_(model.name),
      limits_(draft_limits(limits)),
      kv_(kv),
      n_spare_(n_spare_draft_blocks(kv)),
      cost_(cost),
      settings_of_(std::move(settings_of)),
      always_(always),
      vocab_size_(model.decoder->sizes().vocab_size),
      runner_(*model.decoder, *model.backend,
              runner_sizes(model, limits_, with_spare_blocks(kv, limits.max_num_seqs))),
      rows_(kv.n_blocks, kv.block_size),
      written_in_(static_cast<std::size_t>(with_spare_blocks(kv, limits.max_num_seqs).n_blocks),
                  0) {
  BackendSizes sizes = model.decoder->sizes();
  sizes.limits = limits_;
  sizes.max_samples = limits_.max_num_seqs;
  sizes.max_logprobs = 0;
  model.backend->configure(sizes, with_spare_blocks(kv, limits.max_num_seqs));
}

void ModelDrafter::propose_all(const DraftRound& round) {
  running_.clear();
  if (is_damaged_) return;
  choose(round);
  while (!is_damaged_) {
    add_rows(round.guide);
    if (plan_.rows.empty()) break;
    run_step();
    charge(round.cost);
    set_costs(round, std::ssize(plan_.rows));
  }
  for (Running& running : running_) finish(running);
}

void ModelDrafter::end(const Sequence& sequence) {
  const auto n_outputs = static_cast<double>(sequence.output_ids().size());
  n_expected_ += (n_outputs - n_expected_) / 8;
  texts_.erase(sequence.id);
}

ModelDrafter::Text& ModelDrafter::text_of(const Sequence& sequence) {
  const auto [entry, is_new] = texts_.try_emplace(sequence.id);
  if (is_new) entry->second.trust = trust_;
  return entry->second;
}

// What has come of the last guesses, up to the first wrong one, and which rows are there.
void ModelDrafter::read(Text& text, const Sequence& sequence) {
  std::int64_t n_right = 0;
  for (std::size_t i = 0; i < text.guesses.size(); ++i) {
    const std::size_t place = static_cast<std::size_t>(text.guessed_at) + i;
    if (place >= sequence.token_ids.size()) break;
    const Guess& guess = text.guesses[i];
    const bool right = guess.token_id == sequence.token_ids[place];
    if (!guess.is_forced) {
      n_right += right ? 1 : 0;
      text.trust.learn(guess.probability, right, kTextRate);
      trust_.learn(guess.probability, right, kCommonRate);
    }
    if (!right) break;
  }
  // Drafts that nobody verified have saved nothing, right as they may be.
  const std::int64_t n_more = sequence.n_known() - text.guessed_at - 1;
  text.balance += static_cast<double>(std::clamp<std::int64_t>(n_more, 0, n_right)) * costs_.plain -
                  std::exchange(text.n_paid, 0.0);
  text.guesses.clear();
  text.guessed_at = sequence.n_known();
  const auto is_new = std::span(sequence.token_ids).subspan(text.rows.keys.size());
  if (std::ranges::any_of(is_new, [&](TokenId id) { return id >= vocab_size_; }))
    text.has_unknown_ids = true;
  rows_.follow(text.rows, sequence);
}

// Which sequences of the round are drafted for.
void ModelDrafter::choose(const DraftRound& round) {
  if (round.wishes.empty()) return;
  set_costs(round, std::ssize(round.wishes));
  for (const DraftWish& wish : round.wishes) {
    // Where a window has given blocks back, rows of its own are gone that it may want.
    if (wish.sequence->blocks.n_given_back > 0) continue;
    Text& text = text_of(*wish.sequence);
    read(text, *wish.sequence);
    if (text.has_unknown_ids) continue;
    if (always_ ? wish.drafts->empty() : pays(wish, text, round.cost)) start(wish, text);
  }
}

double ModelDrafter::Loan::left(double n_outputs) const {
  return n_steps * std::clamp(1 - (n_outputs - n_outputs_before) / n_outputs_over, 0.0, 1.0);
}

bool ModelDrafter::pays(const DraftWish& wish, Text& text, const StepCost& cost) {
  const Sequence& sequence = *wish.sequence;
  const auto n_outputs = static_cast<double>(sequence.output_ids().size());
  if (text.balance < -(allowed_loss(n_outputs) + text.loan.left(n_outputs))) return false;
  const auto gain_of = [&] {
    return draft_gain(static_cast<double>(text.trust.mean()), wish.n_most, costs_);
  };
  if (gain_of() < kLeastDraftGain && !std::exchange(text.was_refused, true) &&
      ++n_refused_ % kTryOneOf == 0)
    text.trust.set_mean(GuessTrust().mean());
  const double gain = gain_of();
  DraftCosts found = costs_;
  found.draft = 0;
  if (gain < kLeastDraftGain || draft_gain(*wish.drafts, found) >= gain) return false;
  return reading_pays(sequence, text, gain, cost);
}

// Whether the drafts of the rest of the answer promise more than it takes to compute what has no rows.
bool ModelDrafter::reading_pays(const Sequence& sequence, Text& text, double gain,
                                const StepCost& cost) {
  const std::int64_t n_unseen = sequence.n_known() - text.rows.n_held;
  if (n_unseen <= kFewTokens) return true;
  const auto n_outputs = static_cast<double>(sequence.output_ids().size());
  const double n_left =
      std::min(static_cast<double>(sequence.max_total_tokens - sequence.n_known()),
               std::max(n_expected_ - n_outputs, n_expected_ / 4));
  if ((1 - 1 / gain) * costs_.plain * n_left <= draft_cost(n_unseen, cost) - draft_cost(1, cost))
    return false;
  Loan& loan = text.loan;
  if (text.rows.n_held < loan.end && loan.epoch == sequence.epoch) return true;  // it goes on
  if (text.balance < -allowed_loss(n_outputs)) return false;  // the last one is not yet earned
  loan = {.n_outputs_before = n_outputs,
          .n_outputs_over = std::max(n_left, 1.0),
          .end = sequence.n_known() - 1,
          .epoch = sequence.epoch};
  return true;
}

void ModelDrafter::set_costs(const DraftRound& round, std::int64_t n_drafting) {
  const double plain = round.cost.of(round.n_decoding);
  const auto n = static_cast<double>(n_drafting);
  const double rows = 4;  // of each
  costs_.plain = plain / static_cast<double>(round.n_decoding);
  costs_.row = (round.cost.of(round.n_decoding + 4 * n_drafting) - plain) / (rows * n);
  costs_.draft = draft_cost(n_drafting, round.cost) / n;
}

// Of one of its own steps, in steps of the other model.
double ModelDrafter::draft_cost(std::int64_t n_rows, const StepCost& cost) const {
  if (n_rows > kMaxDrafts) {  // a prompt is read
    const bool is_known = read_seconds_ > 0 && cost.pace() > 0;
    const auto n = static_cast<double>(n_rows);
    return is_known ? n * read_seconds_ / cost.pace() : cost_ * (1 + n * kReadShare);
  }
  const bool is_known = step_cost_.pace() > 0 && cost.pace() > 0;
  return step_cost_.of(n_rows) * (is_known ? step_cost_.pace() / cost.pace() : cost_);
}

void ModelDrafter::start(const DraftWish& wish, Text& text) {
  const Sequence& sequence = *wish.sequence;
  Running& running = running_.emplace_back();
  running.wish = &wish;
  running.text = &text;
  running.blocks = sequence.blocks.block_ids;
  for (std::int32_t i = 0; i < n_spare_; ++i)
    running.blocks.push_back(kv_.n_blocks + sequence.row_slot * n_spare_ + i);
  running.n_computed = text.rows.n_held;
}

// What must come next is not drawn. Drafting ends where the guide cuts a draft.
void ModelDrafter::add_forced(Running& running, GuideDrafts guide) {
  const DraftWish& wish = *running.wish;
  const std::size_t n_before = running.drafts.size();
  guide(*wish.sequence, wish.n_most, running.drafts);
  bool is_same = running.drafts.size() >= n_before;
  for (std::size_t i = 0; is_same && i < n_before; ++i)
    is_same = running.drafts[i].token_id == running.draft_ids[i];
  if (!is_same) {
    running.drafts.clear();
    for (std::size_t i = 0; i < n_before; ++i)
      running.drafts.push_back({running.draft_ids[i], 0.5f});  // the guide cuts them again
    running.goes_on = false;
    return;
  }
  for (std::size_t i = n_before; i < running.drafts.size(); ++i) {
    if (running.drafts[i].token_id >= vocab_size_)
      running.goes_on = false;  // it knows no such token
    running.draft_ids.push_back(running.drafts[i].token_id);
    running.text->guesses.push_back({running.drafts[i].token_id, 1.0f, true});
    running.tokens += running.chance;
  }
  if (std::ssize(running.drafts) >= wish.n_most) running.goes_on = false;
}

std::int64_t ModelDrafter::n_few_unread(const Running& running) {
  const std::int64_t n_total = running.wish->sequence->n_known() + std::ssize(running.draft_ids);
  return running.goes_on ? std::clamp<std::int64_t>(n_total - running.n_computed, 0, kFewTokens)
                         : 0;
}

// The next step: a long prompt leaves a few tokens of the budget to each text behind it, as many as it
// wants, and where they are many, one each.
void ModelDrafter::add_rows(GuideDrafts guide) {
  plan_.rows.clear();
  plan_.n_tokens = 0;
  ++n_plans_;
  for (Running& running : running_) {
    if (running.goes_on) add_forced(running, guide);
  }
  std::int64_t budget = limits_.max_num_batched_tokens;
  std::int64_t n_few = 0;
  for (const Running& running : running_) n_few += n_few_unread(running);
  for (Running& running : running_) {
    if (!running.goes_on) continue;
    n_few -= n_few_unread(running);
    add_row(running, budget, std::max<std::int64_t>(budget - n_few, 1));
  }
}

// Everything that has no row yet, as far as that is allowed; a token is drawn behind the last of it.
void ModelDrafter::add_row(Running& running, std::int64_t& budget, std::int64_t n_allowed) {
  const Sequence& sequence = *running.wish->sequence;
  const std::int64_t n_total = sequence.n_known() + std::ssize(running.draft_ids);
  const std::int64_t n_new = std::min({budget, n_allowed, n_total - running.n_computed});
  if (n_new <= 0) {
    running.goes_on = false;
    return;
  }
  const auto token_at = [&](std::int64_t i) {
    return i < sequence.n_known()
               ? sequence.token_ids[static_cast<std::size_t>(i)]
               : running.draft_ids[static_cast<std::size_t>(i - sequence.n_known())];
  };
  running.fed_ids.clear();
  for (std::int64_t i = 0; i < n_new; ++i)
    running.fed_ids.push_back(token_at(running.n_computed + i));
  PlanRow row;
  row.sequence_id = sequence.id;
  row.row_slot = sequence.row_slot;
  row.start = running.n_computed;
  row.n_new_tokens = static_cast<std::int32_t>(n_new);
  row.block_table =
      std::span(running.blocks).first(static_cast<std::size_t>(kv_.blocks_for(row.start + n_new)));
  // A prompt that two texts share is read by the first of them; the other finds it in the next round.
  if (is_written_by_another(row)) {
    running.goes_on = false;
    return;
  }
  row.n_draws = row.n_logits = running.n_computed + n_new == n_total ? 1 : 0;
  row.begins_to_draw = row.n_draws > 0 && !std::exchange(running.has_drawn, row.n_draws > 0);
  row.token_ids = running.fed_ids;
  plan_.rows.push_back(row);
  plan_.n_tokens += n_new;
  budget -= n_new;
}

// Whether a row before it in the plan writes in one of its blocks; else they are noted as its own.
bool ModelDrafter::is_written_by_another(const PlanRow& row) {
  const auto blocks = row.block_table.subspan(static_cast<std::size_t>(row.start / kv_.block_size));
  const auto is_taken = [&](BlockId block) {
    return written_in_[static_cast<std::size_t>(block)] == n_plans_;
  };
  if (std::ranges::any_of(blocks, is_taken)) return true;
  for (const BlockId block : blocks) written_in_[static_cast<std::size_t>(block)] = n_plans_;
  return false;
}

void ModelDrafter::run_step() {
  const Stopwatch clock;
  runner_.launch(plan_, [&](const PlanRow& row) { return settings_of(row); });
  runner_.collect([&](const RowOutput& output) { take(output); });
  const double seconds = clock.seconds();
  step_cost_.observe(plan_.n_tokens, seconds);
  if (plan_.n_tokens <= kMaxDrafts) return;
  const double each = seconds / static_cast<double>(plan_.n_tokens);
  read_seconds_ = read_seconds_ == 0 ? each : read_seconds_ + (each - read_seconds_) / 4;
}

// What the step has taken, to each text by its tokens. Where a prompt is read it is lent.
void ModelDrafter::charge(const StepCost& cost) {
  const double each = draft_cost(plan_.n_tokens, cost) / static_cast<double>(plan_.n_tokens);
  for (const PlanRow& row : plan_.rows) {
    Text& text = *running(row.sequence_id).text;
    const double n_steps = each * static_cast<double>(row.n_new_tokens);
    text.n_paid += n_steps;
    if (row.start < text.loan.end && text.loan.epoch == text.rows.epoch)
      text.loan.n_steps += n_steps;
  }
}

RowSettings ModelDrafter::settings_of(const PlanRow& row) {
  Running& one = running(row.sequence_id);
  RowSettings settings = settings_of_(*one.wish->sequence, one.draft_ids,
                                      static_cast<std::size_t>(mask_words(vocab_size_)));
  std::optional<SamplingParams>& params = one.text->params;
  if (!params) {
    params = *settings.params;
    params->n_logprobs = 0;  // of the drawn token
    std::erase_if(params->logit_bias, [&](const auto& bias) { return bias.first >= vocab_size_; });
  }
  settings.params = &*params;
  return settings;
}

void ModelDrafter::take(const RowOutput& output) {
  Running& one = running(output.sequence_id);
  one.n_computed += output.n_new_tokens;
  if (output.not_finite) {
    if (!std::exchange(is_damaged_, true))
      log(LogLevel::warning,
          "the draft model {} drafts no more: its logits are not finite, its weights may be "
          "damaged",
          name_);
    return;
  }
  if (output.token_ids.empty() || output.logprobs.empty()) {  // in the middle of a prompt
    one.goes_on = false;
    return;
  }
  const TokenId token_id = output.token_ids.front();
  const float probability = std::exp(output.logprobs.front().drawn.logprob);
  const float confidence = one.text->trust.of(probability);
  one.text->n_paid += costs_.row;  // to verify it
  one.drafts.push_back({token_id, confidence});
  one.draft_ids.push_back(token_id);
  one.text->guesses.push_back({token_id, probability, false});
  one.chance *= static_cast<double>(confidence);
  one.tokens += one.chance;
  const double next = one.chance * static_cast<double>(one.text->trust.mean());
  one.goes_on = std::ssize(one.drafts) < one.wish->n_most &&
                (always_ || is_worth_one_more(next, one.tokens, std::ssize(one.drafts), costs_));
}

void ModelDrafter::finish(Running& running) {
  const Sequence& sequence = *running.wish->sequence;
  const std::int64_t n_fed = std::max<std::int64_t>(running.n_computed - sequence.n_known(), 0);
  rows_.wrote(running.text->rows, sequence, std::min(running.n_computed, sequence.n_known()),
              std::span(running.draft_ids).first(static_cast<std::size_t>(n_fed)));
  if (!running.drafts.empty()) *running.wish->drafts = std::move(running.drafts);
}

ModelDrafter::Running& ModelDrafter::running(SequenceId id) {
  const auto found = std::ranges::find_if(
      running_, [&](const Running& one) { return one.wish->sequence->id == id; });
  CHECK(found != running_.end(), "no drafts are made for sequence {}", id);
  return *found;
}

}  // namespace tinyllm
