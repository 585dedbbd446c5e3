#include "base/curl_settings.h"

#include <curl/curl.h>

#include <cstdlib>

#include "base/check.h"

namespace tinyllm {
namespace {

void set_protocols(CURL* curl, bool https_only) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, https_only ? "https" : "http,https");
#else
  curl_easy_setopt(
      curl, CURLOPT_PROTOCOLS,
      static_cast<long>(https_only ? CURLPROTO_HTTPS : (CURLPROTO_HTTP | CURLPROTO_HTTPS)));
#endif
}

// The library, unlike the curl program, does not look at these itself.
void set_certificates(CURL* curl) {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    if (const char* file = std::getenv(name); file != nullptr && *file != '\0') {
      curl_easy_setopt(curl, CURLOPT_CAINFO, file);
      return;
    }
  }
}

}  // namespace

// libcurl's own set-up: once, before the first use, never undone.
CurlHandle new_curl() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(initialised == CURLE_OK, "libcurl cannot start");
  CurlHandle curl(curl_easy_init(), &curl_easy_cleanup);
  CHECK(curl != nullptr, "libcurl cannot start");
  return curl;
}

void set_common_options(void* curl, const std::string& url, bool https_only) {
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  set_protocols(curl, https_only);
  set_certificates(curl);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "tinyllm");
}

}  // namespace tinyllm
