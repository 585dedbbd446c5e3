#pragma once
// How fast this machine reads memory now: the bound of decoding, which reads every weight once a
// token. Main thread only.

#include <cstdint>

#include "base/thread_pool.h"
#include "tensor/buffer.h"

namespace tinyllm {

// Bytes of a buffer that no cache holds: at least 256 MB, and twice the last-level cache where the
// memory suffices.
std::int64_t uncached_bytes();

// Bytes a second. Memory that others share is fast for a moment after a rest and slower under load,
// and decoding loads it all the time: shares are told against `sustained`.
struct ReadBandwidth {
  double sustained = 0, best = 0;  // over all passes, and over the fastest one
};

inline constexpr double kProbeSeconds = 2;  // so long in all, for a figure that means something

// All workers read uncached_bytes(), pass after pass. On shared machines the speed moves from minute
// to minute: probe by turns with what is compared with it. Holds the memory only while it reads, since
// that may not be there beside an engine at work.
class BandwidthProbe {
 public:
  explicit BandwidthProbe(ThreadPool& pool);

  // Whole passes, one at least. Throws Error{out_of_memory}.
  void read_for(double seconds);
  ReadBandwidth bandwidth() const;  // of all passes so far; at least one

 private:
  double seconds_of_a_pass(const Buffer& buffer);

  ThreadPool& pool_;
  const std::int64_t n_bytes_;
  std::int64_t n_passes_ = 0;
  double total_s_ = 0, best_s_ = 0;
};

// kProbeSeconds of it.
ReadBandwidth measure_read_bandwidth(ThreadPool& pool);

}  // namespace tinyllm
