#include "text/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxTokenBytes = 1024;

// Unicode's White_Space.
bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  if (c == 0x85) return true;
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

// \w of Unicode regular expressions: letters, marks, decimal digits, connectors, joiners, and the
// circled and squared letters that count as alphabetic.
bool is_word_character(char32_t c) {
  if ((c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
      (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189)) {
    return true;
  }
  if (c == 0x200C || c == 0x200D) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
  }
}

// The character that ends at byte `end` > 0 of well-formed text.
Utf8Char character_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return decode_utf8(text.substr(begin, end - begin));
}

std::size_t skip_space_back(std::string_view text, std::size_t end, std::size_t floor) {
  while (end > floor) {
    const Utf8Char c = character_before(text, end);
    if (!is_space(c.code_point)) break;
    end -= c.n_bytes;
  }
  return std::max(end, floor);
}

std::size_t skip_space(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const Utf8Char c = decode_utf8(text.substr(begin));
    if (!is_space(c.code_point)) break;
    begin += c.n_bytes;
  }
  return begin;
}

bool stands_alone(std::string_view text, const TextRange& range) {
  const bool word_before =
      range.begin > 0 && is_word_character(character_before(text, range.begin).code_point);
  const bool word_behind =
      range.end < text.size() && is_word_character(decode_utf8(text.substr(range.end)).code_point);
  return !word_before && !word_behind;
}

// The first range that ends behind `begin`.
auto first_range(std::span<const TextRange> ranges, std::size_t begin) {
  return std::upper_bound(
      ranges.begin(), ranges.end(), begin,
      [](std::size_t position, const TextRange& other) { return position < other.end; });
}

bool overlaps(std::span<const TextRange> ranges, std::size_t begin, std::size_t end) {
  const auto range = first_range(ranges, begin);
  return range != ranges.end() && range->begin < end;
}

bool is_within(std::span<const TextRange> ranges, std::size_t begin, std::size_t end) {
  const auto range = first_range(ranges, begin);
  return range != ranges.end() && range->begin <= begin && end <= range->end;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const std::string& source)
    : token_of_node_{-1}, is_first_byte_(256), tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = tokens_[i].text;
    if (text.empty() || text.size() > kMaxTokenBytes) {
      fail(ErrorCode::invalid_input, "{}: the added token of id {} has {} bytes, must be 1 to {}",
           source, tokens_[i].id, text.size(), kMaxTokenBytes);
    }
    if (!is_valid_utf8(text)) {
      fail(ErrorCode::invalid_input, "{}: the added token of id {} is not UTF-8", source,
           tokens_[i].id);
    }
    is_first_byte_[static_cast<unsigned char>(text[0])] = true;
    std::uint32_t node = 0;
    for (const char byte : text) {
      const auto [child, is_new] =
          children_.emplace(std::uint64_t{node} * 256 + static_cast<unsigned char>(byte),
                            static_cast<std::uint32_t>(token_of_node_.size()));
      if (is_new) token_of_node_.push_back(-1);
      node = child->second;
    }
    if (token_of_node_[node] < 0) token_of_node_[node] = static_cast<std::int32_t>(i);
  }
}

AddedTokens::Found AddedTokens::longest_at(std::string_view text, std::size_t begin,
                                           const AddedTokenOptions& options) const {
  Found longest;
  std::uint32_t node = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const auto child =
        children_.find(std::uint64_t{node} * 256 + static_cast<unsigned char>(text[i]));
    if (child == children_.end()) break;
    node = child->second;
    if (token_of_node_[node] < 0) continue;
    const AddedToken& token = tokens_[token_of_node_[node]];
    const bool is_text =
        token.special && (!options.find_special || is_within(options.plain_ranges, begin, i + 1));
    if (!token.special || is_text || !overlaps(options.plain_ranges, begin, i + 1)) {
      longest = {&token, is_text};
    }
  }
  return longest;
}

std::vector<TextPart> AddedTokens::split(std::string_view text,
                                         const AddedTokenOptions& options) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;
  TextRange spaces;  // the last white space that rstrip measured, so that none is measured twice
  for (std::size_t i = 0; i < text.size();) {
    Found found;
    if (is_first_byte_[static_cast<unsigned char>(text[i])]) found = longest_at(text, i, options);
    const AddedToken* token = found.token;
    if (token == nullptr) {
      ++i;
      continue;
    }
    TextRange match{i, i + token->text.size()};
    i = match.end;
    if (found.is_text) continue;
    if (token->single_word && !stands_alone(text, match)) continue;
    if (token->lstrip) match.begin = skip_space_back(text, match.begin, done);
    if (token->rstrip) {
      if (match.end < spaces.begin || match.end > spaces.end) {
        spaces = {match.end, skip_space(text, match.end)};
      }
      match.end = spaces.end;
    }
    if (done < match.begin) parts.push_back({{done, match.begin}, std::nullopt});
    // White space of a token before may have been all of it; then it is gone, as with tokenizers.
    if (match.begin < match.end) parts.push_back({match, token->id});
    done = match.end;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, std::nullopt});
  return parts;
}

std::optional<TokenId> AddedTokens::find(std::string_view text) const {
  std::uint32_t node = 0;
  for (const char byte : text) {
    const auto child = children_.find(std::uint64_t{node} * 256 + static_cast<unsigned char>(byte));
    if (child == children_.end()) return std::nullopt;
    node = child->second;
  }
  if (token_of_node_[node] < 0) return std::nullopt;
  return tokens_[token_of_node_[node]].id;
}

}  // namespace tinyllm
