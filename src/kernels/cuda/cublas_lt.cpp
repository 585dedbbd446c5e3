#include "kernels/cuda/cublas_lt.h"

#include <dlfcn.h>

#include "base/log.h"

namespace tinyllm::cuda {
namespace {

void* open_library() {
  for (const char* name : {"libcublasLt.so.13", "/usr/local/cuda/lib64/libcublasLt.so.13"}) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<CublasLt> CublasLt::open() {
  std::unique_ptr<CublasLt> lt(new CublasLt);
  lt->library_ = open_library();
  if (lt->library_ == nullptr) {
    log(LogLevel::warning, "libcublasLt.so.13 is not installed: prompts are slower without it");
    return nullptr;
  }
  bool is_complete = true;
  const auto find = [&](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(lt->library_, name));
    is_complete = is_complete && function != nullptr;
  };
  CublasLtFunctions& f = lt->functions_;
  find(f.create, "cublasLtCreate");
  find(f.destroy, "cublasLtDestroy");
  find(f.matmul, "cublasLtMatmul");
  find(f.desc_create, "cublasLtMatmulDescCreate");
  find(f.desc_destroy, "cublasLtMatmulDescDestroy");
  find(f.desc_set, "cublasLtMatmulDescSetAttribute");
  find(f.layout_create, "cublasLtMatrixLayoutCreate");
  find(f.layout_destroy, "cublasLtMatrixLayoutDestroy");
  find(f.preference_create, "cublasLtMatmulPreferenceCreate");
  find(f.preference_destroy, "cublasLtMatmulPreferenceDestroy");
  find(f.preference_set, "cublasLtMatmulPreferenceSetAttribute");
  find(f.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  if (!is_complete || f.create(&lt->handle_) != CUBLAS_STATUS_SUCCESS) {
    log(LogLevel::warning, "cuBLASLt cannot be used: prompts are slower without it");
    return nullptr;
  }
  return lt;
}

CublasLt::~CublasLt() {
  if (handle_ != nullptr) functions_.destroy(handle_);
  if (library_ != nullptr) dlclose(library_);
}

}  // namespace tinyllm::cuda
