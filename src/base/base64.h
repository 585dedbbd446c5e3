#pragma once
// Base64 (RFC 4648, section 4), with padding. Pure function: any thread.

#include <cstddef>
#include <span>
#include <string>

namespace tinyllm {

std::string to_base64(std::span<const std::byte> bytes);

}  // namespace tinyllm
