#pragma once
// What all routes share: the models once they are there, the limits, the counters, and the
// generations under way. Outlives the HTTP server. Any thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "openai/response_store.h"
#include "server/access.h"
#include "server/client_limits.h"
#include "server/http_exchange.h"
#include "server/model_host.h"
#include "server/request_accounts.h"
#include "server/server_metrics.h"
#include "server/server_tools.h"
#include "server/worker_pool.h"

namespace tinyllm {

class Generation;

inline constexpr const char* kEngineFailed =
    "the engine has stopped after an internal error; the server is going down";

struct ServiceOptions {
  std::vector<ApiKey> api_keys;            // empty: anyone may ask
  std::vector<std::string> cors_origins;   // "*" or "https://example.org"; empty: no CORS
  std::vector<std::string> allowed_hosts;  // besides loopback names; "*": any
  bool checks_host = false;                // refuse other Host headers (against DNS rebinding)
  HostNames host_names = HostNames::local;
  std::vector<std::string> trusted_proxies;  // addresses whose X-Forwarded-For counts
  int max_queue = 256;                       // answers that may wait; more get 429
  int n_workers = 2;                         // threads of the WorkerPool
  // Of one client; 0: no limit.
  int max_requests_a_client = 0, max_requests_a_minute = 0;
  // Until the first token, and until the end; 0: no limit.
  std::chrono::milliseconds max_wait{0}, max_time{0};
  bool shares_prefixes = false;  // between API keys
  bool strict = false;           // unknown fields are refused
  bool logs_prompts = false;
  bool debug_views = false;  // GET /debug/state
};

// Whether only programs of this machine can ask: it listens here only, no proxy is named, and no page
// of another origin is let in.
bool is_for_this_machine(const ServiceOptions& options);

class Service {
 public:
  explicit Service(ServiceOptions options);
  ~Service();

  // The HttpHandlers.
  bool admit(const std::shared_ptr<HttpExchange>& exchange);
  void handle(const std::shared_ptr<HttpExchange>& exchange);

  // Runs `work` on a worker and what it returns on the exchange's strand. What either throws is the
  // answer. `work` is told when its client has left; if it has not begun then, it is dropped. A long
  // body makes long work.
  using Answer = std::function<void()>;
  using HasLeft = std::shared_ptr<const std::atomic<bool>>;
  void compute(const std::shared_ptr<HttpExchange>& exchange,
               std::function<Answer(const HasLeft&)> work);
  // The same on the threads of embeddings, which nothing else waits for.
  void compute_embeddings(const std::shared_ptr<HttpExchange>& exchange, bool is_long,
                          std::function<Answer(const HasLeft&)> work);
  // The same without an exchange, on a request of so many bytes.
  void compute(std::size_t n_bytes, std::function<void()> work);
  void stop_workers() {
    is_aborting_ = true;
    workers_.stop();
    embedding_workers_.stop();
    if (tools_) tools_->threads().stop();
  }

  // Other keys from now on. Throws nothing; a request under way goes on.
  void set_api_keys(std::vector<ApiKey> keys);

  // Generating routes answer 503 until then, and every route once the model's engine has failed.
  // The engine must outlive the HTTP server's threads. Metrics show one model: call it once.
  void set_model(const ServedModel& model);
  // Before set_model(), or alone with set_ready() behind it. The embedder must outlive stop_workers().
  void add_embedder(const ServedEmbedder& model) { models_.add(model); }
  // The same of a cross-encoder.
  void add_reranker(const ServedReranker& model) { models_.add(model); }
  void set_ready() { models_.set_ready(); }
  const ModelHost& models() const { return models_; }

  // Before set_model(): tools that this server runs. nullptr: none.
  void set_tools(std::unique_ptr<ServerTools> tools) { tools_ = std::move(tools); }
  ServerTools* tools() { return tools_.get(); }

  void drain() { draining_ = true; }  // refuses new work
  bool draining() const { return draining_; }
  int n_open() const { return n_open_texts_ + n_open_embeddings_; }  // answers that run or wait
  void abort_all();            // ends every generation with an error that says why
  void enforce_time_limits();  // call it a few times a second

  const ServiceOptions& options() const { return options_; }
  ServerMetrics& metrics() { return metrics_; }
  ResponseStore& responses() { return responses_; }
  RequestAccounts& accounts() { return accounts_; }
  // Whether who asks could have made all texts that his prompt is compared with: he has a key, which
  // is a part of the salt, or there are no keys and only this machine asks. Not where a proxy stands
  // between: many may ask through it.
  bool tells_gap(HttpExchange& exchange);

  // Throws ApiError{429 | 503} when not even one more answer would be taken.
  void check_room(const ServedModel& model) const;
  // Takes places for n_texts of a model; throws ApiError{429 | 503}. Each is given back once.
  void take_places(const ServedModel& model, int n_texts);
  void give_back(int n_texts) { n_open_texts_ -= n_texts; }
  // A place for one request for embeddings, given back with the last pointer to it; throws
  // ApiError{429 | 503}.
  std::shared_ptr<void> take_embedding_place();
  bool is_aborting() const { return is_aborting_; }       // work that takes long ends now
  std::atomic<int>& n_watchers() { return n_watchers_; }  // of /debug/state
  void remember(const std::shared_ptr<Generation>& generation);

 private:
  std::shared_ptr<const std::vector<ApiKey>> api_keys();
  void check_access(HttpExchange& exchange);
  void refuse(HttpExchange& exchange, const std::exception& error);
  void compute(const std::shared_ptr<HttpExchange>& exchange, WorkerPool& workers, bool is_long,
               std::function<Answer(const HasLeft&)> work);
  std::vector<std::shared_ptr<Generation>> generations();

  const ServiceOptions options_;
  struct Keys {
    std::mutex mutex;  // guards the pointer
    std::shared_ptr<const std::vector<ApiKey>> list;
  } keys_;
  ServerMetrics metrics_;
  ResponseStore responses_;
  RequestAccounts accounts_;
  ClientLimits clients_;
  ModelHost models_;
  std::atomic<bool> draining_{false}, is_aborting_{false};
  std::atomic<int> n_open_texts_{0}, n_open_embeddings_{0}, n_watchers_{0};
  struct Generations {
    std::mutex mutex;  // guards the list
    std::vector<std::weak_ptr<Generation>> list;
  } generations_;
  std::unique_ptr<ServerTools> tools_;
  WorkerPool workers_, embedding_workers_;
};

}  // namespace tinyllm
