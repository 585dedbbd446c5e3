#include "kv_store/block_key.h"

#include <openssl/evp.h>

#include <string>

#include "base/check.h"

namespace tinyllm {
namespace {

std::string_view chars_of(const BlockKey& key) {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

}  // namespace

BlockKey key_of(std::string_view text) {
  BlockKey key;
  CHECK(EVP_Digest(text.data(), text.size(), key.bytes.data(), nullptr, EVP_sha256(), nullptr) == 1,
        "OpenSSL has no SHA-256");
  return key;
}

BlockKey root_key(const BlockKey& digest, std::string_view salt) {
  return key_of(std::string(chars_of(digest)).append(salt));
}

BlockKey next_key(const BlockKey& parent, std::span<const TokenId> tokens) {
  const auto bytes = std::as_bytes(tokens);
  return key_of(std::string(chars_of(parent))
                    .append(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace tinyllm
