#pragma once
// Blocks between the K/V memory and the page store: what is full goes out, what a prompt begins with
// comes in before the rest is computed. Knows the names of each sequence's blocks. Engine thread only;
// the store's own thread does the reading and writing of files.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "kernels/backend.h"
#include "kv_store/kv_store.h"
#include "schedule/scheduler.h"

namespace tinyllm {

class KvTraffic {
 public:
  // `wake` is called on the store's thread when a block has come. The others must outlive this.
  KvTraffic(std::unique_ptr<KvStore> store, Backend& backend, Scheduler& scheduler,
            std::function<void()> wake);

  // For Scheduler::plan and commit. Where memory is short, nothing is fetched or saved.
  std::int64_t fetch(const Sequence& sequence);
  void save(const Sequence& sequence, std::int32_t block_idx);

  // Blocks that have come go into the K/V memory: all of them, or as many as the time suffices for,
  // and one at least.
  void take_arrived(std::chrono::nanoseconds at_most);
  // Whether the next block that comes is all that there is to wait for.
  bool is_waiting() const { return !loads_.empty() && !store_->has_arrived(); }

  // The K/V rows of a sequence went wrong: what was stored of it is dropped.
  void forget(const Sequence& sequence);
  void end(SequenceId id) { chains_.erase(id); }

  KvStoreCounts counts() const { return store_->counts(); }
  std::string describe() const { return store_->describe(); }

 private:
  struct Chain {
    BlockKey root;
    std::vector<BlockKey> keys;  // of the leading full blocks, as far as they were asked for
  };
  struct Load {
    SequenceId sequence_id;
    std::uint32_t epoch;
    std::int64_t n_left;  // blocks
  };

  std::int64_t load(const Sequence& sequence);
  bool put(const Sequence& sequence, std::int64_t block_idx);
  Chain& chain_of(const Sequence& sequence, std::int64_t n_blocks);
  bool take(KvStore::Arrival& arrival);
  // The sequence that waits for this load; nullptr: it ended, or was preempted.
  const Sequence* waiting_for(const Load& load) const;

  std::unique_ptr<KvStore> store_;
  Backend* backend_;
  Scheduler* scheduler_;
  std::unordered_map<SequenceId, Chain> chains_;
  std::unordered_map<LoadId, Load> loads_;
};

}  // namespace tinyllm
