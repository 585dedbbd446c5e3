#pragma once
// Keys and values of full blocks on disk, as users ask for it and see it: plain structs.
// The store itself: kv_store/kv_store.h.

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace tinyllm {

struct KvStoreSpec {
  std::filesystem::path folder;                         // empty: no store
  std::int64_t max_bytes = std::int64_t{16} << 30;      // of the folder's files
  std::int64_t queue_bytes = std::int64_t{64} << 20;    // that wait to be written, at most
  std::int64_t staging_bytes = std::int64_t{64} << 20;  // that were read and not yet taken

  bool wanted() const { return !folder.empty(); }
};

// "DIR" or "DIR:SIZE" with a SIZE like 500M, 20G or 1T (powers of 1024). What follows the last colon
// and does not begin with a digit, or has a slash, belongs to DIR. Throws Error{usage} for an empty
// DIR and for a SIZE like 20GB.
KvStoreSpec parse_kv_store(std::string_view text);

// Since the store was opened; sums of blocks and bytes.
struct KvStoreCounts {
  std::int64_t n_blocks = 0, max_blocks = 0;  // now
  std::int64_t block_bytes = 0;
  std::uint64_t n_hits = 0;        // blocks that came whole, from the disk or the queue
  std::uint64_t n_misses = 0;      // blocks of prompts that had to be computed
  std::uint64_t n_damaged = 0;     // found by a checksum, dropped
  std::uint64_t n_written = 0;     // blocks
  std::uint64_t n_evicted = 0;     // the least recently used, for others
  std::uint64_t n_not_stored = 0;  // no room for it, or for the block before it
  std::uint64_t bytes_read = 0, bytes_written = 0;
};

}  // namespace tinyllm
