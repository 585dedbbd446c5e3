#include "engine/kv_traffic.h"

#include <new>
#include <utility>

namespace tinyllm {

KvTraffic::KvTraffic(std::unique_ptr<KvStore> store, Backend& backend, Scheduler& scheduler,
                     std::function<void()> wake)
    : store_(std::move(store)), backend_(&backend), scheduler_(&scheduler) {
  store_->set_listener(std::move(wake));
}

KvTraffic::Chain& KvTraffic::chain_of(const Sequence& sequence, std::int64_t n_blocks) {
  auto found = chains_.find(sequence.id);
  if (found == chains_.end())
    found = chains_.emplace(sequence.id, Chain{store_->root(sequence.cache_salt), {}}).first;
  Chain& chain = found->second;
  const auto size = static_cast<std::size_t>(scheduler_->blocks().block_size());
  while (std::ssize(chain.keys) < n_blocks) {
    const BlockKey& parent = chain.keys.empty() ? chain.root : chain.keys.back();
    chain.keys.push_back(
        next_key(parent, std::span(sequence.token_ids).subspan(chain.keys.size() * size, size)));
  }
  return chain;
}

std::int64_t KvTraffic::fetch(const Sequence& sequence) {
  try {
    return load(sequence);
  } catch (const std::bad_alloc&) {  // it is computed
    return 0;
  }
}

std::int64_t KvTraffic::load(const Sequence& sequence) {
  const std::int64_t size = scheduler_->blocks().block_size();
  const std::int64_t n_cached = sequence.n_computed / size;
  const std::int64_t n_full = (sequence.n_known() - 1) / size;  // one token is left to compute
  const std::span<const BlockKey> keys =
      std::span(chain_of(sequence, n_full).keys).first(static_cast<std::size_t>(n_full));
  store_->note_use(keys.first(static_cast<std::size_t>(n_cached)));
  // What the store had no place for when it was computed is stored now, without a gap.
  for (std::int64_t i = 0; i < n_cached && put(sequence, i);) ++i;
  const std::span<const BlockKey> wanted = keys.subspan(static_cast<std::size_t>(n_cached));
  const std::int64_t n_stored = store_->find(wanted);
  if (n_stored == 0) return 0;
  const LoadId id = store_->load({wanted.begin(), wanted.begin() + n_stored});
  loads_[id] = {sequence.id, sequence.epoch, n_stored};
  return n_stored * size;
}

void KvTraffic::save(const Sequence& sequence, std::int32_t block_idx) {
  try {
    put(sequence, block_idx);
  } catch (const std::bad_alloc&) {
    store_->note_not_stored();
  }
}

bool KvTraffic::put(const Sequence& sequence, std::int64_t block_idx) {
  const auto i = static_cast<std::size_t>(block_idx);
  if (!is_held(sequence.blocks.block_ids[i])) return false;
  const Chain& chain = chain_of(sequence, block_idx + 1);
  return store_->put(chain.root, std::span(chain.keys).first(i + 1),
                     [&](std::span<std::byte> block) {
                       backend_->read_block(sequence.blocks.block_ids[i], block);
                     });
}

void KvTraffic::take_arrived(std::chrono::nanoseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  do {
    std::optional<KvStore::Arrival> arrival = store_->take_arrived();
    if (!arrival) return;
    if (!take(*arrival)) {
      loads_.erase(arrival->id);
      store_->cancel(arrival->id);
    }
    store_->give_back(std::move(*arrival));
  } while (std::chrono::steady_clock::now() < deadline);
}

// False: this was the last block of its load, or nobody waits for it any more.
bool KvTraffic::take(KvStore::Arrival& arrival) {
  const auto found = loads_.find(arrival.id);
  if (found == loads_.end()) return false;
  Load& load = found->second;
  const Sequence* sequence = waiting_for(load);
  if (sequence == nullptr) return false;
  if (arrival.block.empty()) {
    scheduler_->end_loading(sequence->id);
    return false;
  }
  const std::int64_t size = scheduler_->blocks().block_size();
  const auto block_idx = static_cast<std::size_t>(sequence->n_computed / size);
  backend_->write_block(sequence->blocks.block_ids[block_idx], arrival.block);
  scheduler_->loaded(sequence->id, size);
  return --load.n_left > 0;
}

const Sequence* KvTraffic::waiting_for(const Load& load) const {
  const Sequence* sequence = scheduler_->find(load.sequence_id);
  return sequence != nullptr && sequence->epoch == load.epoch ? sequence : nullptr;
}

void KvTraffic::forget(const Sequence& sequence) {
  const auto found = chains_.find(sequence.id);
  if (found != chains_.end()) store_->forget(found->second.keys);
}

}  // namespace tinyllm
