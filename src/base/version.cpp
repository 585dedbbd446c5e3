#include "base/version.h"

#include <link.h>

#include <cstddef>
#include <span>

#include "base/xxhash64.h"

namespace tinyllm {

std::string_view version() { return TINYLLM_VERSION; }  // set by CMake for this file alone

std::uint64_t build_id() {
  std::uint64_t id = 0;
  const auto add_segments = [](dl_phdr_info* program, std::size_t, void* result) {
    auto& hash = *static_cast<std::uint64_t*>(result);
    for (const auto& segment : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
      // NOLINTNEXTLINE(performance-no-int-to-ptr): where the program was loaded
      const auto* begin = reinterpret_cast<const std::byte*>(program->dlpi_addr + segment.p_vaddr);
      hash = xxhash64(std::span(begin, segment.p_filesz), hash);
    }
    return 1;  // the program itself comes first; its libraries are left out
  };
  dl_iterate_phdr(add_segments, &id);
  return id;
}

}  // namespace tinyllm
