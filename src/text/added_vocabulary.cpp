#include "text/added_vocabulary.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace tinyllm {
namespace {

bool same_flags(const AddedToken& a, const AddedToken& b) {
  return a.special == b.special && a.lstrip == b.lstrip && a.rstrip == b.rstrip &&
         a.single_word == b.single_word && a.normalized == b.normalized;
}

}  // namespace

TokenId AddedVocabulary::next_id() const {
  const auto first = static_cast<TokenId>(n_model_tokens_);
  return last_id_ && *last_id_ >= first ? *last_id_ + 1 : first;
}

AddedVocabulary::Entry& AddedVocabulary::entry_of(const AddedToken& token) {
  const auto [place, is_new] = index_.try_emplace(token.text, entries_.size());
  if (is_new) entries_.emplace_back();
  return entries_[place->second];
}

void AddedVocabulary::add(const std::vector<AddedToken>& batch) {
  for (const AddedToken& token : batch) {
    if (token.text.empty() || !token.special) continue;
    Entry& entry = entry_of(token);
    if (entry.is_special) continue;
    entry.is_special = true;
    specials_.push_back(index_.at(token.text));
  }
  for (const AddedToken& token : batch) {
    if (token.text.empty()) continue;
    Entry& entry = entry_of(token);
    const bool is_known = !entry.latest.text.empty();
    if (is_known && same_flags(entry.latest, token)) continue;
    const std::optional<TokenId> in_model = find_in_model_(token.text);
    const TokenId id = is_known ? entry.latest.id : in_model ? *in_model : next_id();
    entry.latest = token;
    entry.latest.id = id;
    entry.latest.in_model = in_model.has_value();
    if (!last_id_ || id > *last_id_) last_id_ = id;
  }
}

void AddedVocabulary::add_beside(const TokensBeside& beside) {
  std::unordered_set<std::string> known, named;
  for (const auto& [text, index] : index_) known.insert(text);
  for (const AddedToken& token : beside.named) named.insert(token.text);
  std::vector<AddedToken> batch;
  for (const auto& [id, token] : beside.by_id) {
    batch.push_back(token);
    known.insert(token.text);
  }
  for (const auto* list : {&beside.named, &beside.extra}) {
    for (const AddedToken& token : *list) {
      const bool is_there = std::ranges::any_of(batch, [&](const AddedToken& other) {
        return other.text == token.text && same_flags(other, token);
      });
      if (!known.contains(token.text) && !is_there) batch.push_back(token);
    }
  }
  for (AddedToken& token : batch) token.special = token.special || named.contains(token.text);
  add(batch);
}

std::vector<AddedToken> AddedVocabulary::tokens() const {
  std::vector<AddedToken> result;
  const auto take = [&](const Entry& entry) {
    AddedToken token = entry.latest;
    token.special = entry.is_special;
    result.push_back(std::move(token));
  };
  for (const std::size_t index : specials_) take(entries_[index]);
  for (const Entry& entry : entries_) {
    if (!entry.is_special) take(entry);
  }
  return result;
}

}  // namespace tinyllm
