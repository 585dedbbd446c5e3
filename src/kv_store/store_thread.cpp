// The store's thread: the only one that touches the files once the store is open. It lets go of the
// mutex while it reads and writes.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "base/log.h"
#include "kv_store/kv_store.h"

namespace tinyllm {

void KvStore::loop() {
  try {
    Lock lock(mutex_);
    while (true) {
      if (work(lock)) continue;
      if (closing_) return;
      to_do_.wait(lock);
    }
  } catch (const std::exception& error) {  // no memory
    give_up(error.what());
  }
}

// What somebody waits for comes first.
bool KvStore::work(Lock& lock) {
  if (!forgets_.empty()) {
    forget_next(lock);
  } else if (!loads_.empty() && n_staged_ < max_staged_ && !closing_) {
    read_next(lock);
  } else if (!writes_.empty()) {
    write_next(lock);
  } else if (!used_.empty() && file_.is_writable()) {
    write_use(lock);
  } else {
    return false;
  }
  return true;
}

void KvStore::forget_next(Lock& lock) {
  const BlockKey key = forgets_.back();
  forgets_.pop_back();
  if (const std::optional<std::int64_t> slot = index_.find(key)) drop(lock, *slot);
}

void KvStore::drop(Lock& lock, std::int64_t slot) {
  index_.erase(slot);
  if (file_.is_writable()) {
    lock.unlock();
    file_.clear_entry(slot);
    lock.lock();
  }
  index_.give_back(slot);
}

void KvStore::read_next(Lock& lock) {
  Load& load = loads_.front();
  const LoadId id = load.id;
  const BlockKey key = load.keys[load.n_read];
  std::vector<std::byte> block;
  if (spare_reads_.empty()) {
    block.resize(static_cast<std::size_t>(block_bytes_));
  } else {
    block = std::move(spare_reads_.back());
    spare_reads_.pop_back();
  }
  const bool came = read(lock, key, block);
  const bool is_wanted = !loads_.empty() && loads_.front().id == id;  // it was not cancelled
  if (!came || !is_wanted) {
    spare_reads_.push_back(std::move(block));
    block = {};
  }
  if (!is_wanted) return;
  Load& still = loads_.front();
  if (came) {
    ++n_staged_;
    ++counts_.n_hits;
  }
  if (!came || ++still.n_read == still.keys.size()) loads_.pop_front();
  arrived_.push_back({id, std::move(block)});
  lock.unlock();
  if (listener_) listener_();
  lock.lock();
}

bool KvStore::read(Lock& lock, const BlockKey& key, std::span<std::byte> block) {
  const std::optional<std::int64_t> slot = index_.find(key);
  if (!slot) {  // it may still wait to be written
    const auto queued = std::ranges::find(writes_, key, &Write::key);
    if (queued != writes_.end()) std::ranges::copy(queued->block, block.begin());
    return queued != writes_.end();
  }
  const BlockEntry entry = index_.entry(*slot);
  lock.unlock();
  const bool is_whole = file_.read_block(*slot, entry, block);
  lock.lock();
  if (is_whole) {
    counts_.bytes_read += static_cast<std::uint64_t>(block_bytes_);
    return true;
  }
  drop(lock, *slot);
  if (file_.is_shared()) return false;  // the other process has put another block there
  ++counts_.n_damaged;
  if (!std::exchange(warned_, true))
    log(LogLevel::warning, "KV store {}: a damaged block was found and dropped",
        spec_.folder.string());
  return false;
}

void KvStore::write_next(Lock& lock) {
  Write next = std::move(writes_.front());
  writes_.pop_front();
  write(lock, next);
  queued_.erase(next.key);
  spare_writes_.push_back(std::move(next.block));
}

void KvStore::write(Lock& lock, const Write& write) {
  const BlockIndex::Slot taken = can_follow(write) ? index_.take(write.parent) : BlockIndex::Slot();
  if (taken.slot < 0) {
    ++counts_.n_not_stored;
    return;
  }
  counts_.n_evicted += taken.evicted ? 1 : 0;
  BlockEntry entry{write.key, write.parent, 0, index_.next_use()};
  lock.unlock();
  entry.checksum = BlockFile::checksum(write.key, write.block);
  int reason = taken.evicted ? file_.clear_entry(taken.slot) : 0;
  if (reason == 0) reason = file_.write_block(taken.slot, write.block);
  if (reason == 0) reason = file_.write_entry(taken.slot, entry);
  lock.lock();
  if (reason != 0) return write_failed(taken.slot, reason);
  n_bad_writes_ = 0;
  index_.insert(taken.slot, entry);
  ++counts_.n_written;
  counts_.bytes_written += static_cast<std::uint64_t>(block_bytes_);
}

// A full disk is a bound like any other: the store stays as large as it is. A bad place on the disk
// is not given to another block; where all places are bad, nothing more is lost for trying.
void KvStore::write_failed(std::int64_t slot, int reason) {
  ++counts_.n_not_stored;
  const bool is_full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  if (is_full) index_.give_back(slot);
  if (is_full && slot + 1 == index_.n_touched()) index_.limit_slots(slot);
  if (!is_full && ++n_bad_writes_ == kMaxBadWrites)
    log(LogLevel::warning, "KV store {}: is not written any more", spec_.folder.string());
  if (std::exchange(warned_, true)) return;
  log(LogLevel::warning, "KV store {}: a block cannot be written: {}{}", spec_.folder.string(),
      std::strerror(reason), is_full ? "; the store grows no more" : "");
}

// Writes an entry anew whose block was of use, so that the next run knows which blocks to keep.
void KvStore::write_use(Lock& lock) {
  const BlockKey key = *used_.begin();
  used_.erase(used_.begin());
  const std::optional<std::int64_t> slot = index_.find(key);
  if (!slot) return;
  const BlockEntry entry = index_.entry(*slot);
  lock.unlock();
  file_.write_entry(*slot, entry);
  lock.lock();
}

void KvStore::give_up(const char* why) {
  log(LogLevel::warning, "KV store {}: has stopped: {}", spec_.folder.string(), why);
  Lock lock(mutex_);
  broken_ = true;
  while (true) {
    counts_.n_not_stored += writes_.size();
    writes_.clear();
    if (closing_) return;
    for (; !loads_.empty(); loads_.pop_front()) arrived_.push_back({loads_.front().id, {}});
    lock.unlock();
    if (listener_) listener_();
    lock.lock();
    to_do_.wait(lock, [this] { return closing_ || !loads_.empty(); });
  }
}

}  // namespace tinyllm
