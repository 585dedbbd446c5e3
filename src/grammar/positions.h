#pragma once
// Where a text stands in a grammar, as one number: the lexemes that are under way, each with the row
// of the parser that it began at and the state of its automaton. Equal places have equal numbers,
// so steps by a byte are looked up and not computed again. Bounded: over max_bytes, overflowed()
// says so, and collect() makes room. One thread.

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/byte_set.h"
#include "grammar/earley_rows.h"
#include "grammar/lexemes.h"

namespace tinyllm {

using PositionId = std::uint32_t;
inline constexpr PositionId kNoPosition = 0;  // no text of the grammar begins so

// A lexeme under way.
struct Thread {
  RowId row = 0;
  std::uint32_t terminal = 0;
  StateId state = kDeadState;
  friend auto operator<=>(const Thread&, const Thread&) = default;
};

class Positions {
 public:
  Positions(const RuleSet& rules, Lexemes& lexemes, std::size_t max_bytes);

  PositionId start() const { return start_; }
  // kNoPosition when the byte cannot come next, or when overflowed().
  PositionId step(PositionId position, std::uint8_t byte);
  bool accepts(PositionId position) const { return entries_[position].accepts; }
  std::span<const Thread> threads(PositionId position) const {
    return {threads_.data() + entries_[position].begin, entries_[position].n};
  }
  // Where the text stands when the lexeme ends here and none other goes on.
  PositionId after(const Thread& thread);
  // The bytes that may come next.
  ByteSet next_bytes(PositionId position);

  bool overflowed() const { return overflowed_ || lexemes_.pool().overflowed(); }
  // Threads and items looked at to make positions, so far: what time it took.
  std::uint64_t n_work() const { return n_work_ + rows_.n_work(); }
  std::size_t n_bytes() const;
  std::size_t max_bytes() const { return max_bytes_; }
  // Forgets all but the start and `kept`, whose numbers become new ones.
  void collect(std::span<PositionId> kept);

 private:
  struct Entry {
    std::uint32_t begin = 0, n = 0;
    bool accepts = false;
  };

  void begin();  // finds the start; overflowed() where it is too large
  PositionId intern(std::vector<Thread>& threads, bool accepts);
  PositionId make_step(PositionId position, std::uint8_t byte);
  // Adds the lexemes that may begin at `row`.
  void begin_lexemes(RowId row, std::vector<Thread>& threads);

  Lexemes& lexemes_;
  EarleyRows rows_;
  std::size_t max_bytes_;
  std::uint64_t n_work_ = 0;
  bool overflowed_ = false;
  PositionId start_ = kNoPosition;
  std::vector<Entry> entries_;
  std::vector<Thread> threads_;
  std::unordered_multimap<std::size_t, PositionId> ids_;  // by hash of the threads
  std::unordered_map<std::uint64_t, PositionId> steps_;   // by position and byte
  std::unordered_map<std::uint64_t, PositionId> after_;   // by row and terminal
  std::unordered_map<PositionId, ByteSet> next_bytes_;
};

}  // namespace tinyllm
