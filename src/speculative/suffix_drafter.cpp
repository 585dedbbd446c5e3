#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kFinishedTokens = 1 << 16;  // about 10 MB a salt
constexpr std::size_t kSalts = 16;
// How fast trust follows what happened: in one text, and over all.
constexpr float kTextRate = 1.0f / 8, kCommonRate = 1.0f / 64;

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
  while (text.automaton.n_tokens() < sequence.n_known())
    text.automaton.append(sequence.token_ids[static_cast<std::size_t>(text.automaton.n_tokens())]);
  const SuffixAutomaton* source = &text.automaton;
  SuffixAutomaton::Match match = text.automaton.repeated_suffix();
  SuffixAutomaton::Match elsewhere;
  const SuffixAutomaton* finished =
      finished_.follow(sequence.cache_salt, sequence.token_ids, text.place, elsewhere);
  if (finished != nullptr && elsewhere.length > match.length) {
    source = finished;
    match = elsewhere;
  }
  text.match_length = match.length;
  for (std::int64_t i = 0; i < n_most && match.length > 0; ++i) {
    const auto next = source->likeliest_next(match);
    if (!next || next->token_id < 0) return;
    const auto length = static_cast<std::int32_t>(text.match_length + i);
    drafts.push_back({next->token_id, next->share * text.trust.of(length)});
    match = next->match;
  }
}

void SuffixDrafter::judged(const Sequence& sequence, std::int64_t n_verified,
                           std::int64_t n_accepted) {
  Text& text = *texts_.at(sequence.id);
  for (std::int64_t i = 0; i < n_verified && i <= n_accepted; ++i) {
    const auto length = static_cast<std::int32_t>(text.match_length + i);
    text.trust.learn(length, i < n_accepted, kTextRate);
    trust_.learn(length, i < n_accepted, kCommonRate);
  }
}

void SuffixDrafter::end(const Sequence& sequence) {
  if (!sequence.output_ids().empty()) finished_.add(sequence.cache_salt, sequence.output_ids());
  texts_.erase(sequence.id);
}

}  // namespace tinyllm
