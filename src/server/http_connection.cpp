#include "server/http_connection.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "base/log.h"
#include "server/error_response.h"
#include "server/http_reply.h"

namespace tinyllm {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadBytes = 16 << 10;
constexpr std::size_t kMaxInputBytes = 64 << 10;  // read ahead of the parser
constexpr std::chrono::seconds kLinger{1};

}  // namespace

HttpConnection::HttpConnection(HttpShared& shared, HttpStrand strand,
                               std::unique_ptr<HttpTransport> transport)
    : shared_(shared),
      strand_(std::move(strand)),
      transport_(std::move(transport)),
      changed_(strand_),
      space_(strand_),
      write_deadline_(strand_) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void HttpConnection::notify() { changed_.cancel(); }

void HttpConnection::wake() {
  asio::post(strand_, [self = shared_from_this()] { self->notify(); });
}

void HttpConnection::close() {
  asio::post(strand_, [self = shared_from_this()] {
    self->peer_left_ = true;
    self->transport_->close();
    self->space_.cancel();
    self->notify();
  });
}

// Returns at the deadline, or earlier when notify() was called. The caller looks what changed.
asio::awaitable<void> HttpConnection::wait_until(Clock::time_point deadline) {
  boost::system::error_code ignored;
  changed_.expires_at(deadline);
  co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> HttpConnection::read() {
  try {
    std::array<char, kReadBytes> buffer;
    while (!peer_left_) {
      const std::size_t n = co_await transport_->read_some(asio::buffer(buffer));
      input_.append(buffer.data(), n);
      notify();
      while (input_.size() > kMaxInputBytes && !peer_left_) {
        if (!wants_input_) break;
        boost::system::error_code ignored;
        space_.expires_at(Clock::time_point::max());
        co_await space_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      if (!wants_input_ && input_.size() > kMaxInputBytes) break;  // floods us while we answer
    }
  } catch (const std::exception&) {
    // The client closed, or the network broke: the same to us.
  }
  peer_left_ = true;
  notify();
}

asio::awaitable<void> HttpConnection::run() {
  try {
    write_deadline_.expires_after(shared_.options.header_timeout);
    write_deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->transport_->close();
    });
    co_await transport_->handshake();
    write_deadline_.cancel();
    asio::co_spawn(
        strand_, [self = shared_from_this()] { return self->read(); }, asio::detached);
    while (co_await serve_one()) {
    }
    co_await linger();
  } catch (const std::exception& error) {
    log(LogLevel::debug, "a connection broke: {}", error.what());
  }
  write_deadline_.cancel();
  peer_left_ = true;
  transport_->close();
  space_.cancel();
}

asio::awaitable<bool> HttpConnection::serve_one() {
  HttpParser parser(shared_.options.limits);
  if (!co_await read_request(parser)) co_return false;
  const bool keep_alive = parser.keep_alive() && !shared_.draining;
  const bool chunked = !parser.is_http_1_0();
  const auto reply =
      std::make_shared<HttpReply>(shared_from_this(), parser.take(), keep_alive, chunked);
  try {
    shared_.handler(reply);
  } catch (const std::exception& error) {
    log(LogLevel::error, "{} {}: {}", reply->request().method, reply->request().path, error.what());
    if (!reply->began()) reply->send(error_response(error));
  }
  wants_input_ = false;
  bool goes_on = false;
  try {
    goes_on = co_await answer(*reply);
  } catch (const std::exception&) {
    // The client takes nothing more.
  }
  reply->leave();
  wants_input_ = true;
  co_return goes_on;
}

asio::awaitable<bool> HttpConnection::read_request(HttpParser& parser) {
  const HttpServerOptions& options = shared_.options;
  Clock::time_point deadline = Clock::now() + options.idle_timeout;
  bool began = false, in_body = false;
  while (!parser.done()) {
    if (!input_.empty() && !began) {
      began = true;
      deadline = Clock::now() + options.header_timeout;
    }
    const std::size_t n_taken = parser.push(input_);
    input_.erase(0, n_taken);
    if (n_taken > 0) space_.cancel();
    if (parser.error_status() != 0) {
      co_await refuse(parser.error_status(), parser.error_message());
      co_return false;
    }
    if (parser.has_header() && !in_body) {
      in_body = true;
      deadline = Clock::now() + options.body_timeout;
      if (parser.expects_continue() && !parser.done()) {
        co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      }
    }
    if (n_taken > 0) continue;
    if (peer_left_ || (!began && shared_.draining)) co_return false;
    if (Clock::now() >= deadline) {
      if (began) co_await refuse(408, "the request did not come to its end in time");
      co_return false;
    }
    co_await wait_until(deadline);
  }
  co_return true;
}

asio::awaitable<bool> HttpConnection::answer(HttpReply& reply) {
  Clock::time_point last_write = Clock::now();
  while (true) {
    if (reply.has_output()) {
      const std::string bytes = reply.take_output();
      co_await write(bytes);
      last_write = Clock::now();
    } else if (reply.ended()) {
      co_return reply.keep_alive() && !shared_.draining;
    } else if (peer_left_) {
      co_return false;
    } else {
      if (shared_.draining) reply.stop_keep_alive();
      const auto ping_at = last_write + shared_.options.ping_interval;
      if (reply.began() && Clock::now() >= ping_at) {
        reply.queue_ping();
        last_write = Clock::now();
      } else {
        co_await wait_until(reply.began() ? ping_at : Clock::time_point::max());
      }
    }
  }
}

asio::awaitable<void> HttpConnection::refuse(int status, const std::string& message) {
  const HttpResponse response = error_response(status, "", message);
  co_await write(status_line(status) + "Content-Type: application/json\r\nContent-Length: " +
                 std::to_string(response.body.size()) + "\r\nConnection: close\r\n\r\n" +
                 response.body);
}

asio::awaitable<void> HttpConnection::write(std::string_view bytes) {
  write_deadline_.expires_after(shared_.options.write_timeout);
  write_deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->transport_->close();
  });
  co_await transport_->write(bytes);
  write_deadline_.cancel();
}

// A socket that closes with unread bytes makes the kernel reset the connection, and the client may
// lose the answer: so the rest is read and dropped for a while.
asio::awaitable<void> HttpConnection::linger() {
  transport_->shutdown_send();
  const Clock::time_point deadline = Clock::now() + kLinger;
  while (!peer_left_ && Clock::now() < deadline) {
    input_.clear();
    space_.cancel();
    co_await wait_until(deadline);
  }
}

}  // namespace tinyllm
