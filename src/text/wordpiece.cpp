#include "text/wordpiece.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

std::uint64_t child_key(std::uint32_t node, char byte) {
  return std::uint64_t{node} * 256 + static_cast<unsigned char>(byte);
}

std::int64_t n_characters(std::string_view text) {
  return std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

}  // namespace

WordPiece::WordPiece(const std::vector<std::string>& tokens, WordPieceRules rules)
    : rules_(std::move(rules)), id_of_node_(n_roots, -1) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    const auto id = static_cast<TokenId>(i);
    put(beginning, token, id);
    if (token.starts_with(rules_.continuing_prefix))
      put(continuing, token.substr(rules_.continuing_prefix.size()), id);
  }
}

void WordPiece::put(Root root, std::string_view token, TokenId id) {
  if (token.empty()) return;
  std::uint32_t node = root;
  for (const char byte : token) {
    const auto next = static_cast<std::uint32_t>(id_of_node_.size());
    const auto [child, is_new] = children_.emplace(child_key(node, byte), next);
    if (is_new) id_of_node_.push_back(-1);
    node = child->second;
  }
  if (id_of_node_[node] < 0) id_of_node_[node] = id;
}

TokenId WordPiece::longest_at(Root root, std::string_view text, std::size_t& n_bytes) const {
  TokenId longest = rules_.unknown_id;
  n_bytes = 0;
  std::uint32_t node = root;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto child = children_.find(child_key(node, text[i]));
    if (child == children_.end()) break;
    node = child->second;
    if (id_of_node_[node] < 0) continue;
    longest = id_of_node_[node];
    n_bytes = i + 1;
  }
  return longest;
}

void WordPiece::append(std::string_view word, std::vector<TokenId>& token_ids) const {
  const std::size_t n_before = token_ids.size();
  bool is_known = n_characters(word) <= rules_.max_word_chars;
  Root root = beginning;
  while (is_known && !word.empty()) {
    std::size_t n_bytes = 0;
    token_ids.push_back(longest_at(root, word, n_bytes));
    is_known = n_bytes > 0;
    word.remove_prefix(n_bytes);
    root = continuing;
  }
  if (is_known) return;
  token_ids.resize(n_before);
  token_ids.push_back(rules_.unknown_id);
}

}  // namespace tinyllm
