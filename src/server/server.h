#pragma once
// The whole server: HTTP in front, the service behind it, and how it starts and ends.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <semaphore>
#include <vector>

#include "server/http_server.h"
#include "server/service.h"

namespace tinyllm {

class Server {
 public:
  // Listens at once; requests are answered (with 503) from start() on. Throws Error{io}.
  Server(const HttpServerOptions& http, ServiceOptions service);
  ~Server() { stop(); }

  // Before start(): where the API keys of now come from, asked on SIGHUP. May throw Error.
  void on_reload(std::function<std::vector<ApiKey>()> read_keys) {
    read_keys_ = std::move(read_keys);
  }
  std::uint16_t port() const { return http_.port(); }
  void start();
  // Before set_model(): tools that the server runs. What they need must outlive stop().
  void set_tools(std::unique_ptr<ServerTools> tools) { service_.set_tools(std::move(tools)); }
  // Before set_model(), or alone with set_ready() behind it. The embedder must outlive stop().
  void add_embedder(const ServedEmbedder& model) { service_.add_embedder(model); }
  // The same of a cross-encoder.
  void add_reranker(const ServedReranker& model) { service_.add_reranker(model); }
  void set_ready() { service_.set_ready(); }
  // `model`'s engine must outlive stop().
  void set_model(const ServedModel& model);

  // Waits for SIGINT or SIGTERM, then drains: new work gets 503; what runs may end within
  // `drain_time`, after which it is aborted. Another signal meanwhile ends the process at once with
  // exit code 130. SIGHUP reads keys and certificate anew. When the model's engine fails it returns
  // soon as well; every answer is an error then.
  void wait(std::chrono::milliseconds drain_time);

  // Closes every connection and joins all threads.
  void stop();

 private:
  void take_signal(int signal);
  void reload();

  Service service_;
  std::function<std::vector<ApiKey>()> read_keys_;
  HttpServer http_;
  std::atomic<bool> engine_failed_{false};
  std::atomic<int> n_signals_{0};                // to end
  std::counting_semaphore<> reasons_to_end_{0};  // signals, and a failed engine
};

}  // namespace tinyllm
