#pragma once
// Checksums of whole files, as hubs publish them. Any thread.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/function_ref.h"

namespace tinyllm {

enum class DigestKind {
  sha256,    // of the bytes
  git_blob,  // SHA-1 of "blob SIZE\0" and the bytes: how git names a file
};

// Lower-case hex. `on_bytes` gets the bytes read so far, several times. Throws Error{io}.
std::string file_digest(const std::filesystem::path& path, DigestKind kind,
                        function_ref<void(std::uint64_t)> on_bytes);

}  // namespace tinyllm
