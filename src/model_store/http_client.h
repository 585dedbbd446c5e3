#pragma once
// GET over HTTP(S) with libcurl: small answers into a string, large ones into a sink, from an
// offset. Redirects are followed by hand, so that a login token goes to the host that it is meant
// for and to no other. TLS certificates are always checked. One thread per object.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/curl_settings.h"
#include "base/function_ref.h"

namespace tinyllm {

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case, of all redirects together

  // Empty when there is none.
  std::string header(const std::string& name) const;
};

struct HttpText {
  HttpHead head;
  std::string body;
};

// How a download ended. The caller looks at the status.
struct HttpDownload {
  HttpHead head;
  std::string error_body;             // the body of any status other than 200 and 206
  std::optional<std::string> broken;  // why the connection broke before the body was complete
};

struct HttpOptions {
  std::string token;         // sent as "Authorization: Bearer ..." to token_origin only
  std::string token_origin;  // "https://host:port" as in the URLs
  // A connection counts as dead after so many seconds below 100 bytes/s.
  int stall_s = 20;
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `keep_going` is called while we wait; false stops (Error{io}). Throws Error{network} when there
  // is no answer at all (within 3 s when there is no network), Error{invalid_input} when the body
  // is longer than max_bytes.
  HttpText get_text(const std::string& url, std::size_t max_bytes, function_ref<bool()> keep_going);

  // `on_head` is called before the first byte of a 200 or 206;
  // then `on_bytes` with the body from byte `offset` (all of it when the server answers 200).
  // Throws as get_text does, and what the callables throw.
  HttpDownload download(const std::string& url, std::uint64_t offset,
                        function_ref<void(const HttpHead&)> on_head,
                        function_ref<void(std::string_view)> on_bytes,
                        function_ref<bool()> keep_going);

 private:
  struct Transfer;
  void perform(const std::string& url, Transfer& transfer);

  HttpOptions options_;
  CurlHandle curl_;
};

// True when the URL's host, or the proxy in between, accepts a connection.
bool can_connect(const std::string& url, int timeout_ms);

// Percent-encodes all but letters, digits, "-._~" and "/".
std::string url_path(std::string_view path);
// The same for one part of a path: "/" too.
std::string url_part(std::string_view part);

}  // namespace tinyllm
