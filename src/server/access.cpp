#include "server/access.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace tinyllm {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return copy;
}

std::string_view key_of(const HttpRequest& request) {
  const std::string_view authorization = request.header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (lower(authorization.substr(0, kBearer.size())) == kBearer)
    return authorization.substr(kBearer.size());
  return request.header("x-api-key");
}

// "[::1]:8000" -> "[::1]", "localhost:8000" -> "localhost"
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

bool has_key(const HttpRequest& request, const std::vector<std::string>& keys) {
  if (keys.empty()) return true;
  const std::string_view given = key_of(request);
  // Digests have one length, and every key is compared.
  const Digest digest = digest_of(given);
  bool found = false;
  for (const std::string& key : keys)
    found |= CRYPTO_memcmp(digest.data(), digest_of(key).data(), digest.size()) == 0;
  return found && !given.empty();
}

bool names_this_host(const HttpRequest& request, const std::vector<std::string>& allowed) {
  const std::string host = lower(without_port(request.header("host")));
  if (host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]")
    return true;
  return std::ranges::any_of(allowed,
                             [&](const std::string& it) { return it == "*" || lower(it) == host; });
}

std::string allowed_origin(const HttpRequest& request, const std::vector<std::string>& origins) {
  const std::string origin(request.header("origin"));
  if (origin.empty()) return "";
  const bool allowed = std::ranges::any_of(
      origins, [&](const std::string& it) { return it == "*" || it == origin; });
  return allowed ? origin : "";
}

}  // namespace tinyllm
