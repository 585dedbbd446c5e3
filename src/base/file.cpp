#include "base/file.h"

#include <fstream>

#include "base/atomic_file.h"
#include "base/error.h"

namespace tinyllm {
std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    const bool missing = error == std::errc::no_such_file_or_directory;
    fail(missing ? ErrorCode::not_found : ErrorCode::io, "{}: cannot be read: {}", path.string(),
         error.message());
  }
  if (size > max_bytes) {
    fail(ErrorCode::invalid_input, "{}: has {} bytes, at most {} are read", path.string(), size,
         max_bytes);
  }
  std::ifstream stream(path, std::ios::binary);
  std::string content(size, '\0');
  if (!stream.read(content.data(), static_cast<std::streamsize>(size))) {
    fail(ErrorCode::io, "{}: cannot be read", path.string());
  }
  return content;
}

void write_file_atomic(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace tinyllm
