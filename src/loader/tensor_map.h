#pragma once
// The tensors of a model file under the names that the file uses. Views: the file's mapping or
// buffer owns the bytes, which may lie at any alignment.

#include <functional>
#include <map>
#include <string>

#include "tensor/tensor.h"

namespace tinyllm {

using TensorMap = std::map<std::string, Tensor, std::less<>>;

}  // namespace tinyllm
