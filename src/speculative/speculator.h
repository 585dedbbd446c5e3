#pragma once
// Which drafts the next step verifies: asks the drafters for every sequence that is about to decode,
// and takes the drafts that promise the most tokens a second, from how sure they are and what a
// larger step costs. None where that promises nothing. Engine thread only.

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "schedule/sequence.h"
#include "speculative/drafter.h"
#include "speculative/step_cost.h"

namespace tinyllm {

class Speculator {
 public:
  // Each drafter sees what those before it have guessed; drafts end at an id outside
  // [0, vocab_size). `always`: every draft is verified, whatever it costs.
  Speculator(std::vector<std::unique_ptr<Drafter>> drafters, std::int64_t vocab_size,
             bool always = false);

  // One more, asked after the others.
  void add(std::unique_ptr<Drafter> drafter) { drafters_.push_back(std::move(drafter)); }

  // Before a plan: which drafts to verify. `each_decoding` calls `add` with every sequence that is
  // about to decode; `guide` may change what the drafters guessed for one.
  void choose(function_ref<void(function_ref<void(const Sequence&)> add)> each_decoding,
              GuideDrafts guide);
  // The chosen drafts of one of them, at most n_most. Valid until the next choose().
  std::span<const TokenId> drafts(const Sequence& sequence, std::int64_t n_most) const;
  // How long a step of n_rows tokens without any prompt took.
  void observe_step(std::int64_t n_rows, double seconds) { cost_.observe(n_rows, seconds); }
  void end(const Sequence& sequence);

 private:
  struct Proposal {
    std::vector<Draft> drafts;
    std::vector<TokenId> chosen;
  };
  struct Candidate {
    Proposal* proposal;
    double chance;  // that this draft and all before it are right
  };

  void add_wish(const Sequence& sequence);
  void add_candidates(const DraftWish& wish);
  std::size_t n_usable(std::span<const Draft> drafts, std::int64_t n_most) const;
  std::size_t n_worth_it() const;  // of the sorted candidates

  std::vector<std::unique_ptr<Drafter>> drafters_;
  std::int64_t vocab_size_;
  bool always_;
  StepCost cost_;
  std::unordered_map<SequenceId, Proposal> proposals_;
  std::vector<DraftWish> wishes_;      // of the plan that is being chosen for
  std::vector<Candidate> candidates_;  // likewise
  std::int64_t n_decoding_ = 0;
};

}  // namespace tinyllm
