#include "server/http_parse.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/optional.hpp>

#include "base/ascii.h"
#include "base/check.h"

namespace tinyllm {
namespace http = boost::beast::http;

namespace {

// A target is "/path?query", or in absolute form "http://host:port/path?query", whose host then
// counts and not that of the Host header (RFC 9112, 3.2.2).
struct Target {
  std::string host, path, query;  // host "": not in absolute form
};

Target read_target(const std::string& target) {
  Target found;
  std::size_t begin = 0;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (ascii_lower(target.substr(0, scheme.size())) != scheme) continue;
    begin = std::min(target.find_first_of("/?", scheme.size()), target.size());
    found.host = target.substr(scheme.size(), begin - scheme.size());
    found.host.erase(0, found.host.rfind('@') + 1);  // npos + 1 is 0
  }
  const std::size_t end = std::min(target.find('?'), target.size());
  found.path = target.substr(begin, end - begin);
  if (found.path.empty()) found.path = "/";
  found.query = target.substr(std::min(end + 1, target.size()));
  return found;
}

}  // namespace

struct HttpParser::State {
  http::request_parser<http::string_body> parser;
  std::size_t header_bytes_left = 0;
  bool in_chunks = false;
  int error_status = 0;
  std::string error_message;
};

HttpParser::HttpParser(const HttpLimits& limits) : state_(std::make_unique<State>()) {
  state_->header_bytes_left = limits.max_header_bytes;
  state_->parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
  state_->parser.body_limit(limits.max_body_bytes);
}

HttpParser::~HttpParser() = default;

void HttpParser::refuse(int status, const char* message) {
  state_->error_status = status;
  state_->error_message = message;
}

// Whoever stands before us (a proxy) and we must agree where a request ends. So its length is said
// once, in one way that both know (RFC 9112, 6.1 and 6.3), and its host once.
void HttpParser::check_header() {
  const auto& message = state_->parser.get();
  const auto n_codings = message.count(http::field::transfer_encoding);
  if (n_codings > 0) {
    const bool is_chunked = ascii_lower(message[http::field::transfer_encoding]) == "chunked";
    if (n_codings > 1 || !is_chunked)
      return refuse(501, "Transfer-Encoding may only be chunked, once");
    if (message.count(http::field::content_length) > 0 || is_http_1_0())
      return refuse(400, "Transfer-Encoding with Content-Length, or in HTTP/1.0, is refused");
  }
  const auto length = message[http::field::content_length];
  if (message.count(http::field::content_length) > 1 || length.find(',') != length.npos)
    return refuse(400, "Content-Length is there twice");
  if (message.count(http::field::host) > 1) return refuse(400, "Host is there twice");
}

std::size_t HttpParser::push(std::string_view bytes) {
  auto& parser = state_->parser;
  if (bytes.empty() || parser.is_done() || state_->error_status != 0) return 0;
  boost::system::error_code error;
  const bool in_header = !parser.is_header_done();
  // Beast asserts that a last chunk which is the first has five bytes: "0" and two line ends.
  if (!in_header && parser.chunked() && !state_->in_chunks && bytes.size() < 5 && bytes[0] == '0')
    return 0;
  state_->in_chunks = !in_header;
  const std::size_t n_taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  // Beast's own limit starts anew with every put().
  if (in_header && n_taken > state_->header_bytes_left) error = http::error::header_limit;
  if (in_header) state_->header_bytes_left -= std::min(n_taken, state_->header_bytes_left);
  if (!error || error == http::error::need_more) {
    if (in_header && parser.is_header_done()) check_header();
    return n_taken;
  }
  if (error == http::error::header_limit) {
    refuse(431, "the request's header is too large");
  } else if (error == http::error::body_limit) {
    refuse(413, "the request's body is too large");
  } else {
    state_->error_status = 400;
    state_->error_message = "this is not HTTP: " + error.message();
  }
  return n_taken;
}

bool HttpParser::has_header() const { return state_->parser.is_header_done(); }
bool HttpParser::done() const { return state_->parser.is_done(); }
int HttpParser::error_status() const { return state_->error_status; }
const std::string& HttpParser::error_message() const { return state_->error_message; }
bool HttpParser::keep_alive() const { return state_->parser.keep_alive(); }
bool HttpParser::is_http_1_0() const { return state_->parser.get().version() < 11; }
std::size_t HttpParser::n_body_bytes() const { return state_->parser.get().body().size(); }

bool HttpParser::expects_continue() const {
  const auto& message = state_->parser.get();
  return boost::beast::iequals(message[http::field::expect], "100-continue");
}

HttpRequest HttpParser::head() const {
  CHECK(has_header(), "the header is not complete");
  const auto& message = state_->parser.get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  Target target = read_target(std::string(message.target()));
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  if (!target.host.empty()) request.headers.emplace_back("host", std::move(target.host));
  for (const auto& field : message)
    request.headers.emplace_back(ascii_lower(field.name_string()), std::string(field.value()));
  return request;
}

std::string HttpParser::take_body() {
  CHECK(done(), "the request is not complete");
  return std::move(state_->parser.get().body());
}

}  // namespace tinyllm
