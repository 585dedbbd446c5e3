#include "base/version.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/xxhash64.h"

namespace tinyllm {

std::string_view version() { return TINYLLM_VERSION; }  // set by CMake for this file alone

std::uint64_t build_id() {
  try {
    return xxhash64(MappedFile("/proc/self/exe").bytes());
  } catch (const Error&) {
    return 0;
  }
}

}  // namespace tinyllm
