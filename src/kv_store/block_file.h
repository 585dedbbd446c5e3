#pragma once
// The files of a store. Blocks lie in slots of equal size; the index has an entry for each slot and
// says which block is in it.
//
//   kv.index    head (2 x 2048 bytes, equal)   entry 0 | entry 1 | ...      128 bytes each
//   kv.blocks                                  slot 0  | slot 1  | ...      block_bytes each
//   kv.lock     held by the one process that writes
//
// Nothing is true but what its checksum says: an entry's is seeded with the store's own number and
// the slot, and an entry holds the checksum of its block, which is seeded with the block's name. To
// fill a slot its entry is cleared first and written last, so a process that is killed in between
// leaves an empty slot; what a power failure mixes up is found by a checksum and is not there. An
// entry of zeros is an empty slot. No entry lies in two pages of memory, of which a process that is
// killed while it writes may leave one new and one old.
// One thread at a time. Calls of a run report errno instead of throwing.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/function_ref.h"
#include "kv_store/block_index.h"
#include "kv_store/store_identity.h"

namespace tinyllm {

class BlockFile {
 public:
  // Opens the store of a folder, or makes both. Where the folder cannot be written, or another
  // process holds the lock, the store can only be read. Throws Error{io | invalid_input}: the folder
  // cannot be made, the head is damaged or of another format, the identity differs.
  BlockFile(const std::filesystem::path& folder, const StoreIdentity& identity);
  ~BlockFile();
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  bool is_writable() const { return why_not_writable_.empty(); }
  const std::string& why_not_writable() const { return why_not_writable_; }
  bool is_shared() const { return is_shared_; }  // another process writes

  // When it was opened: those with an entry, empty ones included, and a block that may be whole.
  std::int64_t n_slots() const { return n_slots_; }
  // Calls with every slot whose entry is whole. Returns how many are damaged. Where the index cannot
  // be read to its end, the store can only be read from now on.
  std::int64_t each_entry(function_ref<void(std::int64_t slot, const BlockEntry&)> each);

  static std::uint64_t checksum(const BlockKey& key, std::span<const std::byte> block);
  // False: the bytes are not those that the entry names.
  bool read_block(std::int64_t slot, const BlockEntry& entry, std::span<std::byte> block) const;

  // Each returns 0 or the errno of what failed.
  int write_block(std::int64_t slot, std::span<const std::byte> block) const;
  int write_entry(std::int64_t slot, const BlockEntry& entry) const;
  int clear_entry(std::int64_t slot) const;
  // Forgets all slots from n_slots on.
  int truncate(std::int64_t n_slots) const;

  static constexpr std::int64_t kEntryBytes = 128;

 private:
  void take_lock();
  void make_files(const StoreIdentity& identity) const;
  void open_files();
  void read_head(const StoreIdentity& identity);

  std::filesystem::path folder_;
  std::int64_t block_bytes_;
  std::uint64_t store_id_ = 0;
  std::int64_t n_slots_ = 0;
  std::string why_not_writable_;
  bool is_shared_ = false;
  int lock_fd_ = -1, index_fd_ = -1, blocks_fd_ = -1;
};

}  // namespace tinyllm
