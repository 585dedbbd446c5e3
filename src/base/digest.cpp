#include "base/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/error.h"

namespace tinyllm {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string file_digest(const std::filesystem::path& path, DigestKind kind,
                        function_ref<void(std::uint64_t)> on_bytes) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  const EVP_MD* algorithm = kind == DigestKind::sha256 ? EVP_sha256() : EVP_sha1();
  CHECK(context && EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1,
        "OpenSSL has no such digest");

  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) fail(ErrorCode::io, "{}: cannot be read back", path.string());
  if (kind == DigestKind::git_blob) {
    const std::string header = fmt::format("blob {}", size);
    EVP_DigestUpdate(context.get(), header.c_str(), header.size() + 1);  // with the zero byte
  }

  std::vector<char> chunk(std::size_t{1} << 20);
  std::uint64_t n_read = 0;
  while (stream) {
    stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto n = static_cast<std::size_t>(stream.gcount());
    EVP_DigestUpdate(context.get(), chunk.data(), n);
    n_read += n;
    on_bytes(n_read);
  }
  if (n_read != size) fail(ErrorCode::io, "{}: cannot be read back", path.string());

  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned n_bytes = 0;
  EVP_DigestFinal_ex(context.get(), bytes.data(), &n_bytes);
  std::string hex;
  for (unsigned i = 0; i < n_bytes; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

}  // namespace tinyllm
