#include "model_store/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <memory>

#include "base/curl_settings.h"
#include "base/error.h"
#include "base/log.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

constexpr long kConnectTimeoutMs = 2700;  // "no network" must be said within 3 s
constexpr long kMinBytesPerSecond = 100;
constexpr int kMaxRedirects = 5;
constexpr std::size_t kMaxErrorBody = 4096;
constexpr std::size_t kMaxHeaders = 200;

// "https://host:8443" of "HTTPS://Host:8443/path?x"; empty when the URL is malformed.
std::string origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  std::string origin;
  for (const auto& [part, before] :
       {std::pair{CURLUPART_SCHEME, ""}, {CURLUPART_HOST, "://"}, {CURLUPART_PORT, ":"}}) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
    origin += before + lower_case(text);
    curl_free(text);
  }
  return origin;
}

bool is_https(const std::string& url) { return lower_case(url.substr(0, 8)) == "https://"; }

}  // namespace

// What one GET, with its redirects, works on. No exception may pass through libcurl: the callbacks
// keep the first one here.
struct HttpClient::Transfer {
  std::uint64_t offset = 0;
  function_ref<void(const HttpHead&)> on_head;
  function_ref<void(std::string_view)> on_bytes;
  function_ref<bool()> keep_going;

  HttpHead head = {};
  std::string redirect = {};
  std::string error_body = {};
  std::optional<std::string> broken = {};
  bool head_ended = false;
  bool body_began = false;
  bool stopped = false;
  std::exception_ptr thrown = nullptr;

  bool is_wanted() const { return head.status == 200 || head.status == 206; }

  void begin_body() {
    if (body_began) return;
    body_began = true;
    on_head(head);
  }

  void take(std::string_view bytes) {
    if (is_wanted()) {
      begin_body();
      on_bytes(bytes);
    } else if (error_body.size() < kMaxErrorBody) {
      error_body += bytes.substr(0, kMaxErrorBody - error_body.size());
    }
  }

  void take_header(std::string_view line) {
    head_ended = line == "\r\n" || line == "\n";
    if (line.starts_with("HTTP/")) {
      const std::size_t space = line.find(' ');
      head.status = space == std::string_view::npos ? 0 : std::atoi(line.data() + space + 1);
      head.headers.erase("content-length");  // that of the answer before
      head.headers.erase("content-range");
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || head.headers.size() >= kMaxHeaders) return;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t\r\n") + 1);
    head.headers[lower_case(line.substr(0, colon))] = value;
  }

  static std::size_t write(char* data, std::size_t, std::size_t n, void* self_pointer) {
    auto* self = static_cast<Transfer*>(self_pointer);
    try {
      self->take({data, n});
      return n;
    } catch (...) {
      self->thrown = std::current_exception();
      return 0;  // ends the transfer
    }
  }

  static std::size_t header(char* data, std::size_t, std::size_t n, void* self_pointer) {
    auto* self = static_cast<Transfer*>(self_pointer);
    try {
      self->take_header(std::string(data, n));
      return n;
    } catch (...) {
      self->thrown = std::current_exception();
      return 0;
    }
  }

  static int progress(void* self_pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto* self = static_cast<Transfer*>(self_pointer);
    try {
      self->stopped = !self->keep_going();
    } catch (...) {
      self->thrown = std::current_exception();
    }
    return self->stopped || self->thrown ? 1 : 0;
  }
};

std::string HttpHead::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)), curl_(new_curl()) {
  options_.token_origin = origin_of(options_.token_origin);
}

HttpClient::~HttpClient() = default;

void HttpClient::perform(const std::string& url, Transfer& transfer) {
  CURL* curl = curl_.get();
  const std::string origin = origin_of(url);
  if (origin.empty()) fail(ErrorCode::invalid_input, "{}: not a web address", url);
  set_common_options(curl, url, is_https(url));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kMinBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_s));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::write);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  const std::string range = fmt::format("{}-", transfer.offset);
  if (transfer.offset > 0) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());

  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr,
                                                                      &curl_slist_free_all);
  if (!options_.token.empty() && origin == options_.token_origin) {
    const std::string line = "Authorization: Bearer " + options_.token;
    headers.reset(curl_slist_append(nullptr, line.c_str()));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  }

  transfer.head.status = 0;
  transfer.head_ended = false;
  transfer.redirect.clear();
  transfer.error_body.clear();
  const CURLcode code = curl_easy_perform(curl);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (transfer.stopped) fail(ErrorCode::io, "stopped; pull again: it goes on where it stopped");
  if (code == CURLE_OK) {
    char* next = nullptr;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next);
    if (next != nullptr) transfer.redirect = next;
    return;
  }
  const std::string reason = curl_easy_strerror(code);
  if (!transfer.is_wanted() || !transfer.head_ended) {
    fail(ErrorCode::network, "no answer from {}: {}; check the connection and pull again", origin,
         reason);
  }
  transfer.broken = reason;
}

HttpText HttpClient::get_text(const std::string& url, std::size_t max_bytes,
                              function_ref<bool()> keep_going) {
  HttpText answer;
  const HttpDownload download = this->download(
      url, 0, [](const HttpHead&) {},
      [&](std::string_view bytes) {
        if (answer.body.size() + bytes.size() > max_bytes) {
          fail(ErrorCode::invalid_input, "{}: the answer has more than {} bytes", url, max_bytes);
        }
        answer.body += bytes;
      },
      keep_going);
  if (download.broken) {
    fail(ErrorCode::network, "{}: the answer broke off: {}; pull again", url, *download.broken);
  }
  answer.head = download.head;
  if (!download.error_body.empty()) answer.body = download.error_body;
  return answer;
}

HttpDownload HttpClient::download(const std::string& url, std::uint64_t offset,
                                  function_ref<void(const HttpHead&)> on_head,
                                  function_ref<void(std::string_view)> on_bytes,
                                  function_ref<bool()> keep_going) {
  Transfer transfer{
      .offset = offset, .on_head = on_head, .on_bytes = on_bytes, .keep_going = keep_going};
  std::string next = url;
  for (int n_redirects = 0;; ++n_redirects) {
    log(LogLevel::debug, "GET {} from byte {}", next.substr(0, next.find('?')), offset);
    perform(next, transfer);
    if (transfer.redirect.empty()) break;
    if (n_redirects == kMaxRedirects) {
      fail(ErrorCode::network, "{}: more than {} redirects", url, kMaxRedirects);
    }
    if (is_https(next) && !is_https(transfer.redirect)) {
      fail(ErrorCode::network, "{}: redirects from https to an address without TLS", url);
    }
    next = transfer.redirect;
  }
  if (transfer.is_wanted() && !transfer.broken) transfer.begin_body();  // an empty file
  return {std::move(transfer.head), std::move(transfer.error_body), std::move(transfer.broken)};
}

bool can_connect(const std::string& url, int timeout_ms) {
  const CurlHandle curl = new_curl();
  set_common_options(curl.get(), url, is_https(url));
  curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout_ms));
  switch (curl_easy_perform(curl.get())) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: return false;
    default: return true;  // somebody is there, whatever we think of his certificate
  }
}

namespace {

// Percent-encodes all but letters, digits and `plain`.
std::string url_encoded(std::string_view text, std::string_view plain) {
  std::string encoded;
  for (const char c : text) {
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       plain.find(c) != std::string_view::npos;
    encoded += stays ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace

std::string url_path(std::string_view path) { return url_encoded(path, "-._~/"); }
std::string url_part(std::string_view part) { return url_encoded(part, "-._~"); }

}  // namespace tinyllm
