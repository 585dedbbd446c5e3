#include "server/service.h"

#include <algorithm>
#include <array>
#include <exception>

#include "base/log.h"
#include "base/memory_reserve.h"
#include "base/quote.h"
#include "base/random_id.h"
#include "openai/api_error.h"
#include "server/access.h"
#include "server/error_response.h"
#include "server/generation.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxRequestIdBytes = 128;
constexpr std::size_t kShortBodyBytes = 64 << 10;
constexpr std::size_t kMemoryReserve = 16 << 20;
constexpr int kEmbeddingThreads = 2;  // one for short requests, so that these pass the long ones

struct Route {
  std::string_view method, path;
  bool open = false;  // no key needed
  void (*answer)(Service&, const ExchangePtr&) = nullptr;
};

constexpr auto kRoutes = std::to_array<Route>({
    {"POST", "/v1/chat/completions", false, answer_chat},
    {"POST", "/v1/completions", false, answer_completion},
    {"POST", "/v1/embeddings", false, answer_embeddings},
    {"POST", "/v1/rerank", false, answer_rerank},
    {"POST", "/rerank", false, answer_rerank},
    {"POST", "/v1/score", false, answer_score},
    {"POST", "/score", false, answer_score},
    {"POST", "/v1/responses", false, answer_responses},
    {"GET", "/v1/responses/{id}", false, answer_kept_response},
    {"DELETE", "/v1/responses/{id}", false, answer_delete_response},
    {"GET", "/v1/responses/{id}/input_items", false, answer_input_items},
    {"POST", "/v1/messages", false, answer_messages},
    {"POST", "/v1/messages/count_tokens", false, answer_count_tokens},
    {"GET", "/v1/models", false, answer_models},
    {"POST", "/tokenize", false, answer_tokenize},
    {"POST", "/detokenize", false, answer_detokenize},
    {"POST", "/apply-template", false, answer_apply_template},
    {"GET", "/health", true, answer_health},
    {"GET", "/v1/health", true, answer_health},
    {"GET", "/ready", true, answer_health},
    {"GET", "/tokenizer_info", false, answer_tokenizer_info},
    {"GET", "/version", false, answer_version},
    {"GET", "/metrics", false, answer_metrics},
    {"GET", "/openapi.json", false, answer_openapi},
    {"GET", "/requests/{id}/why", false, answer_why},
    {"GET", "/debug/state", false, answer_debug_state},
});

// The client's id, if it fits into a log line; else one of ours.
std::string request_id_of(const HttpRequest& request) {
  const std::string_view given = request.header("x-request-id");
  const bool usable = !given.empty() && given.size() <= kMaxRequestIdBytes &&
                      std::ranges::all_of(given, [](char c) { return c > 0x20 && c < 0x7F; });
  return usable ? std::string(given) : "req-" + random_id();
}

// A browser sends other types to us without asking first, so they are no JSON requests.
void check_content_type(const HttpRequest& request) {
  std::string type(request.header("content-type"));
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  if (type == "application/json") return;
  throw ApiError(415, "unsupported_media_type", "",
                 "the Content-Type must be application/json (curl: -H 'Content-Type: "
                 "application/json')");
}

// Paths of OpenAI's API and of other servers that a client may look for here.
constexpr auto kKnownElsewhere = std::to_array<std::string_view>({
    "/v1/moderations",  "/v1/images/edits",
    "/v1/assistants",   "/v1/threads",
    "/v1/batches",      "/v1/files",
    "/v1/fine_tuning",  "/v1/images/generations",
    "/v1/audio/speech", "/v1/audio/transcriptions",
    "/api/chat",        "/api/generate",
    "/api/tags",        "/api/show",
    "/api/embeddings",  "/completion",
    "/infill",          "/embedding",
    "/generate",        "/v1/realtime",
    "/props",           "/slots",
    "/pooling",
});

// "{id}" in a route stands for one part of a path.
bool matches(std::string_view route, std::string_view path) {
  constexpr std::string_view kPart = "{id}";
  const std::size_t at = route.find(kPart);
  if (at == route.npos) return route == path;
  if (!path.starts_with(route.substr(0, at))) return false;
  const std::size_t end = std::min(path.find('/', at), path.size());
  return end > at && path.substr(end) == route.substr(at + kPart.size());
}

bool is_route(std::string_view path) {
  return std::ranges::any_of(kRoutes,
                             [&](const Route& route) { return matches(route.path, path); });
}

// What to tell somebody who asked for a path that is not here.
std::string no_such_path(const std::string& path) {
  constexpr const char* kBase = "the base URL of the API is http://HOST:PORT/v1";
  if (std::ranges::find(kKnownElsewhere, path) != kKnownElsewhere.end())
    return fmt::format("{} is not here yet; {}, GET /openapi.json lists its paths", path, kBase);
  const std::string with_base = "/v1" + path;
  const std::string without_base = path.substr(0, 4) == "/v1/" ? path.substr(3) : "";
  for (const std::string& near : {with_base, without_base}) {
    if (is_route(near)) return fmt::format("there is no such path here, but {}; {}", near, kBase);
  }
  return fmt::format("there is no such path here; {}, GET /openapi.json lists its paths", kBase);
}

const Route& find_route(const HttpRequest& request) {
  std::string_view method = request.method;
  if (method == "HEAD") method = "GET";
  std::string other_methods;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, request.path)) continue;
    if (route.method == method) return route;
    other_methods += other_methods.empty() ? "" : " and ";
    other_methods += route.method;
  }
  if (other_methods.empty()) throw ApiError(404, "", "", no_such_path(request.path));
  throw ApiError(405, "", "", fmt::format("this path takes {} only", other_methods));
}

// The headers that a page asks for: clients of the APIs here send some of their own.
std::string allowed_headers(const HttpRequest& request) {
  constexpr std::size_t kMostBytes = 1024;
  const std::string_view asked = request.header("access-control-request-headers");
  const bool are_names = !asked.empty() && asked.size() <= kMostBytes &&
                         std::ranges::all_of(asked, [](unsigned char c) {
                           return std::isalnum(c) || c == '-' || c == '_' || c == ',' || c == ' ';
                         });
  if (are_names) return std::string(asked);
  return "Authorization, Content-Type, X-Api-Key, X-Request-Id";
}

void answer_preflight(HttpExchange& exchange) {
  exchange.add_header("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
  exchange.add_header("Access-Control-Allow-Headers", allowed_headers(exchange.request()));
  exchange.add_header("Access-Control-Max-Age", "600");
  exchange.send({.status = 204});
}

// "req-1 192.0.2.7 (Ann)": what the log says of a request first.
std::string describe(const HttpCaller& caller) {
  const std::string key = caller.key_name.empty() ? "" : fmt::format(" ({})", caller.key_name);
  return fmt::format("{} {}{}", caller.request_id, caller.address, key);
}

// A path as the log may show it: whoever asked must not be able to write lines there.
std::string shown(const HttpRequest& request) {
  const std::string path = quote(request.path);
  return fmt::format("{} {}", request.method, path.substr(1, path.size() - 2));
}

}  // namespace

bool is_for_this_machine(const ServiceOptions& options) {
  return options.host_names == HostNames::local && options.allowed_hosts.empty() &&
         options.trusted_proxies.empty() && options.cors_origins.empty();
}

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      clients_(options_.max_requests_a_client, options_.max_requests_a_minute),
      workers_(options_.n_workers),
      embedding_workers_(kEmbeddingThreads) {
  set_api_keys(options_.api_keys);
  keep_memory_reserve(kMemoryReserve);
}

Service::~Service() = default;

void Service::set_api_keys(std::vector<ApiKey> keys) {
  auto list = std::make_shared<const std::vector<ApiKey>>(std::move(keys));
  const std::scoped_lock lock(keys_.mutex);
  keys_.list = std::move(list);
}

std::shared_ptr<const std::vector<ApiKey>> Service::api_keys() {
  const std::scoped_lock lock(keys_.mutex);
  return keys_.list;
}

bool Service::tells_gap(HttpExchange& exchange) {
  if (options_.shares_prefixes) return false;
  const HttpRequest& request = exchange.request();
  for (const char* name : {"forwarded", "x-forwarded-for", "via"}) {
    if (request.has_header(name)) return false;
  }
  if (!exchange.caller().owner.empty()) return true;
  return api_keys()->empty() && is_for_this_machine(options_);
}

void Service::set_model(const ServedModel& model) {
  metrics_.set_model(model.names.front(), *model.engine);
  models_.add(model);
}

// Who asks and whether he may: the rest of the request is of no interest before.
void Service::check_access(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  HttpCaller& caller = exchange.caller();
  const Route& route = find_route(request);
  const std::shared_ptr<const std::vector<ApiKey>> keys = api_keys();
  const ApiKey* key = find_key(request, *keys);
  if (key != nullptr) {
    caller.key_name = key->name;
    caller.owner = key_salt(*key);
    // With one key too: SIGHUP may bring others, whose prompts are then not its own.
    if (!options_.shares_prefixes) caller.cache_salt = key_salt(*key);
  } else if (!route.open && !keys->empty()) {
    throw ApiError(401, "invalid_api_key", "", "the API key is missing or wrong");
  }
  if (route.method != "POST") return;
  check_content_type(request);
  if (draining_) throw ApiError(503, "shutting_down", "", "the server is shutting down");
  exchange.keep(clients_.enter(key != nullptr ? key_salt(*key) : client_network(caller.address)));
}

bool Service::admit(const std::shared_ptr<HttpExchange>& exchange) {
  const HttpRequest& request = exchange->request();
  HttpCaller& caller = exchange->caller();
  caller.request_id = request_id_of(request);
  caller.address = client_address(request, caller.address, options_.trusted_proxies);
  exchange->add_header("X-Request-Id", caller.request_id);
  const std::string origin = allowed_origin(request, options_.cors_origins);
  if (!origin.empty()) {
    exchange->add_header("Access-Control-Allow-Origin", origin);
    exchange->add_header("Vary", "Origin");
  }
  try {
    if (options_.checks_host &&
        !names_this_host(request, options_.host_names, options_.allowed_hosts)) {
      throw ApiError(403, "host_not_allowed", "",
                     "the Host header is not a name of this server; see --allowed-host");
    }
    if (models_.has_failed()) throw ApiError(503, "engine_failed", "", kEngineFailed);
    if (request.method == "OPTIONS") {
      answer_preflight(*exchange);
      return false;
    }
    if (answer_web_file(exchange)) return false;
    check_access(*exchange);
    return true;
  } catch (const std::exception& error) {
    refuse(*exchange, error);
    return false;
  }
}

void Service::handle(const std::shared_ptr<HttpExchange>& exchange) {
  try {
    find_route(exchange->request()).answer(*this, exchange);
    log(LogLevel::debug, "{} {}", describe(exchange->caller()), shown(exchange->request()));
  } catch (const std::exception& error) {
    refuse(*exchange, error);
  }
}

void Service::refuse(HttpExchange& exchange, const std::exception& error) {
  const HttpResponse response = error_response(error, exchange.request().path);
  const auto* known = dynamic_cast<const ApiError*>(&error);
  log(known != nullptr ? LogLevel::info : LogLevel::error, "{} {}: {} {}",
      describe(exchange.caller()), shown(exchange.request()), response.status, error.what());
  if (response.status == 401) exchange.add_header("WWW-Authenticate", "Bearer");
  if (response.status == 429 || response.status == 503) exchange.add_header("Retry-After", "1");
  metrics_.count_error(response.status);
  exchange.send(response);
}

void Service::compute(const std::shared_ptr<HttpExchange>& exchange,
                      std::function<Answer(const HasLeft&)> work) {
  compute(exchange, workers_, exchange->request().body.size() > kShortBodyBytes, std::move(work));
}

void Service::compute_embeddings(const std::shared_ptr<HttpExchange>& exchange, bool is_long,
                                 std::function<Answer(const HasLeft&)> work) {
  compute(exchange, embedding_workers_, is_long, std::move(work));
}

void Service::compute(const std::shared_ptr<HttpExchange>& exchange, WorkerPool& workers,
                      bool is_long, std::function<Answer(const HasLeft&)> work) {
  const auto has_left = std::make_shared<std::atomic<bool>>(false);
  const std::uint64_t id = workers.run(is_long, [this, exchange, has_left, work = std::move(work)] {
    // Runs on the strand, for what the worker or the strand's own part throws.
    const auto answer = [this, exchange](const std::function<void()>& tell) {
      try {
        tell();
      } catch (const std::exception& error) {
        refuse(*exchange, error);
      }
    };
    if (*has_left) return;
    Answer tell;
    try {
      tell = work(has_left);
    } catch (...) {
      tell = [error = std::current_exception()] { std::rethrow_exception(error); };
    }
    exchange->post([answer, has_left, tell = std::move(tell)] {
      if (!*has_left) answer(tell);
    });
  });
  // Set on the strand, as is what the work itself sets there: that comes later.
  exchange->on_gone([&workers, has_left, id] {
    *has_left = true;
    workers.drop(id);
  });
}

void Service::compute(std::size_t n_bytes, std::function<void()> work) {
  workers_.run(/*is_long=*/n_bytes > kShortBodyBytes, std::move(work));
}

void Service::check_room(const ServedModel& model) const {
  if (draining_) throw ApiError(503, "shutting_down", "", "the server is shutting down");
  const int limit = model.engine->limits().max_num_seqs + options_.max_queue;
  const int n_open = n_open_texts_;
  if (n_open < limit) return;
  throw ApiError(429, "rate_limit_exceeded", "",
                 fmt::format("{} answers run or wait, more than {} are not taken; try again soon",
                             n_open, limit));
}

void Service::take_places(const ServedModel& model, int n_texts) {
  if (draining_) throw ApiError(503, "shutting_down", "", "the server is shutting down");
  const int limit = model.engine->limits().max_num_seqs + options_.max_queue;
  const int n_before = n_open_texts_.fetch_add(n_texts);
  if (n_before + n_texts <= limit) return;
  n_open_texts_ -= n_texts;
  throw ApiError(429, "rate_limit_exceeded", "",
                 fmt::format("{} answers run or wait, more than {} are not taken; try again soon",
                             n_before, limit));
}

std::shared_ptr<void> Service::take_embedding_place() {
  if (draining_) throw ApiError(503, "shutting_down", "", "the server is shutting down");
  const int limit = kEmbeddingThreads + options_.max_queue;
  std::shared_ptr<void> place(nullptr, [this](void*) { --n_open_embeddings_; });
  if (const int n_before = n_open_embeddings_++; n_before >= limit) {
    throw ApiError(
        429, "rate_limit_exceeded", "",
        fmt::format("{} requests for embeddings run or wait, more than {} are not taken; "
                    "try again soon",
                    n_before, limit));
  }
  return place;
}

void Service::remember(const std::shared_ptr<Generation>& generation) {
  const std::scoped_lock lock(generations_.mutex);
  std::erase_if(generations_.list, [](const auto& it) { return it.expired(); });
  generations_.list.push_back(generation);
}

std::vector<std::shared_ptr<Generation>> Service::generations() {
  const std::scoped_lock lock(generations_.mutex);
  std::vector<std::shared_ptr<Generation>> alive;
  for (const auto& it : generations_.list) {
    if (auto generation = it.lock()) alive.push_back(std::move(generation));
  }
  return alive;
}

void Service::abort_all() {
  is_aborting_ = true;
  for (const auto& generation : generations()) generation->abort();
}

void Service::enforce_time_limits() {
  for (const auto& generation : generations()) generation->enforce_time_limits();
  refill_memory_reserve();
}

}  // namespace tinyllm
