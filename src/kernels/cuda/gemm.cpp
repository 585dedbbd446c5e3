#include "kernels/cuda/gemm.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace tinyllm::cuda {

// To cuBLASLt, which thinks in columns, our row-major y [n, rows] is a matrix [rows, n], and
// y = W x^T with W and x as they lie, W transposed.
struct Gemm::Layouts {
  Layouts(const CublasLt& lt, const GemmArgs& args) : lt(lt) {
    const auto out_type = args.output == GemmOutput::store_bf16 ? CUDA_R_16BF : CUDA_R_32F;
    const auto rows = static_cast<std::uint64_t>(args.n_rows);
    const auto cols = static_cast<std::uint64_t>(args.n_cols);
    const auto n = static_cast<std::uint64_t>(args.n);
    lt->layout_create(&weights, CUDA_R_16BF, cols, rows, args.weights_stride);
    lt->layout_create(&x, CUDA_R_16BF, cols, n, args.x_stride);
    lt->layout_create(&out, out_type, rows, n, args.out_stride);
  }
  ~Layouts() {
    lt->layout_destroy(weights);
    lt->layout_destroy(x);
    lt->layout_destroy(out);
  }
  const CublasLt& lt;
  cublasLtMatrixLayout_t weights = nullptr, x = nullptr, out = nullptr;
};

Gemm::Gemm(const DeviceContext& context) : context_(&context), lt_(CublasLt::open()) {
  if (lt_ == nullptr) return;
  workspace_ = DeviceBuffer(kWorkspaceBytes, "cuBLASLt");
  const CublasLt& lt = *lt_;
  lt->desc_create(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  lt->desc_set(product_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed);
}

Gemm::~Gemm() {
  if (lt_ != nullptr) (*lt_)->desc_destroy(product_);
}

bool Gemm::find(const Layouts& layouts, cublasLtMatmulAlgo_t& algorithm) {
  const CublasLt& lt = *lt_;
  cublasLtMatmulPreference_t preference = nullptr;
  lt->preference_create(&preference);
  const auto bytes = static_cast<std::uint64_t>(kWorkspaceBytes);
  lt->preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes);
  cublasLtMatmulHeuristicResult_t found{};
  int n_found = 0;
  const cublasStatus_t status =
      lt->heuristic(lt.handle(), product_, layouts.weights, layouts.x, layouts.out, layouts.out,
                    preference, 1, &found, &n_found);
  lt->preference_destroy(preference);
  if (status != CUBLAS_STATUS_SUCCESS || n_found == 0) return false;
  algorithm = found.algo;
  return true;
}

bool Gemm::run(const GemmArgs& args, const Layouts& layouts,
               const cublasLtMatmulAlgo_t& algorithm) {
  const float one = 1.0f, beta = args.output == GemmOutput::add_f32 ? 1.0f : 0.0f;
  return (*lt_)->matmul(lt_->handle(), product_, &one, args.weights, layouts.weights, args.x,
                        layouts.x, &beta, args.out, layouts.out, args.out, layouts.out, &algorithm,
                        workspace_.data(), kWorkspaceBytes,
                        context_->stream()) == CUBLAS_STATUS_SUCCESS;
}

void Gemm::launch(const GemmArgs& args) {
  const Layouts layouts(*lt_, args);
  const auto bucket = static_cast<std::int32_t>(std::bit_ceil(static_cast<unsigned>(args.n)));
  const Key key{args.n_rows, args.n_cols, bucket, args.output};
  const auto known = algorithms_.find(key);
  if (known != algorithms_.end() && run(args, layouts, known->second)) return;
  cublasLtMatmulAlgo_t algorithm;
  if (!find(layouts, algorithm) || !run(args, layouts, algorithm))
    fail(ErrorCode::unsupported, "cuBLASLt cannot multiply [{}, {}] by [{}, {}]", args.n,
         args.n_cols, args.n_cols, args.n_rows);
  algorithms_.insert_or_assign(key, algorithm);
}

}  // namespace tinyllm::cuda
