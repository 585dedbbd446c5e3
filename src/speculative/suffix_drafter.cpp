#include "speculative/suffix_drafter.h"

#include <algorithm>

namespace tinyllm {
namespace {

constexpr std::int64_t kFinishedTokens = 1 << 14;  // 2 to 4 MB a salt
constexpr std::size_t kSalts = 16;
// Of a text that a step reads at most, some milliseconds of the engine's thread: a long prompt is
// read over several steps, and drafted from once it was read.
constexpr std::int64_t kReadAStep = 2048;
// How fast trust follows what happened: in one text, and over all.
constexpr float kTextRate = 1.0f / 8, kCommonRate = 1.0f / 32;

}  // namespace

SuffixDrafter::SuffixDrafter() : finished_(kFinishedTokens, kSalts) {}

void SuffixDrafter::propose(const Sequence& sequence, std::int64_t n_most,
                            std::vector<Draft>& drafts) {
  std::unique_ptr<Text>& entry = texts_[sequence.id];
  if (entry == nullptr) {
    entry = std::make_unique<Text>();
    entry->trust = trust_;
  }
  Text& text = *entry;
  learn(text, sequence);
  SuffixAutomaton& automaton = text.automaton;
  const std::int64_t end = std::min(sequence.n_known(), automaton.n_tokens() + kReadAStep);
  while (automaton.n_tokens() < end)
    automaton.append(sequence.token_ids[static_cast<std::size_t>(automaton.n_tokens())]);
  if (end < sequence.n_known()) return;
  const SuffixAutomaton* source = &automaton;
  SuffixAutomaton::Match match = automaton.repeated_suffix();
  SuffixAutomaton::Match elsewhere;
  const SuffixAutomaton* finished =
      finished_.follow(sequence.cache_salt, sequence.token_ids, text.place, elsewhere);
  if (finished != nullptr && elsewhere.length > match.length) {
    source = finished;
    match = elsewhere;
  }
  for (std::int64_t i = 0; i < n_most && match.length > 0; ++i) {
    const auto next = source->likeliest_next(match);
    if (!next || next->token_id < 0) return;
    drafts.push_back({next->token_id, text.trust.of(match.length, next->share)});
    text.guesses.push_back({next->token_id, match.length, next->share});
    match = next->match;
  }
}

// From each guess up to the first wrong one: those behind it stand on a wrong beginning.
void SuffixDrafter::learn(Text& text, const Sequence& sequence) {
  for (std::size_t i = 0; i < text.guesses.size(); ++i) {
    const std::size_t place = static_cast<std::size_t>(text.guessed_at) + i;
    if (place >= sequence.token_ids.size()) break;
    const Guess& guess = text.guesses[i];
    const bool right = guess.token_id == sequence.token_ids[place];
    text.trust.learn(guess.match_length, guess.share, right, kTextRate);
    trust_.learn(guess.match_length, guess.share, right, kCommonRate);
    if (!right) break;
  }
  text.guesses.clear();
  text.guessed_at = sequence.n_known();
}

void SuffixDrafter::end(const Sequence& sequence) {
  if (!sequence.output_ids().empty()) finished_.add(sequence.cache_salt, sequence.output_ids());
  texts_.erase(sequence.id);
}

}  // namespace tinyllm
