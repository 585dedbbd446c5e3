#include "grammar/token_trie.h"

#include <algorithm>

namespace tinyllm {

TokenTrie::TokenTrie(std::vector<std::pair<std::string, TokenId>> tokens) {
  std::ranges::sort(tokens);
  nodes_.push_back({});
  std::vector<NodeId> path = {0};  // from the root to the last node
  std::string last;
  const auto close_to = [&](std::size_t depth) {
    while (path.size() > depth + 1) {
      nodes_[path.back()].end = static_cast<NodeId>(nodes_.size());
      path.pop_back();
    }
  };
  for (const auto& [text, id] : tokens) {
    const std::size_t common =
        static_cast<std::size_t>(std::ranges::mismatch(last, text).in1 - last.begin());
    close_to(common);
    for (std::size_t i = common; i < text.size(); ++i) {
      path.push_back(static_cast<NodeId>(nodes_.size()));
      nodes_.push_back(
          {0, static_cast<std::uint32_t>(ids_.size()), static_cast<std::uint8_t>(text[i])});
    }
    ids_.push_back(id);
    last = text;
  }
  close_to(0);
  nodes_[0].end = static_cast<NodeId>(nodes_.size());
  nodes_.push_back({0, static_cast<std::uint32_t>(ids_.size()), 0});
}

}  // namespace tinyllm
