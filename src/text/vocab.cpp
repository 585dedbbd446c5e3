#include "text/vocab.h"

#include <utility>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxTokens = std::size_t{1} << 24;

void put_added_tokens(std::vector<std::string>& bytes, std::vector<bool>& is_added,
                      std::vector<bool>& special, const TokenizerSpec& spec) {
  for (const AddedToken& added : spec.added_tokens) {
    const std::string shown = quote(added.text);
    if (added.id < 0 || static_cast<std::size_t>(added.id) >= bytes.size()) {
      fail(ErrorCode::invalid_input, "{}: added token {} has id {}, must be in [0, {})",
           spec.source, shown, added.id, bytes.size());
    }
    const auto id = static_cast<std::size_t>(added.id);
    if (added.text.empty()) {
      fail(ErrorCode::invalid_input, "{}: the added token of id {} is empty", spec.source, id);
    }
    if (is_added[id]) {
      fail(ErrorCode::invalid_input, "{}: id {} is given to two added tokens, the second is {}",
           spec.source, id, shown);
    }
    if (bytes[id].empty()) bytes[id] = added.text;
    if (bytes[id] != added.text && bytes[id] != bytes_from_printable(added.text)) {
      fail(ErrorCode::invalid_input, "{}: id {} is token {} and added token {}", spec.source, id,
           quote(bytes[id]), shown);
    }
    is_added[id] = true;
    special[id] = added.special;
  }
}

}  // namespace

Vocab::Vocab(TokenizerSpec& spec) : bytes_(std::move(spec.tokens)) {
  if (bytes_.empty() || bytes_.size() > kMaxTokens) {
    fail(ErrorCode::invalid_input, "{}: the vocabulary has {} tokens, must be 1 to {}", spec.source,
         bytes_.size(), kMaxTokens);
  }
  special_.resize(bytes_.size());
  std::vector<bool> is_added(bytes_.size());
  put_added_tokens(bytes_, is_added, special_, spec);

  // BPE never makes an added token where a plain token has the same bytes.
  ids_.reserve(bytes_.size());
  std::vector<bool> is_left_out = is_added;
  for (const TokenId id : spec.unreachable_ids) {
    if (contains(id)) is_left_out[id] = true;
  }
  index_plain_tokens(is_left_out, spec.source);
  index_added_tokens(spec);
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    byte_ids_[byte] = find({&text, 1});
  }
}

void Vocab::index_plain_tokens(const std::vector<bool>& is_left_out, const std::string& source) {
  for (std::size_t id = 0; id < bytes_.size(); ++id) {
    if (is_left_out[id] || bytes_[id].empty()) continue;
    const auto [entry, is_new] = ids_.emplace(bytes_[id], static_cast<TokenId>(id));
    if (!is_new) {
      fail(ErrorCode::invalid_input, "{}: token {} has two ids, {} and {}", source,
           quote(bytes_[id]), entry->second, id);
    }
  }
}

void Vocab::index_added_tokens(const TokenizerSpec& spec) {
  std::unordered_map<std::string_view, TokenId> added_ids;
  for (const AddedToken& token : spec.added_tokens) {
    const auto [other, is_new_text] = added_ids.emplace(token.text, token.id);
    if (!is_new_text) {
      fail(ErrorCode::invalid_input, "{}: added token {} has two ids, {} and {}", spec.source,
           quote(token.text), other->second, token.id);
    }
    if (!token.in_model) continue;
    const std::string& spelt =
        spelt_.emplace_back(bytes_from_printable(token.text).value_or(token.text));
    ids_.emplace(spelt, token.id);
  }
}

std::optional<TokenId> Vocab::find(std::string_view bytes) const {
  const auto entry = ids_.find(bytes);
  if (entry == ids_.end()) return std::nullopt;
  return entry->second;
}

MergeTable make_merge_table(const TokenizerSpec& spec, const Vocab& vocab) {
  if (spec.merges.size() > kMaxTokens) {
    fail(ErrorCode::invalid_input, "{}: there are {} merges, must be at most {}", spec.source,
         spec.merges.size(), kMaxTokens);
  }
  MergeTable table(spec.merges.size());
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const auto& [left, right] = spec.merges[rank];
    const auto id_of = [&](const std::string& bytes) {
      const std::optional<TokenId> id = vocab.find(bytes);
      if (!id) {
        fail(ErrorCode::invalid_input, "{}: merge {} is {} with {}, but {} is not a token",
             spec.source, rank, quote(left), quote(right), quote(bytes));
      }
      return *id;
    };
    table.set(id_of(left), id_of(right), {static_cast<TokenId>(rank), id_of(left + right)});
  }
  return table;
}

}  // namespace tinyllm
