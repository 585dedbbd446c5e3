#pragma once
// Who may ask: API keys, the Host header, proxies, CORS. Pure functions; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "server/http_exchange.h"

namespace tinyllm {

struct ApiKey {
  std::string secret;
  std::string name;  // for the log
};

// A line of a key file: "KEY" or "KEY # its name". `number` names it otherwise: "key 2".
ApiKey read_key(std::string_view line, std::size_t number);

// The one of the keys that the request carries, as "Authorization: Bearer KEY" or "X-Api-Key: KEY";
// nullptr for none. Takes the same time wherever a wrong key differs.
const ApiKey* find_key(const HttpRequest& request, const std::vector<ApiKey>& keys);

// "key-" and the first digits of the key's digest: the same for the same key, and no way back.
std::string key_salt(const ApiKey& key);

enum class HostNames {
  local,    // this machine's own: localhost, *.localhost, 127.0.0.1, [::1]
  literal,  // these and every address in figures: names can be made to point anywhere, figures not
};

// Whether the Host header is such a name or one of `allowed` ("*": any). A web page that makes its
// own name point here (DNS rebinding) does not pass.
bool names_this_host(const HttpRequest& request, HostNames names,
                     const std::vector<std::string>& allowed);

// The client's address: the peer's, or where that is one of our proxies the last one in
// X-Forwarded-For that is none of them.
std::string client_address(const HttpRequest& request, const std::string& peer,
                           const std::vector<std::string>& proxies);

// Whom an address counts for where limits are kept: an IPv6 address for its /64, "2001:db8:0:1::",
// since who has one of these has all 2^64; any other for itself.
std::string client_network(const std::string& address);

// The origin to allow, "" for none. `origins` may hold "*".
std::string allowed_origin(const HttpRequest& request, const std::vector<std::string>& origins);

}  // namespace tinyllm
