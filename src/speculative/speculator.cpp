#include "speculative/speculator.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace tinyllm {
namespace {

// A gain below this is within what the cost table does not know.
constexpr double kLeastGain = 1.02;

}  // namespace

Speculator::Speculator(std::vector<std::unique_ptr<Drafter>> drafters, std::int64_t vocab_size,
                       bool always)
    : drafters_(std::move(drafters)), vocab_size_(vocab_size), always_(always) {}

void Speculator::choose(function_ref<void(function_ref<void(const Sequence&)> add)> each_decoding,
                        GuideDrafts guide) {
  for (Candidate& candidate : candidates_) candidate.proposal->chosen.clear();
  candidates_.clear();
  wishes_.clear();
  n_decoding_ = 0;
  each_decoding([&](const Sequence& sequence) { add_wish(sequence); });
  for (const auto& drafter : drafters_) drafter->propose_all({wishes_, n_decoding_, cost_, guide});
  for (const DraftWish& wish : wishes_) {
    guide(*wish.sequence, wish.n_most, *wish.drafts);
    add_candidates(wish);
  }
  // The surest first. A draft is never surer than the one before it, so that what is taken of a
  // sequence is always a beginning of its drafts: only their number is looked at.
  std::ranges::sort(candidates_, std::greater(), &Candidate::chance);
  const std::size_t n_taken = always_ ? candidates_.size() : n_worth_it();
  for (std::size_t i = 0; i < n_taken; ++i) {
    Proposal& proposal = *candidates_[i].proposal;
    proposal.chosen.push_back(proposal.drafts[proposal.chosen.size()].token_id);
  }
}

std::size_t Speculator::n_usable(std::span<const Draft> drafts, std::int64_t n_most) const {
  const auto first_bad = std::ranges::find_if(drafts, [&](const Draft& draft) {
    return draft.token_id < 0 || draft.token_id >= vocab_size_;
  });
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(first_bad - drafts.begin(), 0, std::max<std::int64_t>(n_most, 0)));
}

void Speculator::add_wish(const Sequence& sequence) {
  ++n_decoding_;
  Proposal& proposal = proposals_[sequence.id];
  proposal.drafts.clear();
  const std::int64_t n_most =
      std::min(kMaxDrafts, sequence.max_total_tokens - sequence.n_known() - 1);
  if (n_most > 0) wishes_.push_back({&sequence, n_most, &proposal.drafts});
}

void Speculator::add_candidates(const DraftWish& wish) {
  Proposal& proposal = proposals_.at(wish.sequence->id);
  double chance = 1;
  for (const Draft& draft : std::span(*wish.drafts).first(n_usable(*wish.drafts, wish.n_most))) {
    chance *= static_cast<double>(draft.confidence);
    candidates_.push_back({&proposal, chance});
  }
}

// The beginning of the candidates with the most expected tokens for the time of its step.
std::size_t Speculator::n_worth_it() const {
  const auto n_rows = static_cast<double>(n_decoding_);
  const double plain = n_rows / cost_.of(n_decoding_);
  double tokens = n_rows, best = plain * kLeastGain;
  std::size_t n_best = 0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    tokens += candidates_[i].chance;
    const double rate = tokens / cost_.of(n_decoding_ + static_cast<std::int64_t>(i) + 1);
    if (rate > best) {
      best = rate;
      n_best = i + 1;
    }
  }
  return n_best;
}

std::span<const TokenId> Speculator::drafts(const Sequence& sequence, std::int64_t n_most) const {
  const auto found = proposals_.find(sequence.id);
  if (found == proposals_.end()) return {};
  const std::vector<TokenId>& chosen = found->second.chosen;
  return std::span(chosen).first(std::min(chosen.size(), static_cast<std::size_t>(n_most)));
}

void Speculator::end(const Sequence& sequence) {
  const auto found = proposals_.find(sequence.id);
  if (found != proposals_.end()) {
    std::erase_if(candidates_, [&](const auto& one) { return one.proposal == &found->second; });
    proposals_.erase(found);
  }
  for (const auto& drafter : drafters_) drafter->end(sequence);
}

}  // namespace tinyllm
