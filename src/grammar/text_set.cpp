#include "grammar/text_set.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/utf8.h"

namespace tinyllm {
namespace {

std::size_t first_character_bytes(std::string_view text) { return decode_utf8(text).n_bytes; }

// The bytes of whole characters with which both begin.
std::size_t common_bytes(std::string_view a, std::string_view b) {
  std::size_t at = 0;
  while (at < a.size()) {
    const std::size_t n = first_character_bytes(a.substr(at));
    if (a.substr(at, n) != b.substr(at, n)) break;
    at += n;
  }
  return at;
}

// Sorted, distinct texts, all with the same first `start` bytes.
ExprId branches(CharEncoder& encoder, std::span<const std::string> texts, std::size_t start) {
  ExprPool& pool = encoder.pool();
  std::vector<ExprId> parts;
  while (!texts.empty()) {
    const std::string_view first = std::string_view(texts[0]).substr(start);
    if (first.empty()) {
      parts.push_back(kEmptyText);
      texts = texts.subspan(1);
      continue;
    }
    const std::string_view head = first.substr(0, first_character_bytes(first));
    const auto same = std::ranges::partition_point(texts, [&](const std::string& text) {
      return std::string_view(text).substr(start).starts_with(head);
    });
    const auto n = static_cast<std::size_t>(same - texts.begin());
    const std::size_t common = common_bytes(first, std::string_view(texts[n - 1]).substr(start));
    parts.push_back(pool.concat(encoder.text(first.substr(0, common)),
                                branches(encoder, texts.first(n), start + common)));
    texts = texts.subspan(n);
  }
  return pool.any_of(parts);
}

}  // namespace

ExprId any_text_of(CharEncoder& encoder, std::vector<std::string> texts) {
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return branches(encoder, texts, 0);
}

ExprId short_space(CharEncoder& encoder) {
  constexpr int kMaxSpaces = 4;
  const ExprId space = any_text_of(encoder, {" ", "\t", "\r", "\n"});
  return encoder.pool().repeat(space, 0, kMaxSpaces);
}

ExprId text_without(CharEncoder& encoder, ExprId part) {
  ExprPool& pool = encoder.pool();
  const ExprId anything = pool.repeat(encoder.any(), 0, kNoLimit);
  return pool.all_of({anything, pool.complement(pool.concat({anything, part, anything}))});
}

ExprId text_up_to(CharEncoder& encoder, ExprId end) {
  ExprPool& pool = encoder.pool();
  const ExprId anything = pool.repeat(encoder.any(), 0, kNoLimit);
  const ExprId goes_on = pool.concat({anything, end, encoder.any(), anything});
  return pool.all_of({pool.concat(anything, end), pool.complement(goes_on)});
}

}  // namespace tinyllm
