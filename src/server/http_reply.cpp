#include "server/http_reply.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>

#include "base/check.h"
#include "base/log.h"
#include "server/error_response.h"

namespace tinyllm {
namespace {

const char* reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

}  // namespace

std::string status_line(int status) {
  return fmt::format("HTTP/1.1 {} {}\r\n", status, reason_of(status));
}

HttpReply::HttpReply(std::shared_ptr<HttpConnection> connection, HttpRequest request,
                     bool keep_alive, bool chunked)
    : connection_(std::move(connection)),
      request_(std::move(request)),
      caller_{.address = connection_->peer()},
      body_share_(connection_->budget()),
      output_share_(connection_->budget()),
      keep_alive_(keep_alive),
      chunked_(chunked) {}

HttpBudget& HttpReply::budget() { return connection_->budget(); }

void HttpReply::drop_body() {
  request_.body = {};
  body_share_.resize(0);
}

void HttpReply::add_header(std::string name, std::string value) {
  // A line break would begin a header of someone else's choosing.
  std::ranges::replace_if(
      value, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  headers_.emplace_back(std::move(name), std::move(value));
}

void HttpReply::write_head(int status, const std::string& content_type, std::string_view framing) {
  CHECK(!began_, "the answer has begun already");
  began_ = true;
  output_ += status_line(status);
  if (!content_type.empty()) output_ += fmt::format("Content-Type: {}\r\n", content_type);
  for (const auto& [name, value] : headers_) output_ += fmt::format("{}: {}\r\n", name, value);
  output_ += framing;
  output_ += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
}

void HttpReply::send(HttpResponse response) {
  if (gone_ || ended_) return;
  if (began_) return connection_->close();  // an error behind a beginning: it cannot be told
  if (!output_share_.resize(response.body.size()))
    response = error_response(503, "overloaded", "the server has no memory for this answer now");
  const bool has_body = response.status != 204 && response.status != 304;
  const std::string framing =
      has_body ? fmt::format("Content-Length: {}\r\n", response.body.size()) : "";
  write_head(response.status, has_body ? response.content_type : "", framing);
  if (has_body && request_.method != "HEAD") output_ += response.body;
  end();
}

void HttpReply::begin_stream(std::string content_type, std::string ping) {
  if (gone_) return;
  streaming_ = true;
  ping_ = std::move(ping);
  if (!chunked_) keep_alive_ = false;  // the end of the connection is the end of the answer
  write_head(200, content_type,
             chunked_ ? "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n"
                      : "Cache-Control: no-cache\r\n");
  connection_->notify();
}

void HttpReply::write(std::string bytes) {
  if (gone_ || bytes.empty()) return;
  CHECK(streaming_ && !ended_, "write() stands between begin_stream() and end()");
  if (!output_share_.resize(output_.size() + bytes.size())) {
    log(LogLevel::warning, "{} is cut off: it takes its answer too slowly", caller_.request_id);
    return connection_->close();
  }
  if (chunked_) {
    output_ += fmt::format("{:x}\r\n", bytes.size());
    output_ += bytes;
    output_ += "\r\n";
  } else {
    output_ += bytes;
  }
  connection_->notify();
}

void HttpReply::end() {
  if (gone_ || ended_) return;
  if (streaming_ && chunked_) output_ += "0\r\n\r\n";
  ended_ = true;
  on_gone_ = nullptr;
  connection_->notify();
}

void HttpReply::queue_ping() {
  if (streaming_ && !ended_) write(ping_);
}

void HttpReply::on_gone(std::function<void()> callback) { on_gone_ = std::move(callback); }

void HttpReply::post(std::function<void()> work) {
  boost::asio::post(connection_->strand(),
                    [self = shared_from_this(), work = std::move(work)] { self->run(work); });
}

void HttpReply::post_after(std::chrono::milliseconds delay, std::function<void()> work) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(connection_->strand(), delay);
  timer->async_wait([self = shared_from_this(), timer,
                     work = std::move(work)](boost::system::error_code) { self->run(work); });
}

// A client must not wait for an answer that will never end.
void HttpReply::run(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    log(LogLevel::error, "{} breaks off: {}", caller_.request_id, error.what());
    if (gone_ || ended_) return;
    if (began_) return connection_->close();
    send(error_response(error, request_.path));
  }
}

void HttpReply::leave() {
  if (gone_) return;
  gone_ = true;
  kept_.clear();
  const std::function<void()> callback = std::exchange(on_gone_, nullptr);
  if (callback) callback();
}

}  // namespace tinyllm
