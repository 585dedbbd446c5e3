#include "server/http_parse.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/optional.hpp>

#include "base/check.h"

namespace tinyllm {
namespace http = boost::beast::http;

struct HttpParser::State {
  http::request_parser<http::string_body> parser;
  std::size_t header_bytes_left = 0;
  int error_status = 0;
  std::string error_message;
};

HttpParser::HttpParser(const HttpLimits& limits) : state_(std::make_unique<State>()) {
  state_->header_bytes_left = limits.max_header_bytes;
  state_->parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
  state_->parser.body_limit(limits.max_body_bytes);
}

HttpParser::~HttpParser() = default;

std::size_t HttpParser::push(std::string_view bytes) {
  auto& parser = state_->parser;
  if (bytes.empty() || parser.is_done() || state_->error_status != 0) return 0;
  boost::system::error_code error;
  const bool in_header = !parser.is_header_done();
  const std::size_t n_taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  // Beast's own limit starts anew with every put().
  if (in_header && n_taken > state_->header_bytes_left) error = http::error::header_limit;
  if (in_header) state_->header_bytes_left -= std::min(n_taken, state_->header_bytes_left);
  if (!error || error == http::error::need_more) return n_taken;
  if (error == http::error::header_limit) {
    state_->error_status = 431;
    state_->error_message = "the request's header is too large";
  } else if (error == http::error::body_limit) {
    state_->error_status = 413;
    state_->error_message = "the request's body is too large";
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

bool HttpParser::expects_continue() const {
  const auto& message = state_->parser.get();
  return boost::beast::iequals(message[http::field::expect], "100-continue");
}

HttpRequest HttpParser::take() {
  CHECK(done(), "the request is not complete");
  auto message = state_->parser.release();
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  request.path = target.substr(0, target.find('?'));
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

}  // namespace tinyllm
