#pragma once
// Who may ask: API keys, the Host header, CORS. Pure functions; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "server/http_exchange.h"

namespace tinyllm {

// Whether the request carries one of the keys, as "Authorization: Bearer KEY" or "X-Api-Key: KEY".
// Takes the same time wherever a wrong key differs. True when there are no keys.
bool has_key(const HttpRequest& request, const std::vector<std::string>& keys);

// Whether the Host header names this machine (localhost, *.localhost, 127.0.0.1, [::1]) or one of
// `allowed`. A web page that makes its own name point here (DNS rebinding) does not pass.
bool names_this_host(const HttpRequest& request, const std::vector<std::string>& allowed);

// The origin to allow, "" for none. `origins` may hold "*".
std::string allowed_origin(const HttpRequest& request, const std::vector<std::string>& origins);

}  // namespace tinyllm
