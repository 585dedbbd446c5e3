#pragma once
// Memory that is taken piece by piece and given back as a whole. The packed weights of a model lie
// next to each other in it, in huge pages; alone each would begin and end in small ones.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/buffer.h"

namespace tinyllm {

class Arena {
 public:
  explicit Arena(const char* what) : what_(what) {}

  // Uninitialised bytes, aligned to 64; they stay where they are as long as the arena lives.
  // Throws Error{out_of_memory}.
  std::byte* take(std::int64_t n_bytes);

 private:
  const char* what_;
  std::vector<Buffer> chunks_;
  std::int64_t n_taken_ = 0;  // of the last chunk
};

}  // namespace tinyllm
