#include "grammar/token_slice.h"

#include <algorithm>
#include <array>

namespace tinyllm {

void TokenSlice::add_to(std::span<std::uint32_t> mask) const {
  for (std::size_t i = 0; i < words.size(); ++i) mask[i] |= words[i];
  for (const TokenId id : tokens) mask[id / 32] |= 1U << (id % 32);
}

namespace {

// The children of a node, at which the lexeme may have ended.
void add_exits(const TokenTrie& trie, NodeId node, TokenSlice& slice) {
  for (NodeId child = trie.first_child(node); child < trie.end(node); child = trie.end(child)) {
    slice.exits.push_back({trie.byte(child), child});
  }
}

// Stable, in one pass: there may be as many exits as nodes.
void sort_by_byte(std::vector<TokenSlice::Exit>& exits) {
  std::array<std::size_t, 257> begins{};
  for (const TokenSlice::Exit& exit : exits) ++begins[exit.byte + 1];
  for (int byte = 0; byte < 256; ++byte) begins[byte + 1] += begins[byte];
  std::vector<TokenSlice::Exit> sorted(exits.size());
  for (const TokenSlice::Exit& exit : exits) sorted[begins[exit.byte]++] = exit;
  exits = std::move(sorted);
}

}  // namespace

TokenSlice make_token_slice(const TokenTrie& trie, std::size_t vocab_size,
                            LexemeAutomaton& automaton, StateId state) {
  TokenSlice slice;
  std::vector<std::pair<NodeId, StateId>> path = {{trie.end(trie.root()), state}};
  NodeId node = trie.first_child(trie.root());
  while (node < trie.end(trie.root())) {
    while (node >= path.back().first) path.pop_back();
    ++slice.n_visited;
    const StateId next = automaton.step(path.back().second, trie.byte(node));
    if (next == kDeadState) {
      node = trie.end(node);
      continue;
    }
    const std::span<const TokenId> ids = trie.tokens(node);
    slice.tokens.insert(slice.tokens.end(), ids.begin(), ids.end());
    if (automaton.accepts(next)) add_exits(trie, node, slice);
    path.emplace_back(trie.end(node), next);
    ++node;
  }
  sort_by_byte(slice.exits);
  if (slice.tokens.size() > vocab_size / 32) {
    slice.words.assign((vocab_size + 31) / 32, 0);
    for (const TokenId id : slice.tokens) slice.words[id / 32] |= 1U << (id % 32);
    slice.tokens = {};
  }
  slice.tokens.shrink_to_fit();
  return slice;
}

}  // namespace tinyllm
