#pragma once
// The whole server: HTTP in front, the service behind it, and how it starts and ends.

#include <atomic>
#include <chrono>
#include <memory>

#include "server/http_server.h"
#include "server/service.h"

namespace tinyllm {

class Server {
 public:
  // Listens at once; requests are answered (with 503) from start() on. Throws Error{io}.
  Server(const HttpServerOptions& http, ServiceOptions service);

  std::uint16_t port() const { return http_.port(); }
  void start();
  // `model`'s engine must outlive stop().
  void set_model(const ServedModel& model);

  // Waits for SIGINT or SIGTERM, then drains: no new work; what runs may end within `drain_time`,
  // after which it is aborted. Another signal meanwhile ends the process at once with exit code
  // 130. When the model's engine fails it returns soon as well; every answer is an error then.
  void wait(std::chrono::milliseconds drain_time);

  // Closes every connection and joins all threads.
  void stop() { http_.stop(); }

 private:
  Service service_;
  HttpServer http_;
  std::atomic<bool> engine_failed_{false};
  std::atomic<int> n_reasons_to_end_{0};  // signals, and a failed engine
};

}  // namespace tinyllm
