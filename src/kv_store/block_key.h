#pragma once
// The name of a block on disk: what its keys and values follow from. SHA-256 over the name of the
// block before it and the block's tokens, as git names a commit by its parent; the first block hangs
// under a root of model, number format and salt. Who lacks the salt cannot make the name. Any thread.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/token_id.h"

namespace tinyllm {

struct BlockKey {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const BlockKey&) const = default;
  // Eight of its bytes, which are as good as random.
  std::uint64_t word() const {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
  }
};

struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const { return key.word(); }
};

// The parent of the first blocks. digest: of all that bits depend on besides the tokens
// (StoreIdentity::digest).
BlockKey root_key(const BlockKey& digest, std::string_view salt);
// The block that holds these tokens after `parent`.
BlockKey next_key(const BlockKey& parent, std::span<const TokenId> tokens);
// SHA-256.
BlockKey key_of(std::string_view text);

}  // namespace tinyllm
