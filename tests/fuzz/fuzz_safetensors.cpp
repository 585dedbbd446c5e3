// Any bytes as a safetensors file: an Error, or tensors whose every byte can be read.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "loader/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    volatile unsigned sum = 0;
    for (const auto& [name, tensor] :
         tinyllm::parse_safetensors(bytes, "fuzz.safetensors").tensors) {
      for (std::int64_t i = 0; i < tensor.n_bytes(); ++i) {
        sum = sum + static_cast<unsigned>(tensor.data[i]);
      }
    }
  } catch (const tinyllm::Error&) {
  }
  return 0;
}
