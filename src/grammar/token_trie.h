#pragma once
// The tokens of a vocabulary as a trie of bytes, flat in depth-first order: a node's first child
// stands behind it, its next sibling behind its subtree. Sorted tokens stand in the order of their
// nodes, so the tokens of a subtree are one range. Read-only: any thread.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

using NodeId = std::uint32_t;

class TokenTrie {
 public:
  TokenTrie() : TokenTrie(std::vector<std::pair<std::string, TokenId>>()) {}
  // Texts are not empty; equal ones share a node.
  explicit TokenTrie(std::vector<std::pair<std::string, TokenId>> tokens);

  NodeId root() const { return 0; }
  NodeId first_child(NodeId node) const { return node + 1; }
  // One behind the last node of the subtree: the next sibling, if the parent has one more.
  NodeId end(NodeId node) const { return nodes_[node].end; }
  std::uint8_t byte(NodeId node) const { return nodes_[node].byte; }
  // The tokens that end at the node.
  std::span<const TokenId> tokens(NodeId node) const {
    return {ids_.data() + nodes_[node].tokens, ids_.data() + nodes_[node + 1].tokens};
  }
  // The tokens that begin with the node's text, it included.
  std::span<const TokenId> tokens_below(NodeId node) const {
    return {ids_.data() + nodes_[node].tokens, ids_.data() + nodes_[end(node)].tokens};
  }
  std::size_t n_nodes() const { return nodes_.size() - 1; }

 private:
  struct Node {
    NodeId end = 0;
    std::uint32_t tokens = 0;  // index of the first token at or behind the node
    std::uint8_t byte = 0;
  };
  std::vector<Node> nodes_;  // one more behind the last
  std::vector<TokenId> ids_;
};

}  // namespace tinyllm
