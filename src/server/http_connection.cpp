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
constexpr std::size_t kWriteBytes = 64 << 10;     // of an answer at a time
constexpr std::chrono::seconds kLinger{1};

}  // namespace

HttpConnection::HttpConnection(HttpShared& shared, HttpStrand strand,
                               std::unique_ptr<HttpTransport> transport, std::string peer)
    : shared_(shared),
      strand_(std::move(strand)),
      transport_(std::move(transport)),
      changed_(strand_),
      space_(strand_),
      write_deadline_(strand_),
      peer_(std::move(peer)),
      idle_since_(Clock::now().time_since_epoch().count()) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void HttpConnection::notify() { changed_.cancel(); }

void HttpConnection::retire() {
  asio::post(strand_, [self = shared_from_this()] {
    self->retired_ = true;
    self->notify();
  });
}

std::optional<std::chrono::steady_clock::time_point> HttpConnection::idle_since() const {
  const Clock::rep since = idle_since_.load(std::memory_order_relaxed);
  if (since == 0) return std::nullopt;
  return Clock::time_point(Clock::duration(since));
}

void HttpConnection::close() {
  closing_ = true;
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
    close_after(shared_.options.header_timeout);
    co_await transport_->handshake();
    write_deadline_.cancel();
    asio::co_spawn(
        strand_, [self = shared_from_this()] { return self->read(); }, asio::detached);
    while (co_await serve_one()) {
    }
    co_await say_goodbye();
  } catch (const std::exception& error) {
    log(LogLevel::debug, "a connection broke: {}", error.what());
  }
  write_deadline_.cancel();
  peer_left_ = true;
  transport_->close();
  space_.cancel();
}

// What the handler throws is an error answer. False when it threw.
template <typename Call>
bool HttpConnection::call(HttpReply& reply, Call handler) {
  try {
    return handler();
  } catch (const std::exception& error) {
    log(LogLevel::error, "{}: {}", reply.caller().request_id, error.what());
    if (!reply.began()) reply.send(error_response(error));
    return false;
  }
}

asio::awaitable<bool> HttpConnection::serve_one() {
  HttpParser parser(shared_.options.limits);
  if (!co_await read_header(parser)) co_return false;
  const bool keep_alive = parser.keep_alive() && !retired_ && !shared_.draining;
  // What is refused from its header alone leaves its body behind, and with it the connection.
  const auto reply = std::make_shared<HttpReply>(
      shared_from_this(), parser.head(), keep_alive && parser.done(), !parser.is_http_1_0());
  bool goes_on = false;
  try {
    if (call(*reply, [&] { return shared_.handlers.admit(reply); })) {
      reply->set_keep_alive(keep_alive);
      if (!co_await read_body(parser, *reply)) co_return false;
      reply->set_body(parser.take_body());
      call(*reply, [&] { return shared_.handlers.handle(reply), true; });
    }
    wants_input_ = false;
    idle_since_ = 0;
    goes_on = co_await answer(*reply);
  } catch (const std::exception&) {
    // The client takes nothing more.
  }
  reply->leave();
  wants_input_ = true;
  idle_since_ = Clock::now().time_since_epoch().count();
  co_return goes_on;
}

// Parses what is there, or waits for more. False: nothing more will come.
asio::awaitable<bool> HttpConnection::fill(HttpParser& parser, Clock::time_point deadline) {
  const std::size_t n_taken = parser.push(input_);
  input_.erase(0, n_taken);
  if (n_taken > 0) {
    idle_since_ = Clock::now().time_since_epoch().count();
    space_.cancel();
  }
  if (parser.error_status() != 0) {
    co_await refuse(parser.error_status(), parser.error_message());
    co_return false;
  }
  if (n_taken > 0) co_return true;
  if (peer_left_) co_return false;
  if (Clock::now() < deadline) co_await wait_until(deadline);
  co_return true;
}

asio::awaitable<bool> HttpConnection::read_header(HttpParser& parser) {
  Clock::time_point deadline = Clock::now() + shared_.options.idle_timeout;
  bool began = false;
  while (!parser.has_header()) {
    if (!input_.empty() && !began) {
      began = true;
      deadline = Clock::now() + shared_.options.header_timeout;
    }
    if (!began && retired_) co_return false;
    if (Clock::now() >= deadline) {
      if (began) co_await refuse(408, "the request did not come to its end in time");
      co_return false;
    }
    if (!co_await fill(parser, deadline)) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> HttpConnection::read_body(HttpParser& parser, HttpReply& reply) {
  const Clock::time_point deadline = Clock::now() + shared_.options.body_timeout;
  if (parser.expects_continue() && !parser.done()) co_await write("HTTP/1.1 100 Continue\r\n\r\n");
  while (!parser.done()) {
    if (Clock::now() >= deadline) {
      co_await refuse(408, "the request did not come to its end in time");
      co_return false;
    }
    if (!co_await fill(parser, deadline)) co_return false;
    if (!reply.reserve_body(parser.n_body_bytes())) {
      co_await refuse(503, "the server has no memory for this request now; try again soon");
      co_return false;
    }
  }
  co_return true;
}

asio::awaitable<bool> HttpConnection::answer(HttpReply& reply) {
  Clock::time_point last_write = Clock::now();
  while (true) {
    if (reply.has_output()) {
      const std::string bytes = reply.take_output();
      co_await write(bytes);
      reply.free_output();
      last_write = Clock::now();
    } else if (reply.ended()) {
      co_return reply.keep_alive() && !retired_ && !shared_.draining;
    } else if (peer_left_) {
      co_return false;
    } else {
      if (retired_ || shared_.draining) reply.set_keep_alive(false);
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

// The deadline is for progress: whoever takes a little of the answer, in time, may be slow.
asio::awaitable<void> HttpConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    close_without_progress(transport_->n_untaken());
    bytes.remove_prefix(co_await transport_->write_some(bytes.substr(0, kWriteBytes)));
  }
  write_deadline_.cancel();
}

// Unless write_deadline_ is set anew or cancelled before.
void HttpConnection::close_after(Clock::duration time) {
  write_deadline_.expires_after(time);
  write_deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->transport_->close();
  });
}

// The socket says that it takes more only when a good part of the kernel's buffer is free, megabytes
// maybe. So what the client has taken of that counts.
void HttpConnection::close_without_progress(std::size_t n_untaken) {
  write_deadline_.expires_after(shared_.options.write_timeout);
  write_deadline_.async_wait(
      [self = shared_from_this(), n_untaken](boost::system::error_code error) {
        if (error) return;
        const std::size_t n_left = self->transport_->n_untaken();
        if (n_left >= n_untaken) return self->transport_->close();
        self->close_without_progress(n_left);
      });
}

asio::awaitable<void> HttpConnection::say_goodbye() {
  close_after(kLinger);
  co_await transport_->shutdown_send();
  write_deadline_.cancel();
  co_await linger();
}

// A socket that closes with unread bytes makes the kernel reset the connection, and the client may
// lose the answer: so the rest is read and dropped for a while.
asio::awaitable<void> HttpConnection::linger() {
  const Clock::time_point deadline = Clock::now() + kLinger;
  while (!peer_left_ && Clock::now() < deadline) {
    input_.clear();
    space_.cancel();
    co_await wait_until(deadline);
  }
}

}  // namespace tinyllm
