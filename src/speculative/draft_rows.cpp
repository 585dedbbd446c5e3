#include "speculative/draft_rows.h"

#include <algorithm>
#include <span>

#include "base/xxhash64.h"

namespace tinyllm {
namespace {

std::uint64_t next_key(std::uint64_t before, TokenId token_id) {
  std::uint64_t key = (before ^ static_cast<std::uint32_t>(token_id)) + 0x9E3779B97F4A7C15ull;
  key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9ull;
  key = (key ^ (key >> 27)) * 0x94D049BB133111EBull;
  return (key ^ (key >> 31)) | 1;  // never 0
}

// What the next row's name is made of.
std::uint64_t last_key(const std::vector<std::uint64_t>& keys, const Sequence& sequence) {
  return keys.empty() ? xxhash64(std::as_bytes(std::span(sequence.cache_salt))) : keys.back();
}

}  // namespace

DraftRows::DraftRows(std::int32_t n_blocks, std::int32_t block_size)
    : block_size_(block_size),
      keys_(static_cast<std::size_t>(n_blocks) * static_cast<std::size_t>(block_size), 0) {}

std::size_t DraftRows::row_of(const Sequence& sequence, std::int64_t position) const {
  const auto block = sequence.blocks.block_ids[static_cast<std::size_t>(position / block_size_)];
  return static_cast<std::size_t>(std::int64_t{block} * block_size_ + position % block_size_);
}

std::int64_t DraftRows::n_rows(const Sequence& sequence) const {
  return std::ssize(sequence.blocks.block_ids) * block_size_;
}

void DraftRows::follow(Text& text, const Sequence& sequence) const {
  if (text.epoch != sequence.epoch) text.n_held = 0;  // it lies in other blocks now
  text.epoch = sequence.epoch;
  while (text.keys.size() < sequence.token_ids.size())
    text.keys.push_back(
        next_key(last_key(text.keys, sequence), sequence.token_ids[text.keys.size()]));
  const std::int64_t end = std::min(sequence.n_known() - 1, n_rows(sequence));
  while (text.n_held < end &&
         keys_[row_of(sequence, text.n_held)] == text.keys[static_cast<std::size_t>(text.n_held)])
    ++text.n_held;
}

void DraftRows::wrote(Text& text, const Sequence& sequence, std::int64_t end,
                      std::span<const TokenId> drafts) {
  const std::int64_t n_most = n_rows(sequence);
  for (std::int64_t i = text.n_held; i < std::min(end, n_most); ++i)
    keys_[row_of(sequence, i)] = text.keys[static_cast<std::size_t>(i)];
  text.n_held = std::min({end, n_most, sequence.n_known() - 1});
  if (end < sequence.n_known()) return;
  std::uint64_t key = last_key(text.keys, sequence);
  for (std::int64_t i = 0; i < std::ssize(drafts) && end + i < n_most; ++i) {
    key = next_key(key, drafts[static_cast<std::size_t>(i)]);
    keys_[row_of(sequence, end + i)] = key;
  }
}

}  // namespace tinyllm
