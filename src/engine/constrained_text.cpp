#include "engine/constrained_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"

namespace tinyllm {
namespace {

// Clears the bits of `ids`, unless no bit would be left.
void forbid(std::span<const TokenId> ids, std::span<std::uint32_t> mask) {
  const auto is_inside = [&](TokenId id) {
    return id >= 0 && static_cast<std::size_t>(id) / 32 < mask.size();
  };
  std::vector<TokenId> cleared;
  for (const TokenId id : ids) {
    if (!is_inside(id) || (mask[id / 32] >> (id % 32) & 1U) == 0) continue;
    mask[id / 32] &= ~(1U << (id % 32));
    cleared.push_back(id);
  }
  if (std::ranges::any_of(mask, [](std::uint32_t word) { return word != 0; })) return;
  for (const TokenId id : cleared) mask[id / 32] |= 1U << (id % 32);
}

}  // namespace

ConstrainedText::ConstrainedText(const TextConstraint& constraint)
    : n_mask_words_(constraint.vocabulary->n_mask_words()),
      matcher_(constraint.grammar, constraint.vocabulary) {}

void ConstrainedText::add_masks(std::span<const TokenId> drafts, std::size_t n_words,
                                function_ref<std::span<const TokenId>(std::size_t draw)> unwanted,
                                std::vector<std::uint32_t>& masks) {
  CHECK(n_mask_words_ <= n_words, "masks of {} words for a head of {}", n_mask_words_, n_words);
  std::size_t n_taken = 0;
  for (std::size_t draw = 0; draw <= drafts.size(); ++draw) {
    const std::size_t begin = masks.size();
    masks.resize(begin + n_words, 0);
    if (n_taken < draw) continue;  // behind a draft that cannot be right
    const std::span<std::uint32_t> mask = std::span(masks).subspan(begin, n_mask_words_);
    matcher_.mask(mask);
    forbid(unwanted(draw), mask);
    if (draw < drafts.size() && matcher_.accept(drafts[draw])) ++n_taken;
  }
  matcher_.rollback(n_taken);
}

void ConstrainedText::guide(std::int64_t n_most, std::vector<Draft>& drafts) {
  std::size_t n_taken = 0;
  for (; std::cmp_less(n_taken, n_most); ++n_taken) {
    const std::optional<TokenId> forced = matcher_.forced_token();
    if (forced && (n_taken == drafts.size() || drafts[n_taken].token_id != *forced)) {
      drafts.resize(n_taken);
      drafts.push_back({*forced, 1.0f});
    }
    if (n_taken == drafts.size()) break;
    if (forced) drafts[n_taken].confidence = 1.0f;
    if (!matcher_.accept(drafts[n_taken].token_id)) break;
  }
  drafts.resize(std::min(drafts.size(), n_taken));
  matcher_.rollback(n_taken);
}

}  // namespace tinyllm
