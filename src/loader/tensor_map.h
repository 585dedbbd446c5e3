#pragma once
// The tensors of a model file under the names that the file uses. Views: the file's mapping or
// buffer owns the bytes, which may lie at any alignment.

#include <functional>
#include <map>
#include <string>

#include "tensor/tensor.h"

namespace tinyllm {

using TensorMap = std::map<std::string, Tensor, std::less<>>;

// Tensors of a file that no Tensor can hold (a scalar, 64-bit floats), and why. A model that does
// not need them is as good without.
using UnreadTensors = std::map<std::string, std::string, std::less<>>;

}  // namespace tinyllm
