#include "sampling/token_history.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {

void TokenHistory::reset(std::span<const TokenId> prompt_ids, std::span<const TokenId> output_ids,
                         std::span<std::int32_t> places) {
  entries_.clear();
  const auto entry_of = [&](TokenId id) -> Entry& {
    CHECK(id >= 0 && static_cast<std::size_t>(id) < places.size(), "id {}, vocabulary of {}", id,
          places.size());
    std::int32_t& place = places[static_cast<std::size_t>(id)];
    if (place == 0) {
      entries_.push_back({id, 0});
      place = static_cast<std::int32_t>(entries_.size());
    }
    return entries_[static_cast<std::size_t>(place) - 1];
  };
  for (const TokenId id : prompt_ids) entry_of(id);
  for (const TokenId id : output_ids) ++entry_of(id).n_outputs;
  for (const Entry& entry : entries_) places[static_cast<std::size_t>(entry.id)] = 0;
  n_outputs_ = std::ssize(output_ids);
}

void TokenHistory::append(TokenId id) {
  auto found = std::ranges::find(entries_, id, &Entry::id);
  if (found == entries_.end()) found = entries_.insert(entries_.end(), {id, 0});
  ++found->n_outputs;
  ++n_outputs_;
}

}  // namespace tinyllm
