#pragma once
// Ids and secrets that nobody can guess, from the operating system. Any thread.

#include <cstdint>
#include <string>

namespace tinyllm {

std::uint64_t random_number();
std::string random_id();  // 24 hexadecimal digits

}  // namespace tinyllm
