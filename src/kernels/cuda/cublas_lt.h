#pragma once
// cuBLASLt, opened when the first CUDA backend is made: the binary neither links nor needs it
// otherwise. Engine thread only.

#include <cublasLt.h>

#include <memory>

namespace tinyllm::cuda {

// The library's functions that we call.
struct CublasLtFunctions {
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtDestroy) destroy;
  decltype(&::cublasLtMatmul) matmul;
  decltype(&::cublasLtMatmulDescCreate) desc_create;
  decltype(&::cublasLtMatmulDescDestroy) desc_destroy;
  decltype(&::cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&::cublasLtMatrixLayoutCreate) layout_create;
  decltype(&::cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&::cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&::cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) heuristic;
};

class CublasLt {
 public:
  // nullptr where the library is not installed: products of many rows then go through launch_linear.
  static std::unique_ptr<CublasLt> open();
  ~CublasLt();
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  const CublasLtFunctions& operator*() const { return functions_; }
  const CublasLtFunctions* operator->() const { return &functions_; }
  cublasLtHandle_t handle() const { return handle_; }

 private:
  CublasLt() = default;
  void* library_ = nullptr;
  CublasLtFunctions functions_{};
  cublasLtHandle_t handle_ = nullptr;
};

}  // namespace tinyllm::cuda
