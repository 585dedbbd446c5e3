#pragma once
// Drafts from what stands in the text already, or in answers that were given before: the longest
// suffix that occurred elsewhere is followed along its likeliest continuation (SuffixDecoding,
// Oliaro et al., 2024). How sure a draft is comes from the length of the match, the share of its
// occurrences that went on so, and how often such matches were right. Engine thread only.

#include <memory>
#include <unordered_map>
#include <vector>

#include "speculative/drafter.h"
#include "speculative/finished_texts.h"
#include "speculative/match_trust.h"
#include "speculative/suffix_automaton.h"

namespace tinyllm {

class SuffixDrafter : public TextDrafter {
 public:
  SuffixDrafter();

  void propose(const Sequence& sequence, std::int64_t n_most, std::vector<Draft>& drafts) override;
  void end(const Sequence& sequence) override;

 private:
  struct Guess {
    TokenId token_id;
    std::int32_t match_length;
    float share;
  };
  struct Text {
    SuffixAutomaton automaton;
    FinishedTexts::Place place;
    MatchTrust trust;
    // The last proposal: what it was made from, and where it begins. The text tells later whether
    // it was right, also where nobody verified it.
    std::vector<Guess> guesses;
    std::int64_t guessed_at = 0;
  };

  void learn(Text& text, const Sequence& sequence);

  FinishedTexts finished_;
  std::unordered_map<SequenceId, std::unique_ptr<Text>> texts_;
  MatchTrust trust_;  // of all texts: where a new one begins
};

}  // namespace tinyllm
