#pragma once
// An HTTP/1.1 server: listens, reads requests under limits and deadlines, hands each to a handler,
// notices clients that leave, drains. Boost.Asio is fenced in http*.cpp.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/http_exchange.h"
#include "server/http_parse.h"

namespace tinyllm {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an address or a name
  std::uint16_t port = 8000;       // 0: any free one
  int n_threads = 2;
  int max_connections = 1024;          // fewer where the process may not open so many files
  int max_connections_an_address = 0;  // 0: half of them
  HttpLimits limits;
  std::size_t max_memory_bytes = 256 << 20;  // of all bodies and answers beyond 64 KB each
  std::string tls_certificate, tls_key;      // PEM files; both empty: plain HTTP
  // A request's header must be complete that long after its first byte, its body after the header.
  std::chrono::milliseconds header_timeout{10'000}, body_timeout{60'000};
  std::chrono::milliseconds idle_timeout{75'000};  // between two requests of a connection
  std::chrono::milliseconds write_timeout{
      30'000};  // a client that takes nothing for so long is gone
  std::chrono::milliseconds ping_interval{15'000};
};

class HttpServer {
 public:
  // Binds and listens. Throws Error{io} when it cannot: "127.0.0.1:8000: address already in use".
  HttpServer(const HttpServerOptions& options, HttpHandlers handlers);
  ~HttpServer();  // stop()

  std::uint16_t port() const;
  void start();  // answers from now on, on threads of its own

  // Before start(). `callback` gets each SIGINT, SIGTERM and SIGHUP, on a thread of its own, so
  // that no work of the server keeps one from being heard.
  void on_signal(std::function<void(int signal)> callback);

  // Reads certificate and key again, for new connections; the others end after the answer that is
  // under way. Throws Error{io}, and then all is as before. Any thread.
  void reload();
  // Closes idle connections, and each other one after its answer. New ones still come, and are
  // closed after one answer.
  void drain();
  void stop();  // closes every connection, joins the threads. Exchanges under way are told.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
