#include "engine/thinking_budget.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace tinyllm {
namespace {

// A byte of no text: it tells a special token from the same words.
constexpr char kSpecial = '\xFF';
// A character is not cut in its middle; it has no more tokens than bytes.
constexpr std::int64_t kMostOfACharacter = 3;

std::string bytes_of(const ThinkingMark& mark) {
  return mark.is_special ? kSpecial + mark.text : mark.text;
}

bool is_known(TokenId token_id, const Tokenizer& tokenizer) {
  return token_id >= 0 && token_id < tokenizer.vocab_size();
}

void clear(std::span<const TokenId> ids, std::span<std::uint32_t> mask) {
  for (const TokenId id : ids) {
    if (id >= 0 && std::cmp_less(id / 32, mask.size())) mask[id / 32] &= ~(1U << (id % 32));
  }
}

}  // namespace

ThinkingBudget::ThinkingBudget(const ThinkingLimit& limit, const Tokenizer& tokenizer)
    : limit_(&limit), tokenizer_(&tokenizer) {
  if (limit.has_begun) place_.part = Place::Part::thinking;
}

void ThinkingBudget::Place::take(TokenId token_id, const ThinkingLimit& limit,
                                 const Tokenizer& tokenizer) {
  if (part == Part::over) return;
  const bool is_forced = forced(limit) == token_id;
  if (is_known(token_id, tokenizer)) {
    if (tokenizer.is_special(token_id)) tail += kSpecial;
    tail += tokenizer.token_bytes(token_id);
  }
  if (part == Part::before) return look_for_begin(limit);
  ++n_tokens;
  if (is_forced) ++n_end_ids;
  look_for_end(limit);
  if (n_end_ids == limit.end_ids.size()) part = Part::over;
}

// Only white space may stand before it.
void ThinkingBudget::Place::look_for_begin(const ThinkingLimit& limit) {
  const std::size_t begin = std::min(tail.find_first_not_of(" \n\r\t"), tail.size());
  const std::string_view text = std::string_view(tail).substr(begin);
  bool may_come = false;
  for (const ThinkingMark& mark : limit.begins) {
    const std::string bytes = bytes_of(mark);
    if (text.starts_with(bytes)) {
      part = Part::thinking;
      tail.erase(0, begin + bytes.size());
      return look_for_end(limit);
    }
    may_come = may_come || bytes.starts_with(text);
  }
  if (!may_come) part = Part::over;
  tail.erase(0, begin);
}

void ThinkingBudget::Place::look_for_end(const ThinkingLimit& limit) {
  std::size_t longest = 4;  // a character
  for (const ThinkingMark& mark : limit.ends) {
    const std::string bytes = bytes_of(mark);
    if (tail.find(bytes) != std::string::npos) part = Part::over;
    longest = std::max(longest, bytes.size());
  }
  if (tail.size() > longest) tail.erase(0, tail.size() - longest);
}

std::optional<TokenId> ThinkingBudget::Place::forced(const ThinkingLimit& limit) const {
  if (part != Part::thinking || n_tokens < limit.max_tokens) return std::nullopt;
  const bool is_cut = n_end_ids == 0 && incomplete_suffix_bytes(tail) > 0;
  if (is_cut && n_tokens < limit.max_tokens + kMostOfACharacter) return std::nullopt;
  return limit.end_ids[n_end_ids];
}

void ThinkingBudget::add_masks(std::span<const TokenId> drafts, std::size_t n_words,
                               function_ref<std::span<const TokenId>(std::size_t draw)> unwanted,
                               std::vector<std::uint32_t>& masks) const {
  Place place = place_;
  for (std::size_t draw = 0; draw <= drafts.size(); ++draw) {
    if (const std::optional<TokenId> forced = place.forced(*limit_)) {
      if (masks.empty()) {
        masks.assign((1 + drafts.size()) * n_words, 0xFFFFFFFF);
        for (std::size_t i = 0; i <= drafts.size(); ++i)
          clear(unwanted(i), std::span(masks).subspan(i * n_words, n_words));
      }
      const std::span<std::uint32_t> mask = std::span(masks).subspan(draw * n_words, n_words);
      std::ranges::fill(mask, 0);
      mask[*forced / 32] = 1U << (*forced % 32);
    }
    if (draw < drafts.size()) place.take(drafts[draw], *limit_, *tokenizer_);
  }
}

void ThinkingBudget::guide(std::int64_t n_most, std::vector<Draft>& drafts) const {
  Place place = place_;
  for (std::size_t i = 0; std::cmp_less(i, n_most); ++i) {
    const std::optional<TokenId> forced = place.forced(*limit_);
    if (forced && (i == drafts.size() || drafts[i].token_id != *forced)) {
      drafts.resize(i);
      drafts.push_back({*forced, 1.0f});
    }
    if (i == drafts.size()) return;
    if (forced) drafts[i].confidence = 1.0f;
    place.take(drafts[i].token_id, *limit_, *tokenizer_);
  }
}

}  // namespace tinyllm
