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
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "server/http_budget.h"
#include "server/http_server.h"
#include "server/http_transport.h"

namespace tinyllm {

// What all connections share. Outlives them.
struct HttpShared {
  HttpServerOptions options;
  HttpHandlers handlers;
  HttpBudget budget{options.max_memory_bytes};
  std::atomic<bool> draining{false};
};

using HttpStrand = boost::asio::strand<boost::asio::io_context::executor_type>;

class HttpReply;  // the exchange as the connection sees it

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpShared& shared, HttpStrand strand, std::unique_ptr<HttpTransport> transport,
                 std::string peer);
  ~HttpConnection();

  void start();
  void retire();  // any thread: takes no request any more but the one under way
  void close();   // any thread

  // Any thread: since when it waits for a request, or for the rest of one. Empty while it answers.
  std::optional<std::chrono::steady_clock::time_point> idle_since() const;
  const std::string& peer() const { return peer_; }  // its address
  bool closing() const { return closing_; }          // any thread: close() was called

  const HttpStrand& strand() const { return strand_; }
  HttpBudget& budget() { return shared_.budget; }
  void notify();  // strand: something changed that run() may wait for

 private:
  using Clock = std::chrono::steady_clock;

  boost::asio::awaitable<void> read();
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> serve_one();  // true: another request may follow
  boost::asio::awaitable<bool> read_header(HttpParser& parser);
  boost::asio::awaitable<bool> read_body(HttpParser& parser, HttpReply& reply);
  boost::asio::awaitable<bool> fill(HttpParser& parser, Clock::time_point deadline);
  template <typename Call>
  bool call(HttpReply& reply, Call handler);
  boost::asio::awaitable<bool> answer(HttpReply& reply);
  boost::asio::awaitable<void> refuse(int status, const std::string& message);
  boost::asio::awaitable<void> write(std::string_view bytes);
  boost::asio::awaitable<void> say_goodbye();
  boost::asio::awaitable<void> linger();
  void close_after(Clock::duration time);
  void close_without_progress(std::size_t n_untaken);
  boost::asio::awaitable<void> wait_until(Clock::time_point deadline);

  HttpShared& shared_;
  HttpStrand strand_;
  std::unique_ptr<HttpTransport> transport_;
  boost::asio::steady_timer changed_, space_, write_deadline_;
  const std::string peer_;
  std::string input_;                   // what was read and not yet parsed
  std::atomic<Clock::rep> idle_since_;  // 0: it answers
  std::atomic<bool> closing_{false};
  bool retired_ = false;
  bool peer_left_ = false;
  bool wants_input_ = true;  // false while an answer is being made: more than a little is a fault
};

}  // namespace tinyllm
