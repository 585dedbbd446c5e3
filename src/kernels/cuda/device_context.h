#pragma once
// One GPU as the kernels see it: its stream, its sizes, how launches are made. Passed to every
// launch; nothing of CUDA is global in this project. Engine thread only.

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

namespace tinyllm::cuda {

struct DeviceOptions {
  int device_idx = 0;
  bool overlap_launches = true;    // programmatic dependent launch, where the code has it
  bool deterministic = false;      // see is_deterministic()
  bool check_each_launch = false;  // waits after every launch: a fault is told by its kernel's name
};

class DeviceContext {
 public:
  // Throws Error{not_found} where there is no such device or no driver, Error{unsupported} where
  // this build has no code for it.
  explicit DeviceContext(const DeviceOptions& options = {});
  ~DeviceContext();
  DeviceContext(const DeviceContext&) = delete;
  DeviceContext& operator=(const DeviceContext&) = delete;

  cudaStream_t stream() const { return stream_; }
  int device_idx() const { return options_.device_idx; }
  const std::string& name() const { return name_; }
  int compute_capability() const { return compute_capability_; }  // 90: Hopper
  int n_sms() const { return n_sms_; }
  std::int64_t l2_bytes() const { return l2_bytes_; }
  int max_shared_bytes() const { return max_shared_bytes_; }  // of a block, at most
  // Whether the kernels are those that were compiled for Hopper: clusters, wgmma, bulk copies, launches
  // that overlap. Every other device runs what its driver makes of the PTX for compute_80, which
  // has none of these, however new the device is.
  bool has_hopper_code() const { return code_architecture_ >= 90; }
  bool overlaps_launches() const { return options_.overlap_launches && has_hopper_code(); }
  // Whether a row's sums have one order, whatever other rows there are. Kernels whose way of dealing out
  // the work changes it take one way for all then.
  bool is_deterministic() const { return options_.deterministic; }
  bool checks_each_launch() const { return options_.check_each_launch; }

  // Waits for all work of the stream. Throws like check().
  void synchronise() const;

 private:
  DeviceOptions options_;
  cudaStream_t stream_ = nullptr;
  std::string name_;
  int compute_capability_ = 0, code_architecture_ = 0;
  int n_sms_ = 0;
  int max_shared_bytes_ = 0;
  std::int64_t l2_bytes_ = 0;
};

// Number of usable devices; 0 without a driver. Never throws.
int n_devices();

// The architecture that the kernels which run on the selected device were compiled for: 90 or 80.
int code_architecture();

// Throws Error{out_of_memory} when memory is short, else Error{io} that names `what` and the
// runtime's own words.
void check(cudaError_t status, const char* what);

}  // namespace tinyllm::cuda
