#include "server/access.h"

#include "base/ascii.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace tinyllm {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string_view key_of(const HttpRequest& request) {
  const std::string_view authorization = request.header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (ascii_lower(authorization.substr(0, kBearer.size())) == kBearer)
    return authorization.substr(kBearer.size());
  return request.header("x-api-key");
}

// "[::1]:8000" -> "[::1]", "localhost:8000" -> "localhost"
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// "192.0.2.7" or "[2001:db8::7]"
bool is_literal_address(std::string_view host) {
  const bool is_v6 = host.starts_with('[') && host.ends_with(']');
  if (is_v6) host = host.substr(1, host.size() - 2);
  in6_addr address;
  return ::inet_pton(is_v6 ? AF_INET6 : AF_INET, std::string(host).c_str(), &address) == 1;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

ApiKey read_key(std::string_view line, std::size_t number) {
  constexpr std::string_view kBeforeName = " # ";
  const std::size_t mark = line.find(kBeforeName);
  const std::string_view name =
      mark == line.npos ? "" : trim(line.substr(mark + kBeforeName.size()));
  return {std::string(trim(line.substr(0, mark))),
          name.empty() ? fmt::format("key {}", number) : std::string(name)};
}

const ApiKey* find_key(const HttpRequest& request, const std::vector<ApiKey>& keys) {
  const std::string_view given = key_of(request);
  // Digests have one length, and every key is compared.
  const Digest digest = digest_of(given);
  const ApiKey* found = nullptr;
  for (const ApiKey& key : keys) {
    if (CRYPTO_memcmp(digest.data(), digest_of(key.secret).data(), digest.size()) == 0)
      found = &key;
  }
  return given.empty() ? nullptr : found;
}

std::string key_salt(const ApiKey& key) {
  std::string salt = "key-";
  for (const unsigned char byte : digest_of(key.secret)) salt += fmt::format("{:02x}", byte);
  return salt.substr(0, 36);
}

bool names_this_host(const HttpRequest& request, HostNames names,
                     const std::vector<std::string>& allowed) {
  const std::string host = ascii_lower(without_port(request.header("host")));
  if (host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]")
    return true;
  if (names == HostNames::literal && is_literal_address(host)) return true;
  return std::ranges::any_of(
      allowed, [&](const std::string& it) { return it == "*" || ascii_lower(it) == host; });
}

std::string client_address(const HttpRequest& request, const std::string& peer,
                           const std::vector<std::string>& proxies) {
  const auto is_proxy = [&](std::string_view address) {
    return std::ranges::find(proxies, address) != proxies.end();
  };
  if (!is_proxy(peer)) return peer;
  // Several headers are one list (RFC 9110, 5.3). What stands left of the last stranger is his word.
  std::string list;
  for (const auto& [name, value] : request.headers) {
    if (name == "x-forwarded-for") list += (list.empty() ? "" : ",") + value;
  }
  std::string_view rest = list, address = peer;
  while (is_proxy(address) && !rest.empty()) {
    const std::size_t comma = rest.rfind(',');
    address = trim(comma == rest.npos ? rest : rest.substr(comma + 1));
    rest = comma == rest.npos ? std::string_view() : rest.substr(0, comma);
  }
  constexpr std::size_t kLongestAddress = 45;
  return std::string(address.substr(0, kLongestAddress));
}

std::string client_network(const std::string& address) {
  in6_addr network;
  if (::inet_pton(AF_INET6, address.c_str(), &network) != 1) return address;
  std::fill(std::begin(network.s6_addr) + 8, std::end(network.s6_addr), 0);
  std::array<char, INET6_ADDRSTRLEN> text;
  return ::inet_ntop(AF_INET6, &network, text.data(), text.size()) != nullptr ? text.data()
                                                                              : address;
}

std::string allowed_origin(const HttpRequest& request, const std::vector<std::string>& origins) {
  const std::string origin(request.header("origin"));
  if (origin.empty()) return "";
  const bool allowed = std::ranges::any_of(
      origins, [&](const std::string& it) { return it == "*" || it == origin; });
  return allowed ? origin : "";
}

}  // namespace tinyllm
