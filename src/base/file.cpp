#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace tinyllm {
namespace {

// Writes all bytes or returns the errno of the first failure.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

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
  std::string content(static_cast<std::size_t>(size), '\0');
  if (!stream.read(content.data(), static_cast<std::streamsize>(size))) {
    fail(ErrorCode::io, "{}: cannot be read", path.string());
  }
  return content;
}

void write_file_atomic(const std::filesystem::path& path, std::string_view content) {
  std::string temporary = path.string() + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) {
    fail(ErrorCode::io, "{}: cannot be written: {}", path.string(), std::strerror(errno));
  }
  int reason = ::fchmod(fd, 0644) == 0 ? write_all(fd, content) : errno;
  if (::close(fd) != 0 && reason == 0) reason = errno;
  if (reason == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) reason = errno;
  if (reason != 0) {
    ::unlink(temporary.c_str());
    fail(ErrorCode::io, "{}: cannot be written: {}", path.string(), std::strerror(reason));
  }
}

}  // namespace tinyllm
