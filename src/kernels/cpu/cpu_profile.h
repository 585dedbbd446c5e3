#pragma once
// What the CPU backend tells a StepProfile; nothing where nobody wants to know. Engine thread only.

#include <cstdint>

#include "api/step_profile.h"
#include "base/thread_pool.h"
#include "kernels/cpu/packed_matrix.h"

namespace tinyllm {

class CpuProfile {
 public:
  // `pool` must outlive it.
  explicit CpuProfile(ThreadPool& pool) : pool_(&pool) {}

  // nullptr: no more.
  void set(StepProfile* profile);
  void begin_step(std::int64_t n_tokens, std::int64_t n_seqs) {
    if (profile_ != nullptr) profile_->set_batch(n_tokens, n_seqs);
  }

  // The time since the last mark belongs to `part`.
  void mark(StepPart part) {
    if (profile_ != nullptr) [[unlikely]]
      profile_->mark(part, pool_->take_waited_s());
  }
  // The same, and its work: these bytes read and operations done; or n_rows rows times a matrix.
  void mark(StepPart part, double bytes, double ops);
  void mark(StepPart part, const PackedMatrix& weights, std::int64_t n_rows);

  void add_expert_tokens(std::int32_t layer_idx, std::int32_t expert, std::int64_t n_tokens) {
    if (profile_ != nullptr) profile_->add_expert_tokens(layer_idx, expert, n_tokens);
  }

  bool is_on() const { return profile_ != nullptr; }

 private:
  ThreadPool* pool_;
  StepProfile* profile_ = nullptr;
};

}  // namespace tinyllm
