#include "tensor/tensor.h"

#include "base/check.h"

namespace tinyllm {

const float* Tensor::f32() const {
  CHECK(dtype == DType::f32, "tensor is {}, want f32", name(dtype));
  return reinterpret_cast<const float*>(data);
}

}  // namespace tinyllm
