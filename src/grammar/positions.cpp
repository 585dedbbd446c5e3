#include "grammar/positions.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

// Threads of one position; more come only from very ambiguous grammars.
constexpr std::size_t kMaxThreads = 20000;

std::size_t hash_of(std::span<const Thread> threads, bool accepts) {
  std::size_t hash = accepts ? 3 : 1;
  for (const Thread& thread : threads) {
    for (const std::size_t value : {thread.row, thread.terminal, thread.state}) {
      hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 29;
    }
  }
  return hash;
}

}  // namespace

Positions::Positions(const RuleSet& rules, Lexemes& lexemes, std::size_t max_bytes)
    : lexemes_(lexemes), rows_(rules, max_bytes / 16), max_bytes_(max_bytes) {
  entries_.push_back({});
  begin();
}

void Positions::begin() {
  if (rows_.n_rows() == 0) {  // the first row is too large
    overflowed_ = true;
    return;
  }
  std::vector<Thread> threads;
  begin_lexemes(rows_.first_row(), threads);
  start_ = intern(threads, rows_.accepts(rows_.first_row()));
}

void Positions::begin_lexemes(RowId row, std::vector<Thread>& threads) {
  for (const std::uint32_t terminal : rows_.terminals(row)) {
    const StateId state = lexemes_.automaton(terminal).start();
    if (state != kDeadState) threads.push_back({row, terminal, state});
  }
}

PositionId Positions::intern(std::vector<Thread>& threads, bool accepts) {
  std::ranges::sort(threads);
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
  const std::size_t hash = hash_of(threads, accepts);
  const auto [first, last] = ids_.equal_range(hash);
  for (auto found = first; found != last; ++found) {
    if (accepts == this->accepts(found->second) &&
        std::ranges::equal(threads, this->threads(found->second))) {
      return found->second;
    }
  }
  if (threads.size() > kMaxThreads) {
    overflowed_ = true;
    return kNoPosition;
  }
  const auto id = static_cast<PositionId>(entries_.size());
  entries_.push_back({static_cast<std::uint32_t>(threads_.size()),
                      static_cast<std::uint32_t>(threads.size()), accepts});
  threads_.insert(threads_.end(), threads.begin(), threads.end());
  ids_.emplace(hash, id);
  return id;
}

PositionId Positions::step(PositionId position, std::uint8_t byte) {
  const std::uint64_t key = std::uint64_t{position} << 8 | byte;
  const auto found = steps_.find(key);
  if (found != steps_.end()) return found->second;
  const PositionId next = make_step(position, byte);
  if (!overflowed()) steps_.emplace(key, next);
  return next;
}

PositionId Positions::make_step(PositionId position, std::uint8_t byte) {
  n_work_ += 1 + threads(position).size();
  std::vector<Thread> next;
  std::vector<std::pair<RowId, std::uint32_t>> ended;
  for (const Thread& thread : threads(position)) {
    LexemeAutomaton& automaton = lexemes_.automaton(thread.terminal);
    const StateId state = automaton.step(thread.state, byte);
    if (state == kDeadState) continue;
    if (automaton.accepts(state)) ended.emplace_back(thread.row, thread.terminal);
    if (automaton.goes_on(state)) next.push_back({thread.row, thread.terminal, state});
  }
  if (overflowed() || (next.empty() && ended.empty())) return kNoPosition;
  bool accepts = false;
  if (!ended.empty()) {
    const RowId row = rows_.advance(ended);
    if (row == kNoRow) {
      overflowed_ = true;
      return kNoPosition;
    }
    begin_lexemes(row, next);
    accepts = rows_.accepts(row);
  }
  return intern(next, accepts);
}

PositionId Positions::after(const Thread& thread) {
  const std::uint64_t key = std::uint64_t{thread.row} << 32 | thread.terminal;
  const auto found = after_.find(key);
  if (found != after_.end()) return found->second;
  const std::pair<RowId, std::uint32_t> ended[] = {{thread.row, thread.terminal}};
  const RowId row = rows_.advance(ended);
  if (row == kNoRow) {
    overflowed_ = true;
    return kNoPosition;
  }
  std::vector<Thread> threads;
  begin_lexemes(row, threads);
  const PositionId position = intern(threads, rows_.accepts(row));
  after_.emplace(key, position);
  return position;
}

ByteSet Positions::next_bytes(PositionId position) {
  const auto found = next_bytes_.find(position);
  if (found != next_bytes_.end()) return found->second;
  ByteSet bytes;
  n_work_ += threads(position).size() * 16;
  for (const Thread& thread : threads(position)) {
    LexemeAutomaton& automaton = lexemes_.automaton(thread.terminal);
    for (int byte = 0; byte < 256; ++byte) {
      const auto value = static_cast<std::uint8_t>(byte);
      if (automaton.step(thread.state, value) != kDeadState) bytes.insert(value);
    }
  }
  next_bytes_.emplace(position, bytes);
  return bytes;
}

std::size_t Positions::n_bytes() const {
  constexpr std::size_t kMapEntryBytes = 40;
  return rows_.n_bytes() + threads_.size() * sizeof(Thread) +
         entries_.size() * (sizeof(Entry) + kMapEntryBytes) +
         (steps_.size() + after_.size()) * kMapEntryBytes + next_bytes_.size() * 64;
}

void Positions::collect(std::span<PositionId> kept) {
  std::vector<RowId> rows;
  for (const PositionId position : kept) {
    for (const Thread& thread : threads(position)) rows.push_back(thread.row);
  }
  const std::vector<RowId> new_rows = rows_.keep(rows);
  const std::vector<Entry> entries = std::move(entries_);
  const std::vector<Thread> threads = std::move(threads_);
  entries_.assign(1, {});
  threads_.clear();
  ids_.clear();
  steps_.clear();
  after_.clear();
  next_bytes_.clear();
  overflowed_ = false;
  begin();
  for (PositionId& position : kept) {
    if (position == kNoPosition) continue;
    const Entry& entry = entries[position];
    std::vector<Thread> moved(threads.begin() + entry.begin,
                              threads.begin() + entry.begin + entry.n);
    for (Thread& thread : moved) thread.row = new_rows[thread.row];
    position = intern(moved, entry.accepts);
  }
}

}  // namespace tinyllm
