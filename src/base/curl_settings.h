#pragma once
// What every use of libcurl has in common: its set-up, which protocols are spoken, and whom TLS
// trusts. A handle is libcurl's CURL*. Any thread, one object per user.

#include <memory>
#include <string>

namespace tinyllm {

using CurlHandle = std::unique_ptr<void, void (*)(void*)>;

CurlHandle new_curl();

// Forgets what was set before, but keeps open connections. Only http and https are spoken, or only
// https: a redirect must not lead to file:// or in clear. Certificates are always checked.
void set_common_options(void* curl, const std::string& url, bool https_only);

}  // namespace tinyllm
