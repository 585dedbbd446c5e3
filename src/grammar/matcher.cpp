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
    bool failed = false;  // what may follow here is too complex
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

  // Runs what computes, counting its work. Under the grammar's lock.
  template <typename Work>
  auto counted(const Work& work);
  bool is_overflowed() const { return positions.overflowed() || work_left < 0; }
  const LexemeSlices& slices_of(const Thread& thread);
  void add_thread(const Thread& thread, std::span<std::uint32_t> words);
  void add_exits(const TokenSlice& slice, const TokenTrie& trie, PositionId after,
                 std::span<std::uint32_t> words);
  void walk(const TokenTrie& trie, NodeId top, PositionId position, std::span<std::uint32_t> words);
  void make_mask(std::span<std::uint32_t> words);
  std::span<const std::uint32_t> mask_here();
  void make_room();
  PositionId step_bytes(std::string_view text);

  std::shared_ptr<const Grammar> grammar;
  std::shared_ptr<const GrammarVocabulary> vocabulary;
  GrammarParts& parts;
  Positions positions;
  Place now;
  std::vector<Place> history;  // before each of the last tokens
  std::vector<CachedMask> masks;
  std::size_t next_mask = 0;  // of `masks`: replaced next
  std::int64_t work_left = kMaxWork;
  bool gave_up = false;  // the last accept() would have cost too much
};

template <typename Work>
auto Matcher::State::counted(const Work& work) {
  constexpr std::int64_t kCostOfAnExpr = 20;
  const std::uint64_t exprs = parts.pool.n_work(), places = positions.n_work();
  parts.pool.set_max_work(exprs + kMaxMatchWork);
  const auto result = work();
  work_left -= static_cast<std::int64_t>(positions.n_work() - places) +
               kCostOfAnExpr * static_cast<std::int64_t>(parts.pool.n_work() - exprs);
  parts.publish();
  return result;
}

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
    work_left -= static_cast<std::int64_t>(slices.of_short->n_visited + slices.of_long->n_visited);
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
    work_left -= 4;
    const PositionId next = positions.step(path.back().second, trie.byte(node));
    if (next == kNoPosition) {
      if (is_overflowed()) return;
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
    if (is_overflowed()) return;
  }
  if (positions.accepts(now.position)) {
    for (const TokenId id : vocabulary->end_ids()) words[id / 32] |= 1U << (id % 32);
  }
}

// The mask of this place, until the next one is made; empty where nothing may follow.
std::span<const std::uint32_t> Matcher::State::mask_here() {
  if (now.failed || now.has_ended) return {};
  const auto found = std::ranges::find(masks, now.position, &CachedMask::position);
  if (found != masks.end()) return found->words;
  const std::lock_guard lock(parts.mutex);
  make_room();
  std::vector<std::uint32_t> words(vocabulary->n_mask_words());
  now.failed = counted([&] {
    make_mask(words);
    if (!positions.overflowed()) return is_overflowed();
    make_room();
    make_mask(words);
    return is_overflowed();
  });
  now.failed = now.failed || is_overflowed();
  if (now.failed) return {};
  if (masks.size() < kMaxCachedMasks) masks.emplace_back();
  CachedMask& cached = masks[next_mask];
  next_mask = (next_mask + 1) % kMaxCachedMasks;
  cached = {now.position, std::move(words)};
  return cached.words;
}

// Before something is computed, not in the middle of it.
void Matcher::State::make_room() {
  if (positions.n_bytes() < positions.max_bytes() / 2 && !positions.overflowed()) return;
  std::vector<PositionId> kept = {now.position};
  for (const Place& place : history) kept.push_back(place.position);
  positions.collect(kept);
  now.position = kept[0];
  for (std::size_t i = 0; i < history.size(); ++i) history[i].position = kept[i + 1];
  masks.clear();
  next_mask = 0;
}

// From here over `text`; kNoPosition where it may not come next.
PositionId Matcher::State::step_bytes(std::string_view text) {
  make_room();
  const auto walk_text = [&] {
    PositionId position = now.position;
    for (const char byte : text) {
      position = positions.step(position, static_cast<std::uint8_t>(byte));
      if (position == kNoPosition) break;
    }
    return position;
  };
  const PositionId position = counted([&] {
    const PositionId first = walk_text();
    if (!positions.overflowed()) return first;
    make_room();  // earlier places took it, perhaps: once more with all the room
    return walk_text();
  });
  return is_overflowed() ? kNoPosition : position;
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
  const std::span<const std::uint32_t> here = s.mask_here();
  if (here.empty()) {
    std::ranges::fill(words, 0);
  } else {
    std::ranges::copy(here, words.begin());
  }
}

std::optional<TokenId> Matcher::forced_token() {
  const std::span<const std::uint32_t> words = state_->mask_here();
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
  s.gave_up = false;
  const bool is_token = token >= 0 && static_cast<std::size_t>(token) < s.vocabulary->vocab_size();
  if (s.now.failed || s.now.has_ended || !is_token) return false;
  const std::lock_guard lock(s.parts.mutex);
  State::Place next = s.now;
  if (s.vocabulary->is_end(token)) {
    if (!s.positions.accepts(s.now.position)) return false;
    next.has_ended = true;
  } else {
    const std::string_view text = s.vocabulary->text_of(token);
    if (text.empty()) return false;
    next.position = s.step_bytes(text);
    s.gave_up = s.is_overflowed();
    if (next.position == kNoPosition) return false;
  }
  s.work_left = std::min(kMaxWork, s.work_left + kWorkAToken);
  if (s.history.size() == kMaxRollback) s.history.erase(s.history.begin());
  s.history.push_back(s.now);
  s.now = next;
  return true;
}

void Matcher::rollback(std::size_t n) {
  State& s = *state_;
  CHECK(n <= s.history.size(), "{} tokens to take back, there are {}", n, s.history.size());
  if (n == 0) return;
  s.gave_up = false;
  s.now = s.history[s.history.size() - n];
  s.history.resize(s.history.size() - n);
  s.work_left -= static_cast<std::int64_t>(n) * kWorkAToken;
}

std::size_t Matcher::accept_bytes(std::string_view text) {
  State& s = *state_;
  const std::lock_guard lock(s.parts.mutex);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (s.now.failed) return i;
    const PositionId next = s.step_bytes(text.substr(i, 1));
    s.now.failed = s.is_overflowed();
    if (next == kNoPosition) return i;
    s.now.position = next;
    s.work_left = std::min(kMaxWork, s.work_left + kWorkAToken);
  }
  return text.size();
}

ByteSet Matcher::next_bytes() {
  State& s = *state_;
  const std::lock_guard lock(s.parts.mutex);
  if (s.now.failed) return {};
  s.make_room();
  const ByteSet bytes = s.counted([&] { return s.positions.next_bytes(s.now.position); });
  s.now.failed = s.is_overflowed();
  return s.now.failed ? ByteSet{} : bytes;
}

bool Matcher::may_end() const {
  const State& s = *state_;
  return !s.now.failed && !s.now.has_ended && s.positions.accepts(s.now.position);
}

bool Matcher::is_complete() {
  if (!may_end()) return false;
  const ByteSet next = next_bytes();
  if (failed()) return false;
  if (next.empty() || !state_->parts.is_json) return next.empty();
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<std::uint8_t>(byte);
    const bool is_space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
    if (next.contains(value) && !is_space) return false;
  }
  return true;
}

bool Matcher::has_ended() const { return state_->now.has_ended; }
bool Matcher::failed() const { return state_->now.failed || state_->gave_up; }

std::size_t Matcher::n_bytes() const {
  const State& s = *state_;
  std::size_t n_bytes = s.positions.n_bytes() + s.history.size() * sizeof(State::Place);
  for (const State::CachedMask& mask : s.masks) n_bytes += mask.words.size() * 4;
  return n_bytes;
}

}  // namespace tinyllm
