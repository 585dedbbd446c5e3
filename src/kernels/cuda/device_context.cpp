#include "kernels/cuda/device_context.h"

#include "base/error.h"

namespace tinyllm::cuda {
namespace {

int attribute(cudaDeviceAttr which, int device_idx) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device_idx), "a device attribute");
  return value;
}

}  // namespace

int n_devices() {
  int n = 0;
  if (cudaGetDeviceCount(&n) != cudaSuccess) {
    cudaGetLastError();  // no driver, or none that this runtime can use: not an error to keep
    return 0;
  }
  return n;
}

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  const ErrorCode code =
      status == cudaErrorMemoryAllocation ? ErrorCode::out_of_memory : ErrorCode::io;
  fail(code, "CUDA: {}: {} ({})", what, cudaGetErrorString(status), cudaGetErrorName(status));
}

DeviceContext::DeviceContext(const DeviceOptions& options) : options_(options) {
  int n = 0;
  const cudaError_t status = cudaGetDeviceCount(&n);
  if (status != cudaSuccess || n == 0) {
    fail(ErrorCode::not_found, "no CUDA device can be used: {}",
         status == cudaSuccess ? "the driver sees none" : cudaGetErrorString(status));
  }
  if (options.device_idx < 0 || options.device_idx >= n)
    fail(ErrorCode::not_found, "there is no CUDA device {}; this machine has {}",
         options.device_idx, n);
  check(cudaSetDevice(options.device_idx), "selecting the device");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, options.device_idx), "the device's properties");
  name_ = properties.name;
  compute_capability_ = properties.major * 10 + properties.minor;
  if (compute_capability_ < 80)
    fail(ErrorCode::unsupported, "{} has compute capability {}.{}; 8.0 or newer is needed", name_,
         properties.major, properties.minor);
  code_architecture_ = code_architecture();
  n_sms_ = properties.multiProcessorCount;
  l2_bytes_ = properties.l2CacheSize;
  max_shared_bytes_ = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, options.device_idx);
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

DeviceContext::~DeviceContext() {
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

void DeviceContext::synchronise() const {
  check(cudaStreamSynchronize(stream_), "waiting for the device");
}

}  // namespace tinyllm::cuda
