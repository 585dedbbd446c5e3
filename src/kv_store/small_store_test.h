#pragma once
// Stores of blocks of 80 bytes, for tests: texts, their blocks, and how they go in and come out.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/temp_folder_test.h"
#include "kv_store/kv_store.h"

namespace tinyllm {

inline constexpr std::int64_t kBlockBytes = 80;

inline StoreIdentity small_identity() {
  return {.model = "small",
          .digest = "0123456789abcdef0123",
          .context = "all positions",
          .program = "tiny-llm 1.0",
          .arithmetic = "cpu scalar",
          .kv_type = "bf16",
          .block_size = 4,
          .block_bytes = kBlockBytes};
}

inline KvStoreSpec spec_of(const testing::TempFolder& folder, std::int64_t n_blocks = 100) {
  KvStoreSpec spec;
  spec.folder = folder.path() / "kv";
  spec.max_bytes = n_blocks * (kBlockBytes + BlockFile::kEntryBytes);
  return spec;
}

// The chain of a text: block i holds tokens that follow from `text` and i.
inline std::vector<BlockKey> chain(const BlockKey& root, int text, int n_blocks) {
  std::vector<BlockKey> keys;
  for (int i = 0; i < n_blocks; ++i) {
    const std::vector<TokenId> tokens = {text, i, 3, 4};
    keys.push_back(next_key(i == 0 ? root : keys.back(), tokens));
  }
  return keys;
}

inline std::vector<std::byte> bytes_of(const BlockKey& key) {
  std::vector<std::byte> block(kBlockBytes);
  for (std::size_t i = 0; i < block.size(); ++i)
    block[i] = static_cast<std::byte>(key.bytes[i % 32] + i);
  return block;
}

inline void put_all(KvStore& store, const BlockKey& root, const std::vector<BlockKey>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    store.put(root, std::span(keys).first(i + 1), [&](std::span<std::byte> block) {
      std::ranges::copy(bytes_of(keys[i]), block.begin());
    });
  }
}

// For what the store's thread does. A failure after 20 s.
template <typename Condition>
void wait_until(Condition is_true) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!is_true() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(is_true());
}

// How many blocks of a load came, each with the right bytes.
inline int read_all(KvStore& store, const std::vector<BlockKey>& keys) {
  const LoadId id = store.load(keys);
  int n_read = 0;
  while (true) {
    std::optional<KvStore::Arrival> arrival = store.take_arrived();
    if (!arrival) {
      std::this_thread::sleep_for(std::chrono::microseconds(10));
      continue;
    }
    EXPECT_EQ(arrival->id, id);
    if (arrival->block.empty()) return n_read;
    EXPECT_EQ(arrival->block, bytes_of(keys[static_cast<std::size_t>(n_read)]));
    store.give_back(std::move(*arrival));
    if (++n_read == std::ssize(keys)) return n_read;
  }
}

// Fills a store with the first blocks of a text and closes it.
inline void fill(const KvStoreSpec& spec, int text, int n_blocks) {
  KvStore store(spec, small_identity());
  put_all(store, store.root(""), chain(store.root(""), text, n_blocks));
}

}  // namespace tinyllm
