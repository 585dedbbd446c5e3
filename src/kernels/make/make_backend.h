#pragma once
// The first of the two dispatch points: which device computes. (The second:
// kernels/cpu/pick_isa.h.)

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/thread_pool.h"
#include "kernels/backend.h"

namespace tinyllm {

// Which device computes (--device). automatic: a GPU where there is one that can be used.
enum class DeviceKind : std::uint8_t { cpu, cuda, automatic };
struct DeviceSpec {
  DeviceKind kind = DeviceKind::cpu;
  std::int32_t idx = 0;  // which GPU
};

// "cpu", "cuda", "cuda:1" or "auto"; nothing for anything else.
std::optional<DeviceSpec> parse_device(std::string_view text);

// CPU: the backend with the row kernels that pick_isa chooses. `pool` must outlive it.
// Throws Error{invalid_input} when TINYLLM_ISA or TINYLLM_KERNELS name what is not there; for a GPU
// as make_cuda_backend does.
std::unique_ptr<Backend> make_backend(ThreadPool& pool, const DeviceSpec& device = {});

}  // namespace tinyllm
