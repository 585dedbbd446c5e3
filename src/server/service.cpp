#include "server/service.h"

#include <algorithm>
#include <array>
#include <exception>

#include "base/log.h"
#include "base/random_id.h"
#include "openai/api_error.h"
#include "server/access.h"
#include "server/error_response.h"
#include "server/generation.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxRequestIdBytes = 128;

struct Route {
  std::string_view method, path;
  bool open = false;  // no key needed
  void (*answer)(Service&, const ExchangePtr&, const std::string& request_id) = nullptr;
};

constexpr auto kRoutes = std::to_array<Route>({
    {"POST", "/v1/chat/completions", false, answer_chat},
    {"POST", "/v1/completions", false, answer_completion},
    {"GET", "/v1/models", false, answer_models},
    {"POST", "/tokenize", false, answer_tokenize},
    {"POST", "/detokenize", false, answer_detokenize},
    {"POST", "/apply-template", false, answer_apply_template},
    {"GET", "/health", true, answer_health},
    {"GET", "/v1/health", true, answer_health},
    {"GET", "/version", false, answer_version},
    {"GET", "/metrics", false, answer_metrics},
    {"GET", "/openapi.json", false, answer_openapi},
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

const Route& find_route(const HttpRequest& request) {
  std::string_view method = request.method;
  if (method == "HEAD") method = "GET";
  std::string_view other_method;
  for (const Route& route : kRoutes) {
    if (route.path != request.path) continue;
    if (route.method == method) return route;
    other_method = route.method;
  }
  if (other_method.empty())
    throw ApiError(404, "", "", "there is no such path here; GET /openapi.json lists them");
  throw ApiError(405, "", "", fmt::format("this path takes {} only", other_method));
}

void answer_preflight(HttpExchange& exchange) {
  exchange.add_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  exchange.add_header("Access-Control-Allow-Headers",
                      "Authorization, Content-Type, X-Api-Key, X-Request-Id");
  exchange.add_header("Access-Control-Max-Age", "600");
  exchange.send({.status = 204});
}

void send_error(Service& service, HttpExchange& exchange, const std::exception& error) {
  const HttpResponse response = error_response(error);
  if (response.status == 401) exchange.add_header("WWW-Authenticate", "Bearer");
  if (response.status == 429 || response.status == 503) exchange.add_header("Retry-After", "1");
  service.metrics().count_error(response.status);
  exchange.send(response);
}

}  // namespace

Service::Service(ServiceOptions options) : options_(std::move(options)) {}
Service::~Service() = default;

void Service::set_model(const ServedModel& model) {
  metrics_.set_model(model.names.front(), *model.engine);
  models_.add(model);
}

void Service::handle(const std::shared_ptr<HttpExchange>& exchange) {
  const HttpRequest& request = exchange->request();
  const std::string request_id = request_id_of(request);
  exchange->add_header("X-Request-Id", request_id);
  const std::string origin = allowed_origin(request, options_.cors_origins);
  if (!origin.empty()) {
    exchange->add_header("Access-Control-Allow-Origin", origin);
    exchange->add_header("Vary", "Origin");
  }
  try {
    if (options_.checks_host && !names_this_host(request, options_.allowed_hosts)) {
      throw ApiError(403, "host_not_allowed", "",
                     "the Host header is not a name of this server; see --allowed-host");
    }
    if (models_.has_failed()) throw ApiError(503, "engine_failed", "", kEngineFailed);
    if (request.method == "OPTIONS") return answer_preflight(*exchange);
    if (answer_web_file(exchange)) return;
    const Route& route = find_route(request);
    if (!route.open && !has_key(request, options_.api_keys))
      throw ApiError(401, "invalid_api_key", "", "the API key is missing or wrong");
    if (route.method == "POST") check_content_type(request);
    route.answer(*this, exchange, request_id);
    log(LogLevel::debug, "{} {} {}", request_id, request.method, request.path);
  } catch (const ApiError& error) {
    log(LogLevel::info, "{} {} {}: {} {}", request_id, request.method, request.path, error.status,
        error.what());
    send_error(*this, *exchange, error);
  } catch (const std::exception& error) {
    log(LogLevel::error, "{} {} {}: {}", request_id, request.method, request.path, error.what());
    send_error(*this, *exchange, error);
  }
}

void Service::admit(const ServedModel& model, int n_texts) {
  if (draining_) throw ApiError(503, "shutting_down", "", "the server is shutting down");
  const int limit = model.engine->limits().max_num_seqs + options_.max_queue;
  const int n_before = n_open_texts_.fetch_add(n_texts);
  if (n_before + n_texts <= limit) return;
  n_open_texts_ -= n_texts;
  throw ApiError(429, "rate_limit_exceeded", "",
                 fmt::format("{} texts run or wait, more than {} are not taken; try again soon",
                             n_before, limit));
}

void Service::remember(const std::shared_ptr<Generation>& generation) {
  const std::scoped_lock lock(generations_.mutex);
  std::erase_if(generations_.list, [](const auto& it) { return it.expired(); });
  generations_.list.push_back(generation);
}

void Service::abort_all() {
  const std::scoped_lock lock(generations_.mutex);
  for (const auto& it : generations_.list) {
    if (const auto generation = it.lock()) generation->abort();
  }
}

}  // namespace tinyllm
