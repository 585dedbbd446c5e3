#pragma once
// Keys and values of full blocks on disk, by content: what was computed once is found again after
// the memory needed its place for something else, and after a restart. A cache: nothing in it is
// ever missed for more than the time to compute it again, and a block that is not whole is never
// handed out.
//
//   engine thread   put ------> queue (bounded) --> [ store's thread ] --> files
//                   load -----> names of blocks --> [ reads first    ] --> staging (bounded)
//                   take_arrived <---------------------------------------------+
//
// No call waits for the disk but the constructor and the destructor. What does not fit into the
// queue is not stored. Any thread may call; the engine's does.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "api/kv_store.h"
#include "base/function_ref.h"
#include "kv_store/block_file.h"
#include "kv_store/block_index.h"
#include "kv_store/store_identity.h"

namespace tinyllm {

using LoadId = std::uint64_t;

class KvStore {
 public:
  // Throws as BlockFile, and Error{invalid_input} where not one block fits. Warns where the store
  // can only be read.
  KvStore(const KvStoreSpec& spec, const StoreIdentity& identity);
  ~KvStore();  // writes what is queued
  KvStore(const KvStore&) = delete;
  KvStore& operator=(const KvStore&) = delete;

  // The parent of a text's first block.
  BlockKey root(std::string_view salt) const { return root_key(identity_, salt); }

  // How many of these blocks, each the next one's parent, are stored without a gap. They count as
  // used now, and those behind the gap as missed.
  std::int64_t find(std::span<const BlockKey> keys);
  // Those of them that are stored count as used now.
  void note_use(std::span<const BlockKey> keys);

  // Stores the last of these blocks, each the next one's parent, unless it is known or queued. `copy`
  // fills in the bytes, at once, and is not called otherwise. False: it is not kept, for the queue or
  // the disk is full, or the block before it is not there, without which nobody would find it.
  bool put(const BlockKey& root, std::span<const BlockKey> keys,
           function_ref<void(std::span<std::byte> block)> copy);
  void note_not_stored();  // a block for which there was no memory
  // These blocks went wrong: nobody shall start from them.
  void forget(std::span<const BlockKey> keys);

  // Reads blocks one after the other. The first that does not come ends the load.
  LoadId load(std::vector<BlockKey> keys);
  void cancel(LoadId id);
  struct Arrival {
    LoadId id = 0;
    std::vector<std::byte> block;  // empty: it did not come, and those behind it will not
  };
  std::optional<Arrival> take_arrived();
  void give_back(Arrival arrival);  // its memory takes the next block
  bool has_arrived() const;
  // Called on the store's thread after each arrival. Must not block, nor call the store. Set once,
  // before the first load.
  void set_listener(std::function<void()> listener) { listener_ = std::move(listener); }

  KvStoreCounts counts() const;
  // "KV store DIR: 512 blocks, 0.5 of at most 16.0 GB"; and what was wrong with it.
  std::string describe() const;

 private:
  struct Write {
    BlockKey key, parent;
    bool is_first = false;  // of its text
    std::vector<std::byte> block;
  };
  struct Load {
    LoadId id = 0;
    std::vector<BlockKey> keys;
    std::size_t n_read = 0;
  };
  using Lock = std::unique_lock<std::mutex>;

  static constexpr int kMaxBadWrites = 8;

  void restore();
  void shrink(std::int64_t max_slots);
  bool move_block(std::int64_t from, std::int64_t to, std::span<std::byte> block);
  void loop();
  bool work(Lock& lock);  // one piece of work; false: there was none
  void forget_next(Lock& lock);
  void read_next(Lock& lock);
  bool read(Lock& lock, const BlockKey& key, std::span<std::byte> block);
  void write_next(Lock& lock);
  void write(Lock& lock, const Write& write);
  bool can_follow(const Write& write) const;
  void write_failed(std::int64_t slot, int reason);
  void touch(const BlockKey& key, std::int64_t slot);
  void write_use(Lock& lock);
  void drop(Lock& lock, std::int64_t slot);
  void give_up(const char* why);

  KvStoreSpec spec_;
  BlockKey identity_;
  std::int64_t block_bytes_;
  BlockIndex index_;  // guarded by mutex_; before file_, which is not made where no block fits
  BlockFile file_;
  std::size_t max_queued_, max_staged_;
  std::function<void()> listener_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable to_do_;
  KvStoreCounts counts_;
  std::deque<Write> writes_;
  std::unordered_set<BlockKey, BlockKeyHash> queued_;  // keys of writes_, and of the one under way
  std::deque<Load> loads_;
  std::deque<Arrival> arrived_;
  std::vector<BlockKey> forgets_;
  std::unordered_set<BlockKey, BlockKeyHash> used_;  // since their entries were written
  std::vector<std::vector<std::byte>> spare_writes_, spare_reads_;
  int n_bad_writes_ = 0;      // one after the other; too many end all writing
  std::size_t n_staged_ = 0;  // buffers that hold an arrival, here or with the engine
  LoadId last_load_ = 0;
  bool warned_ = false, broken_ = false, closing_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tinyllm
