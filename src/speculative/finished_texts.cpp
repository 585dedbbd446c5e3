#include "speculative/finished_texts.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

// A match that is found anew needs no more tokens of the past than this.
constexpr std::int64_t kReadBack = 32;

constexpr TokenId kBetweenTexts = -1;  // no text holds it

}  // namespace

FinishedTexts::FinishedTexts(std::int64_t n_tokens, std::size_t n_salts)
    : n_tokens_(n_tokens), n_salts_(n_salts) {}

void FinishedTexts::add(const std::string& salt, std::span<const TokenId> text) {
  if (text.empty()) return;
  if (!texts_.contains(salt) && texts_.size() >= n_salts_) {
    texts_.erase(std::ranges::min_element(texts_, {},
                                          [](const auto& entry) { return entry.second.last_use; }));
  }
  Texts& texts = texts_[salt];
  texts.last_use = ++n_uses_;
  auto& [growing, full] = texts.generations;
  if (growing.automaton == nullptr || growing.automaton->n_tokens() >= n_tokens_) {
    full = std::exchange(growing, {++n_generations_, std::make_unique<SuffixAutomaton>()});
  }
  text = text.last(std::min(text.size(), static_cast<std::size_t>(n_tokens_ / 4)));
  for (const TokenId token_id : text) growing.automaton->append(token_id);
  growing.automaton->append(kBetweenTexts);
}

const SuffixAutomaton* FinishedTexts::follow(const std::string& salt, std::span<const TokenId> text,
                                             Place& place, SuffixAutomaton::Match& match) const {
  match = {};
  const SuffixAutomaton* best = nullptr;
  const auto found = texts_.find(salt);
  const auto n_text = std::ssize(text);
  if (found != texts_.end()) {
    const auto& generations = found->second.generations;
    if (generations[1].id != 0 && generations[1].id == place.generation[0]) {  // it got full
      place.generation[1] = place.generation[0];
      place.match[1] = place.match[0];
    }
    for (std::size_t slot = 0; slot < generations.size(); ++slot) {
      const Generation& generation = generations[slot];
      if (generation.automaton == nullptr) continue;
      const bool known = place.generation[slot] == generation.id;
      const std::int64_t oldest = std::max<std::int64_t>(0, n_text - kReadBack);
      const std::int64_t begin = known ? std::max(place.n_read, oldest) : oldest;
      SuffixAutomaton::Match here =
          known && begin == place.n_read ? place.match[slot] : SuffixAutomaton::Match{};
      for (std::int64_t i = begin; i < n_text; ++i)
        here = generation.automaton->advance(here, text[static_cast<std::size_t>(i)]);
      place.generation[slot] = generation.id;
      place.match[slot] = here;
      if (here.length > match.length) {
        match = here;
        best = generation.automaton.get();
      }
    }
  }
  place.n_read = n_text;
  return best;
}

}  // namespace tinyllm
