// What the engine thread calls, and how a store is opened. The store's own thread: store_thread.cpp.

#include "kv_store/kv_store.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace tinyllm {
namespace {

// Blocks that so many bytes hold; a few at least, and no more than a list of them is worth.
std::size_t blocks_in(std::int64_t n_bytes, std::int64_t block_bytes) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(n_bytes / block_bytes, 2, 4096));
}

std::int64_t slots_in(const KvStoreSpec& spec, std::int64_t block_bytes) {
  const std::int64_t n = spec.max_bytes / (block_bytes + BlockFile::kEntryBytes);
  if (n >= 1) return n;
  fail(ErrorCode::invalid_input,
       "--kv-store: {}: may take {} bytes, and one block of keys and values takes {}",
       spec.folder.string(), spec.max_bytes, block_bytes + BlockFile::kEntryBytes);
}

std::vector<std::byte> take_spare(std::vector<std::vector<std::byte>>& spare, std::int64_t n) {
  if (spare.empty()) return std::vector<std::byte>(static_cast<std::size_t>(n));
  std::vector<std::byte> block = std::move(spare.back());
  spare.pop_back();
  return block;
}

}  // namespace

KvStore::KvStore(const KvStoreSpec& spec, const StoreIdentity& identity)
    : spec_(spec),
      identity_(identity.key()),
      block_bytes_(identity.block_bytes),
      index_(slots_in(spec, block_bytes_)),
      file_(spec.folder, identity),
      max_queued_(blocks_in(spec.queue_bytes, block_bytes_)),
      max_staged_(blocks_in(spec.staging_bytes, block_bytes_)) {
  counts_.block_bytes = block_bytes_;
  restore();
  if (!file_.is_writable())
    log(LogLevel::warning, "KV store {}: is only read, not written: {}", spec.folder.string(),
        file_.why_not_writable());
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "kv store");
}

KvStore::~KvStore() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  to_do_.notify_one();
  thread_.join();
}

void KvStore::restore() {
  const std::int64_t max_slots = index_.max_slots();
  const std::int64_t n_slots = file_.n_slots();
  index_.limit_slots(std::max(max_slots, n_slots));
  std::vector<std::int64_t> twice;  // moved, and the program was killed before it said so
  const std::int64_t n_damaged = file_.each_entry([&](std::int64_t slot, const BlockEntry& entry) {
    if (!index_.restore(slot, entry)) twice.push_back(slot);
  });
  index_.end_restore();
  if (file_.is_shared()) return;  // what looks damaged may be half written
  counts_.n_damaged = static_cast<std::uint64_t>(n_damaged);
  if (!file_.is_writable()) return;
  for (const std::int64_t slot : twice) file_.clear_entry(slot);
  if (n_slots > max_slots) shrink(max_slots);
  index_.limit_slots(max_slots);
}

// The files are larger than they may be now: the least recently used blocks go, and what lies too
// far behind moves.
void KvStore::shrink(std::int64_t max_slots) {
  while (index_.n_blocks() > max_slots) {
    const std::int64_t slot = *index_.oldest_leaf({});
    index_.erase(slot);
    file_.clear_entry(slot);
    ++counts_.n_evicted;
  }
  std::vector<std::byte> block(static_cast<std::size_t>(block_bytes_));
  std::int64_t to = 0;
  for (std::int64_t from = max_slots; from < index_.n_touched(); ++from) {
    const auto holds = [&](std::int64_t slot) {
      return index_.find(index_.entry(slot).key) == std::optional(slot);
    };
    if (!holds(from)) continue;
    while (holds(to)) ++to;
    if (!move_block(from, to, block)) index_.erase(from);
  }
  BlockIndex small(max_slots);
  for (std::int64_t slot = 0; slot < std::min(max_slots, index_.n_touched()); ++slot) {
    const BlockEntry& entry = index_.entry(slot);
    if (index_.find(entry.key) == std::optional(slot)) small.restore(slot, entry);
  }
  small.end_restore();
  index_ = std::move(small);
  file_.truncate(max_slots);
}

bool KvStore::move_block(std::int64_t from, std::int64_t to, std::span<std::byte> block) {
  const BlockEntry entry = index_.entry(from);
  if (!file_.read_block(from, entry, block)) {
    ++counts_.n_damaged;
    return false;
  }
  if (file_.write_block(to, block) != 0 || file_.write_entry(to, entry) != 0) {
    ++counts_.n_evicted;
    return false;
  }
  index_.erase(from);
  return index_.restore(to, entry);
}

std::int64_t KvStore::find(std::span<const BlockKey> keys) {
  const std::scoped_lock lock(mutex_);
  std::int64_t n_found = 0;
  for (const BlockKey& key : keys) {
    const std::optional<std::int64_t> slot = index_.find(key);
    if (!slot && !queued_.contains(key)) break;
    ++n_found;
    if (slot) touch(key, *slot);
  }
  counts_.n_misses += keys.size() - static_cast<std::uint64_t>(n_found);
  return n_found;
}

void KvStore::note_use(std::span<const BlockKey> keys) {
  const std::scoped_lock lock(mutex_);
  for (const BlockKey& key : keys) {
    if (const std::optional<std::int64_t> slot = index_.find(key)) touch(key, *slot);
  }
}

void KvStore::touch(const BlockKey& key, std::int64_t slot) {
  if (index_.touch(slot) && file_.is_writable()) used_.insert(key);
}

bool KvStore::put(const BlockKey& root, std::span<const BlockKey> keys,
                  function_ref<void(std::span<std::byte> block)> copy) {
  if (!file_.is_writable()) return false;
  Write write;
  write.is_first = keys.size() == 1;
  write.key = keys.back();
  write.parent = write.is_first ? root : keys[keys.size() - 2];
  {
    const std::scoped_lock lock(mutex_);
    if (index_.find(write.key) || queued_.contains(write.key)) return true;
    if (!can_follow(write) || queued_.size() >= max_queued_) {
      ++counts_.n_not_stored;
      return false;
    }
    write.block = take_spare(spare_writes_, block_bytes_);
  }
  copy(write.block);
  {
    const std::scoped_lock lock(mutex_);
    const auto [queued, is_new] = queued_.insert(write.key);
    if (!is_new) return true;  // another thread was faster
    try {
      writes_.push_back(std::move(write));
    } catch (...) {
      queued_.erase(queued);
      throw;
    }
  }
  to_do_.notify_one();
  return true;
}

// Whether a block can be written, and be found behind the one before it.
bool KvStore::can_follow(const Write& write) const {
  if (broken_ || n_bad_writes_ >= kMaxBadWrites) return false;
  return write.is_first || index_.find(write.parent) || queued_.contains(write.parent);
}

void KvStore::note_not_stored() {
  const std::scoped_lock lock(mutex_);
  ++counts_.n_not_stored;
}

void KvStore::forget(std::span<const BlockKey> keys) {
  {
    const std::scoped_lock lock(mutex_);
    forgets_.insert(forgets_.end(), keys.begin(), keys.end());
    for (const BlockKey& key : keys) {
      const auto write = std::ranges::find(writes_, key, &Write::key);
      if (write == writes_.end()) continue;
      spare_writes_.push_back(std::move(write->block));
      writes_.erase(write);
      queued_.erase(key);
    }
  }
  to_do_.notify_one();
}

LoadId KvStore::load(std::vector<BlockKey> keys) {
  LoadId id = 0;
  {
    const std::scoped_lock lock(mutex_);
    id = ++last_load_;
    loads_.push_back({id, std::move(keys)});
  }
  to_do_.notify_one();
  return id;
}

void KvStore::cancel(LoadId id) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(loads_, [id](const Load& load) { return load.id == id; });
}

std::optional<KvStore::Arrival> KvStore::take_arrived() {
  const std::scoped_lock lock(mutex_);
  if (arrived_.empty()) return std::nullopt;
  Arrival arrival = std::move(arrived_.front());
  arrived_.pop_front();
  return arrival;
}

void KvStore::give_back(Arrival arrival) {
  if (arrival.block.empty()) return;
  {
    const std::scoped_lock lock(mutex_);
    spare_reads_.push_back(std::move(arrival.block));
    --n_staged_;
  }
  to_do_.notify_one();
}

bool KvStore::has_arrived() const {
  const std::scoped_lock lock(mutex_);
  return !arrived_.empty();
}

KvStoreCounts KvStore::counts() const {
  const std::scoped_lock lock(mutex_);
  KvStoreCounts counts = counts_;
  counts.n_blocks = index_.n_blocks();
  counts.max_blocks = index_.max_slots();
  return counts;
}

std::string KvStore::describe() const {
  const KvStoreCounts now = counts();
  const auto gb = [&](std::int64_t n_blocks) {
    return static_cast<double>(n_blocks) * static_cast<double>(now.block_bytes) / 1e9;
  };
  std::string text =
      fmt::format("KV store {}: {} block{}, {:.2f} GB of at most {:.2f} GB", spec_.folder.string(),
                  now.n_blocks, now.n_blocks == 1 ? "" : "s", gb(now.n_blocks), gb(now.max_blocks));
  if (now.n_damaged > 0) text += fmt::format("; {} were damaged and are dropped", now.n_damaged);
  return text;
}

}  // namespace tinyllm
