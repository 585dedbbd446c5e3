#include "speculative/suffix_automaton.h"

#include <algorithm>
#include <utility>

namespace tinyllm {

SuffixAutomaton::SuffixAutomaton() : states_(1), index_(64, -1) {}

void SuffixAutomaton::append(TokenId token_id) {
  const std::int32_t before = last_;
  const auto end = static_cast<std::int32_t>(states_.size());
  states_.push_back({.length = states_[static_cast<std::size_t>(before)].length + 1});
  const std::int32_t link = link_of_new_end(end, token_id);
  states_[static_cast<std::size_t>(end)].link = link;
  last_ = end;
  ++n_tokens_;
  count(before, token_id);
}

// Every suffix of the text so far gets an edge to the new end, the longest first, up to one that
// has such an edge already: what that leads to is the longest suffix of the new text that stands
// in it elsewhere.
std::int32_t SuffixAutomaton::link_of_new_end(std::int32_t end, TokenId token_id) {
  std::int32_t suffix = last_;
  std::int32_t edge = -1;
  while (suffix >= 0 && (edge = find_edge(suffix, token_id)) < 0) {
    add_edge(suffix, token_id, end, 0);
    suffix = states_[static_cast<std::size_t>(suffix)].link;
  }
  if (suffix < 0) return 0;
  const std::int32_t known = edges_[static_cast<std::size_t>(edge)].to;
  const std::int32_t length = states_[static_cast<std::size_t>(suffix)].length + 1;
  if (states_[static_cast<std::size_t>(known)].length == length) return known;
  // Only the shorter substrings of `known` end here as well: they get a state of their own.
  const std::int32_t shorter = split(known, length);
  while (suffix >= 0 && (edge = find_edge(suffix, token_id)) >= 0 &&
         edges_[static_cast<std::size_t>(edge)].to == known) {
    edges_[static_cast<std::size_t>(edge)].to = shorter;
    suffix = states_[static_cast<std::size_t>(suffix)].link;
  }
  return shorter;
}

std::int32_t SuffixAutomaton::split(std::int32_t state, std::int32_t length) {
  const auto shorter = static_cast<std::int32_t>(states_.size());
  states_.push_back({.length = length, .link = states_[static_cast<std::size_t>(state)].link});
  states_[static_cast<std::size_t>(state)].link = shorter;
  const std::int32_t best = states_[static_cast<std::size_t>(state)].best_edge;
  for (std::int32_t i = states_[static_cast<std::size_t>(state)].first_edge; i >= 0;) {
    const Edge edge = edges_[static_cast<std::size_t>(i)];
    const std::int32_t copy = add_edge(shorter, edge.token_id, edge.to, edge.count);
    if (i == best) states_[static_cast<std::size_t>(shorter)].best_edge = copy;
    i = edge.next;
  }
  states_[static_cast<std::size_t>(shorter)].n_followed =
      states_[static_cast<std::size_t>(state)].n_followed;
  return shorter;
}

// Each suffix of the text was followed by this token once more.
void SuffixAutomaton::count(std::int32_t from, TokenId token_id) {
  for (int i = 0; i < kMaxCounted && from >= 0; ++i) {
    State& state = states_[static_cast<std::size_t>(from)];
    const std::int32_t edge = find_edge(from, token_id);
    const std::int32_t n = ++edges_[static_cast<std::size_t>(edge)].count;
    ++state.n_followed;
    if (state.best_edge < 0 || n >= edges_[static_cast<std::size_t>(state.best_edge)].count)
      state.best_edge = edge;
    from = state.link;
  }
}

SuffixAutomaton::Match SuffixAutomaton::repeated_suffix() const {
  const std::int32_t link = states_[static_cast<std::size_t>(last_)].link;
  if (link < 0) return {};
  return {link, states_[static_cast<std::size_t>(link)].length};
}

SuffixAutomaton::Match SuffixAutomaton::advance(Match match, TokenId token_id) const {
  const auto link_length = [&](std::int32_t state) {
    const std::int32_t link = states_[static_cast<std::size_t>(state)].link;
    return link < 0 ? -1 : states_[static_cast<std::size_t>(link)].length;
  };
  while (true) {
    // A state that was split since keeps its longer substrings only.
    while (link_length(match.state) >= match.length)
      match.state = states_[static_cast<std::size_t>(match.state)].link;
    const std::int32_t edge = find_edge(match.state, token_id);
    if (edge >= 0) return {edges_[static_cast<std::size_t>(edge)].to, match.length + 1};
    if (match.state == 0) return {};
    match.state = states_[static_cast<std::size_t>(match.state)].link;
    match.length = states_[static_cast<std::size_t>(match.state)].length;
  }
}

std::optional<SuffixAutomaton::Next> SuffixAutomaton::likeliest_next(Match match) const {
  while (match.state != 0 && states_[static_cast<std::size_t>(match.state)].best_edge < 0) {
    match.state = states_[static_cast<std::size_t>(match.state)].link;
    match.length = states_[static_cast<std::size_t>(match.state)].length;
  }
  if (match.state == 0) return std::nullopt;
  const State& state = states_[static_cast<std::size_t>(match.state)];
  const Edge& edge = edges_[static_cast<std::size_t>(state.best_edge)];
  const float share = static_cast<float>(edge.count) / static_cast<float>(state.n_followed);
  return Next{edge.token_id, share, {edge.to, match.length + 1}};
}

std::size_t SuffixAutomaton::slot_of(std::int32_t from, TokenId token_id) const {
  const std::uint64_t key = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(from)) << 32) |
                            static_cast<std::uint32_t>(token_id);
  std::size_t slot = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 32);
  const std::size_t mask = index_.size() - 1;
  while (true) {
    slot &= mask;
    const std::int32_t i = index_[slot];
    if (i < 0) return slot;
    const Edge& edge = edges_[static_cast<std::size_t>(i)];
    if (edge.from == from && edge.token_id == token_id) return slot;
    ++slot;
  }
}

std::int32_t SuffixAutomaton::find_edge(std::int32_t state, TokenId token_id) const {
  return index_[slot_of(state, token_id)];
}

std::int32_t SuffixAutomaton::add_edge(std::int32_t from, TokenId token_id, std::int32_t to,
                                       std::int32_t count) {
  if (edges_.size() * 2 >= index_.size()) grow_index();
  const auto edge = static_cast<std::int32_t>(edges_.size());
  index_[slot_of(from, token_id)] = edge;
  State& state = states_[static_cast<std::size_t>(from)];
  edges_.push_back({from, token_id, to, count, state.first_edge});
  state.first_edge = edge;
  return edge;
}

void SuffixAutomaton::grow_index() {
  index_.assign(index_.size() * 2, -1);
  for (std::size_t i = 0; i < edges_.size(); ++i)
    index_[slot_of(edges_[i].from, edges_[i].token_id)] = static_cast<std::int32_t>(i);
}

}  // namespace tinyllm
