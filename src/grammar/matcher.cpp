#include "grammar/matcher.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "grammar/grammar_parts.h"
#include "grammar/grammar_vocabulary.h"
#include "grammar/positions.h"

namespace tinyllm {

struct Matcher::State {
  struct Place {
    PositionId position = kNoPosition;
    bool has_ended = false;
  };
  struct CachedMask {
    PositionId position = kNoPosition;
    std::vector<std::uint32_t> words;
  };

  State(std::shared_ptr<const Grammar> its_grammar,
        std::shared_ptr<const GrammarVocabulary> its_vocabulary)
      : grammar(std::move(its_grammar)),
        vocabulary(std::move(its_vocabulary)),
        parts(grammar->parts()),
        positions(make_positions(parts)),
        now{positions.start()} {}

  static Positions make_positions(GrammarParts& parts) {
    const std::lock_guard lock(parts.mutex);
    return Positions(parts.rules, parts.lexemes, kMaxMatcherBytes);
  }

  const LexemeSlices& slices_of(const Thread& thread);
  void add_thread(const Thread& thread, std::span<std::uint32_t> words);
  void add_exits(const TokenSlice& slice, const TokenTrie& trie, PositionId after,
                 std::span<std::uint32_t> words);
  void walk(const TokenTrie& trie, NodeId top, PositionId position, std::span<std::uint32_t> words);
  void make_mask(std::span<std::uint32_t> words);
  const CachedMask* find_mask() const;
  void make_room();
  PositionId step_bytes(PositionId position, std::string_view text);

  std::shared_ptr<const Grammar> grammar;
  std::shared_ptr<const GrammarVocabulary> vocabulary;
  GrammarParts& parts;
  Positions positions;
  Place now;
  std::vector<Place> history;  // before each of the last tokens
  std::vector<CachedMask> masks;
  std::size_t next_mask = 0;  // of `masks`: replaced next
  bool failed = false;
};

const LexemeSlices& Matcher::State::slices_of(const Thread& thread) {
  if (parts.vocabulary != vocabulary.get()) {
    parts.slices.clear();
    parts.vocabulary = vocabulary.get();
  }
  LexemeSlices& slices = parts.slices[std::uint64_t{thread.terminal} << 32 | thread.state];
  if (!slices.of_short) {
    LexemeAutomaton& automaton = parts.lexemes.automaton(thread.terminal);
    slices.of_short = vocabulary->short_slice(automaton, thread.state, parts.pool);
    slices.of_long = vocabulary->long_slice(automaton, thread.state, parts.pool);
  }
  return slices;
}

// All tokens below `top` whose bytes behind it may follow `position`.
void Matcher::State::walk(const TokenTrie& trie, NodeId top, PositionId position,
                          std::span<std::uint32_t> words) {
  std::vector<std::pair<NodeId, PositionId>> path = {{trie.end(top), position}};
  for (const TokenId id : trie.tokens(top)) words[id / 32] |= 1U << (id % 32);
  NodeId node = trie.first_child(top);
  while (node < trie.end(top)) {
    while (node >= path.back().first) path.pop_back();
    const PositionId next = positions.step(path.back().second, trie.byte(node));
    if (next == kNoPosition) {
      if (positions.overflowed()) return;
      node = trie.end(node);
      continue;
    }
    for (const TokenId id : trie.tokens(node)) words[id / 32] |= 1U << (id % 32);
    path.emplace_back(trie.end(node), next);
    ++node;
  }
}

void Matcher::State::add_exits(const TokenSlice& slice, const TokenTrie& trie, PositionId after,
                               std::span<std::uint32_t> words) {
  const ByteSet bytes = positions.next_bytes(after);
  for (std::size_t i = 0; i < slice.exits.size();) {
    const std::uint8_t byte = slice.exits[i].byte;
    const auto end = std::ranges::upper_bound(slice.exits.begin() + i, slice.exits.end(), byte, {},
                                              &TokenSlice::Exit::byte) -
                     slice.exits.begin();
    if (bytes.contains(byte)) {
      const PositionId next = positions.step(after, byte);
      for (; i < static_cast<std::size_t>(end) && next != kNoPosition; ++i) {
        walk(trie, slice.exits[i].node, next, words);
      }
    }
    i = static_cast<std::size_t>(end);
  }
}

void Matcher::State::add_thread(const Thread& thread, std::span<std::uint32_t> words) {
  const LexemeSlices& slices = slices_of(thread);
  slices.of_short->add_to(words);
  slices.of_long->add_to(words);
  if (slices.of_short->exits.empty() && slices.of_long->exits.empty()) return;
  const PositionId after = positions.after(thread);
  add_exits(*slices.of_short, vocabulary->short_trie(), after, words);
  add_exits(*slices.of_long, vocabulary->long_trie(), after, words);
}

void Matcher::State::make_mask(std::span<std::uint32_t> words) {
  std::ranges::fill(words, 0);
  const std::span<const Thread> threads = positions.threads(now.position);
  for (const Thread& thread : std::vector<Thread>(threads.begin(), threads.end())) {
    add_thread(thread, words);
  }
  if (positions.accepts(now.position)) {
    for (const TokenId id : vocabulary->end_ids()) words[id / 32] |= 1U << (id % 32);
  }
  if (positions.overflowed()) {
    failed = true;
    std::ranges::fill(words, 0);
  }
}

const Matcher::State::CachedMask* Matcher::State::find_mask() const {
  const auto found = std::ranges::find(masks, now.position, &CachedMask::position);
  return found == masks.end() ? nullptr : &*found;
}

// Before something is computed, not in the middle of it.
void Matcher::State::make_room() {
  if (positions.n_bytes() < positions.max_bytes() / 2) return;
  std::vector<PositionId> kept = {now.position};
  for (const Place& place : history) kept.push_back(place.position);
  positions.collect(kept);
  now.position = kept[0];
  for (std::size_t i = 0; i < history.size(); ++i) history[i].position = kept[i + 1];
  masks.clear();
  next_mask = 0;
}

PositionId Matcher::State::step_bytes(PositionId position, std::string_view text) {
  for (const char byte : text) {
    position = positions.step(position, static_cast<std::uint8_t>(byte));
    if (position == kNoPosition) break;
  }
  if (positions.overflowed()) failed = true;
  return position;
}

Matcher::Matcher(std::shared_ptr<const Grammar> grammar,
                 std::shared_ptr<const GrammarVocabulary> vocabulary)
    : state_(std::make_unique<State>(std::move(grammar), std::move(vocabulary))) {}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

void Matcher::mask(std::span<std::uint32_t> words) {
  State& s = *state_;
  CHECK(s.vocabulary && words.size() == s.vocabulary->n_mask_words(),
        "the mask has {} words, or there is no vocabulary", words.size());
  if (s.failed || s.now.has_ended) {
    std::ranges::fill(words, 0);
    return;
  }
  if (const State::CachedMask* cached = s.find_mask()) {
    std::ranges::copy(cached->words, words.begin());
    return;
  }
  const std::lock_guard lock(s.parts.mutex);
  s.make_room();
  s.make_mask(words);
  if (s.masks.size() < kMaxCachedMasks) s.masks.emplace_back();
  State::CachedMask& cached = s.masks[s.next_mask];
  s.next_mask = (s.next_mask + 1) % kMaxCachedMasks;
  cached = {s.now.position, {words.begin(), words.end()}};
}

std::optional<TokenId> Matcher::forced_token() {
  std::vector<std::uint32_t> words(state_->vocabulary->n_mask_words());
  mask(words);
  int n_allowed = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < words.size() && n_allowed < 2; ++i) {
    if (words[i] == 0) continue;
    n_allowed += std::popcount(words[i]);
    last = i;
  }
  if (n_allowed != 1) return std::nullopt;
  return static_cast<TokenId>(last * 32 + std::countr_zero(words[last]));
}

bool Matcher::accept(TokenId token) {
  State& s = *state_;
  const bool is_token = token >= 0 && static_cast<std::size_t>(token) < s.vocabulary->vocab_size();
  if (s.failed || s.now.has_ended || !is_token) return false;
  const std::lock_guard lock(s.parts.mutex);
  s.make_room();
  State::Place next = s.now;
  if (s.vocabulary->is_end(token)) {
    if (!s.positions.accepts(s.now.position)) return false;
    next.has_ended = true;
  } else {
    const std::string_view text = s.vocabulary->text_of(token);
    if (text.empty()) return false;
    next.position = s.step_bytes(s.now.position, text);
    if (next.position == kNoPosition) return false;
  }
  if (s.history.size() == kMaxRollback) s.history.erase(s.history.begin());
  s.history.push_back(s.now);
  s.now = next;
  return true;
}

void Matcher::rollback(std::size_t n) {
  State& s = *state_;
  CHECK(n <= s.history.size(), "{} tokens to take back, there are {}", n, s.history.size());
  if (n == 0) return;
  s.now = s.history[s.history.size() - n];
  s.history.resize(s.history.size() - n);
}

std::size_t Matcher::accept_bytes(std::string_view text) {
  State& s = *state_;
  const std::lock_guard lock(s.parts.mutex);
  for (std::size_t i = 0; i < text.size(); ++i) {
    s.make_room();
    const PositionId next =
        s.failed ? kNoPosition : s.step_bytes(s.now.position, text.substr(i, 1));
    if (next == kNoPosition) return i;
    s.now.position = next;
  }
  return text.size();
}

ByteSet Matcher::next_bytes() {
  const std::lock_guard lock(state_->parts.mutex);
  return state_->failed ? ByteSet{} : state_->positions.next_bytes(state_->now.position);
}

bool Matcher::may_end() const {
  const State& s = *state_;
  return !s.failed && !s.now.has_ended && s.positions.accepts(s.now.position);
}

bool Matcher::has_ended() const { return state_->now.has_ended; }
bool Matcher::failed() const { return state_->failed; }

std::size_t Matcher::n_bytes() const {
  const State& s = *state_;
  std::size_t n_bytes = s.positions.n_bytes() + s.history.size() * sizeof(State::Place);
  for (const State::CachedMask& mask : s.masks) n_bytes += mask.words.size() * 4;
  return n_bytes;
}

}  // namespace tinyllm
