#include "base/random_id.h"

#include <fmt/core.h>

#include <random>

namespace tinyllm {

std::uint64_t random_number() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

std::string random_id() {
  return fmt::format("{:016x}{:08x}", random_number(), std::random_device{}());
}

}  // namespace tinyllm
