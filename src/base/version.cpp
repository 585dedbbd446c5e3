#include "base/version.h"

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "base/xxhash64.h"

namespace tinyllm {
namespace {

constexpr std::size_t padded(std::size_t n_bytes) { return (n_bytes + 3) / 4 * 4; }

// The checksum of the linker's build id among the notes of a program; 0 where it is not there.
std::uint64_t build_id_in(std::span<const std::byte> notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    const auto& head = *reinterpret_cast<const ElfW(Nhdr)*>(notes.data());
    const std::size_t begin = sizeof head + padded(head.n_namesz);
    const std::size_t end = begin + padded(head.n_descsz);
    if (end > notes.size()) return 0;
    const std::string_view name(reinterpret_cast<const char*>(&head + 1), head.n_namesz);
    if (head.n_type == NT_GNU_BUILD_ID && name == std::string_view("GNU\0", 4))
      return xxhash64(notes.subspan(begin, head.n_descsz));
    notes = notes.subspan(end);
  }
  return 0;
}

}  // namespace

std::string_view version() { return TINYLLM_VERSION; }  // set by CMake for this file alone

std::uint64_t build_id() {
  std::uint64_t id = 0;
  const auto look = [](dl_phdr_info* program, std::size_t, void* found) {
    for (const auto& segment : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
      auto& id = *static_cast<std::uint64_t*>(found);
      if (segment.p_type != PT_NOTE || id != 0) continue;
      // NOLINTNEXTLINE(performance-no-int-to-ptr): where the program was loaded
      const auto* begin = reinterpret_cast<const std::byte*>(program->dlpi_addr + segment.p_vaddr);
      id = build_id_in(std::span(begin, segment.p_memsz));
    }
    return 1;  // the program itself comes first; its libraries are left out
  };
  dl_iterate_phdr(look, &id);
  return id;
}

}  // namespace tinyllm
