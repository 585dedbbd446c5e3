#include "grammar/lexeme_automaton.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

// Expressions that one search for a match looks at. More: the pool counts as full.
constexpr std::size_t kMaxSearch = 20000;

}  // namespace

LexemeAutomaton::LexemeAutomaton(ExprPool& pool, ExprId root) : pool_(pool) {
  find_classes(root);
  exprs_.push_back(kNothing);
  accepts_.push_back(false);
  next_.assign(n_classes_, kDeadState);
  start_ = add_state(root);
}

// Bytes are split by one set after the other.
void LexemeAutomaton::find_classes(ExprId root) {
  class_bytes_ = {0};
  for (const ByteSet& set : pool_.byte_sets(root)) {
    std::array<std::array<std::int16_t, 2>, 256>
        numbers;  // of a class and whether it is in the set
    for (auto& pair : numbers) pair = {-1, -1};
    class_bytes_.clear();
    for (int byte = 0; byte < 256; ++byte) {
      std::int16_t& number =
          numbers[class_of_[byte]][set.contains(static_cast<std::uint8_t>(byte)) ? 1 : 0];
      if (number < 0) {
        number = static_cast<std::int16_t>(class_bytes_.size());
        class_bytes_.push_back(static_cast<std::uint8_t>(byte));
      }
      class_of_[byte] = static_cast<std::uint8_t>(number);
    }
  }
  n_classes_ = static_cast<std::uint32_t>(class_bytes_.size());
}

StateId LexemeAutomaton::add_state(ExprId e) {
  if (e == kNothing) return kDeadState;
  const auto found = states_.find(e);
  if (found != states_.end()) return found->second;
  if (!matches_something(e)) {
    states_.emplace(e, kDeadState);
    return kDeadState;
  }
  const auto state = static_cast<StateId>(exprs_.size());
  exprs_.push_back(e);
  accepts_.push_back(pool_.accepts_empty(e));
  next_.resize(next_.size() + n_classes_, kUnknown);
  states_.emplace(e, state);
  return state;
}

StateId LexemeAutomaton::make_step(StateId state, std::uint8_t byte) {
  const StateId next = add_state(pool_.derivative(exprs_[state], byte));
  next_[state * n_classes_ + class_of_[byte]] = next;
  return next;
}

// Plain expressions match something by construction. Others: all parts of a concatenation, any part
// of a union; the rest is searched.
bool LexemeAutomaton::matches_something(ExprId e) {
  if (pool_.is_plain(e) || pool_.accepts_empty(e)) return e != kNothing;
  const auto known = matches_.find(e);
  if (known != matches_.end()) return known->second;
  bool result = false;
  const ExprKind kind = pool_.kind(e);
  if (kind == ExprKind::concat || kind == ExprKind::any_of || kind == ExprKind::repeat) {
    const std::span<const ExprId> span = pool_.operands(e);
    const std::vector<ExprId> parts(span.begin(), span.end());
    const auto matches = [this](ExprId part) { return matches_something(part); };
    result = kind == ExprKind::any_of ? std::ranges::any_of(parts, matches)
                                      : std::ranges::all_of(parts, matches);
  } else {
    result = search_match(e);
  }
  matches_[e] = result;
  return result;
}

// Breadth first over derivatives. What was found to match marks the way to it.
bool LexemeAutomaton::search_match(ExprId e) {
  std::vector<std::pair<ExprId, std::size_t>> seen = {{e, 0}};  // with whom it came from
  std::unordered_map<ExprId, bool> is_seen = {{e, true}};
  for (std::size_t i = 0; i < seen.size(); ++i) {
    for (const std::uint8_t byte : class_bytes_) {
      const ExprId next = pool_.derivative(seen[i].first, byte);
      if (next == kNothing || !is_seen.emplace(next, true).second) continue;
      const auto known = matches_.find(next);
      const bool is_known = known != matches_.end();
      if (is_known && !known->second) continue;
      if (is_known || pool_.is_plain(next) || pool_.accepts_empty(next)) {
        for (std::size_t at = i; at != 0; at = seen[at].second) matches_[seen[at].first] = true;
        return true;
      }
      seen.emplace_back(next, i);
    }
    if (seen.size() > kMaxSearch) pool_.set_overflowed();
    if (pool_.overflowed()) return false;
  }
  for (const auto& [expr, from] : seen) matches_[expr] = false;
  return false;
}

}  // namespace tinyllm
