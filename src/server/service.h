#pragma once
// What all routes share: the models once they are there, the limits, the counters, and the
// generations under way. Outlives the HTTP server. Any thread.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http_exchange.h"
#include "server/model_host.h"
#include "server/server_metrics.h"

namespace tinyllm {

class Generation;

inline constexpr const char* kEngineFailed =
    "the engine has stopped after an internal error; the server is going down";

struct ServiceOptions {
  std::vector<std::string> api_keys;       // empty: anyone may ask
  std::vector<std::string> cors_origins;   // "*" or "https://example.org"; empty: no CORS
  std::vector<std::string> allowed_hosts;  // besides loopback names; "*": any
  bool checks_host = false;                // refuse other Host headers (against DNS rebinding)
  int max_queue = 256;                     // texts that may wait; more get 429
  bool logs_prompts = false;
  bool debug_views = false;  // GET /debug/state
};

class Service {
 public:
  explicit Service(ServiceOptions options);
  ~Service();

  // The HttpHandler.
  void handle(const std::shared_ptr<HttpExchange>& exchange);

  // Generating routes answer 503 until then, and every route once the model's engine has failed.
  // The engine must outlive the HTTP server's threads. Metrics show one model: call it once.
  void set_model(const ServedModel& model);
  const ModelHost& models() const { return models_; }

  void drain() { draining_ = true; }  // refuses new work
  bool draining() const { return draining_; }
  int n_open_texts() const { return n_open_texts_; }
  void abort_all();  // ends every generation with an error that says why

  const ServiceOptions& options() const { return options_; }
  ServerMetrics& metrics() { return metrics_; }

  // Takes places for n_texts of a model; throws ApiError{429 | 503}. Each is given back once.
  void admit(const ServedModel& model, int n_texts);
  void give_back(int n_texts) { n_open_texts_ -= n_texts; }
  std::atomic<int>& n_watchers() { return n_watchers_; }  // of /debug/state
  void remember(const std::shared_ptr<Generation>& generation);

 private:
  ServiceOptions options_;
  ServerMetrics metrics_;
  ModelHost models_;
  std::atomic<bool> draining_{false};
  std::atomic<int> n_open_texts_{0}, n_watchers_{0};
  struct Generations {
    std::mutex mutex;  // guards the list
    std::vector<std::weak_ptr<Generation>> list;
  } generations_;
};

}  // namespace tinyllm
