#pragma once
// How much memory the packed weights of a model take, known before anything is packed.

#include <cstdint>
#include <optional>

#include "loader/checkpoint.h"
#include "tensor/dtype.h"

namespace tinyllm {

// Bytes of all tensors, float matrices as `quantise` makes them where it is set. A backend's own
// layout takes a few per cent more.
std::int64_t packed_size(const Checkpoint& checkpoint, std::optional<DType> quantise);

}  // namespace tinyllm
