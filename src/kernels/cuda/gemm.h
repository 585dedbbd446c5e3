#pragma once
// y = x W^T for many rows of x through cuBLASLt: prompts, and batches too large for launch_linear.
// Engine thread only.

#include <cuda_bf16.h>

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "kernels/cuda/cublas_lt.h"
#include "kernels/cuda/device_context.h"
#include "kernels/cuda/device_memory.h"

namespace tinyllm::cuda {

enum class GemmOutput : std::uint8_t {
  store_f32,   // out = y
  add_f32,     // out += y
  store_bf16,  // out = y, rounded
};

// All matrices bf16, row-major; strides in elements, multiples of 8 (out: of 4).
struct GemmArgs {
  const __nv_bfloat16* weights = nullptr;  // [n_rows, weights_stride]
  const __nv_bfloat16* x = nullptr;        // [n, x_stride]
  void* out = nullptr;                     // [n, out_stride]
  std::int64_t weights_stride = 0, x_stride = 0, out_stride = 0;
  std::int32_t n_rows = 0, n_cols = 0, n = 0;
  GemmOutput output = GemmOutput::store_f32;
};

class Gemm {
 public:
  // Takes its workspace at once, so that a step allocates nothing.
  explicit Gemm(const DeviceContext& context);
  ~Gemm();
  bool is_there() const { return lt_ != nullptr; }

  // Throws Error{unsupported} when the library knows no way to do it. What algorithm a shape gets is
  // decided by the first call with it, or with about as many rows of x.
  void launch(const GemmArgs& args);

 private:
  // Rows of the matrix, columns, rows of x rounded up, output.
  using Key = std::tuple<std::int32_t, std::int32_t, std::int32_t, GemmOutput>;
  struct Layouts;
  bool find(const Layouts& layouts, cublasLtMatmulAlgo_t& algorithm);
  bool run(const GemmArgs& args, const Layouts& layouts, const cublasLtMatmulAlgo_t& algorithm);

  static constexpr std::int64_t kWorkspaceBytes = std::int64_t{64} << 20;

  const DeviceContext* context_;
  std::unique_ptr<CublasLt> lt_;
  cublasLtMatmulDesc_t product_ = nullptr;
  DeviceBuffer workspace_;
  std::map<Key, cublasLtMatmulAlgo_t> algorithms_;
};

}  // namespace tinyllm::cuda
