#pragma once
// One client's connection: requests are read one after another, each is handed to the handler and
// its answer written. Includes Asio: for server/http*.cpp only.
//
// Two coroutines share the strand. One reads whenever the client sends, into a bounded buffer; so
// the end of the connection is seen at once, also while an answer is being made. The other parses,
// calls the handler and writes.

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <string>

#include "server/http_server.h"
#include "server/http_transport.h"

namespace tinyllm {

// What all connections share. Outlives them.
struct HttpShared {
  HttpServerOptions options;
  HttpHandler handler;
  std::atomic<bool> draining{false};
};

using HttpStrand = boost::asio::strand<boost::asio::io_context::executor_type>;

class HttpReply;  // the exchange as the connection sees it

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpShared& shared, HttpStrand strand, std::unique_ptr<HttpTransport> transport);
  ~HttpConnection();

  void start();
  void wake();   // any thread: look again whether to drain
  void close();  // any thread

  const HttpStrand& strand() const { return strand_; }
  void notify();  // strand: something changed that run() may wait for

 private:
  using Clock = std::chrono::steady_clock;

  boost::asio::awaitable<void> read();
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> serve_one();  // true: another request may follow
  boost::asio::awaitable<bool> read_request(HttpParser& parser);
  boost::asio::awaitable<bool> answer(HttpReply& reply);
  boost::asio::awaitable<void> refuse(int status, const std::string& message);
  boost::asio::awaitable<void> write(std::string_view bytes);
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<void> wait_until(Clock::time_point deadline);

  HttpShared& shared_;
  HttpStrand strand_;
  std::unique_ptr<HttpTransport> transport_;
  boost::asio::steady_timer changed_, space_, write_deadline_;
  std::string input_;  // what was read and not yet parsed
  bool peer_left_ = false;
  bool wants_input_ = true;  // false while an answer is being made: more than a little is a fault
};

}  // namespace tinyllm
