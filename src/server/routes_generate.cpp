// /v1/chat/completions, /v1/completions, /v1/responses and /v1/messages.

#include <fmt/ranges.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/message_reader.h"
#include "server/generation.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

// One salt for what the client and what its key wants kept apart.
std::string salt_of(const HttpCaller& caller, const std::string& asked) {
  return caller.cache_salt.empty() ? asked : caller.cache_salt + ":" + asked;
}

void check_approvals(const ApiRequest& request) {
  if (request.approvals.empty()) return;
  throw ApiError(400, "invalid_value", "tool_approvals",
                 "tool_approvals is for requests with tools of the server, {\"type\": \"mcp\"}");
}

// On a worker.
Service::Answer answer_with_tools(Service& service, const ServedModel& model,
                                  const ExchangePtr& exchange, ApiRequest request) {
  if (service.tools() == nullptr) {
    const std::string& path = request.server_tools.front().path;
    throw ApiError(400, "invalid_value", path,
                   fmt::format("{} asks for tools of the server, which runs none: --tools, "
                               "--tools-folder and --mcp give it some",
                               path));
  }
  service.tools()->offer(request);
  struct Start {
    std::shared_ptr<ApiAnswer> answer;
    std::unique_ptr<ToolRounds> rounds;
  };
  const auto start = std::make_shared<Start>();
  start->rounds =
      std::make_unique<ToolRounds>(*service.tools(), model, std::move(request),
                                   exchange->caller().owner, exchange->request().body.size());
  // Refuses what cannot run before a call does something that nobody gets to know.
  start->answer = std::make_shared<ApiAnswer>(start->rounds->first_request(), model);
  return [&service, &model, exchange, start] {
    exchange->drop_body();
    add_warnings(*exchange, start->answer->request());
    if (start->rounds->begins_with_calls()) start->answer.reset();
    Generation::start(service, model, exchange, std::move(start->answer), std::move(start->rounds));
  };
}

void generate(Service& service, const ExchangePtr& exchange, ApiKind kind) {
  service.check_room(service.models().find());
  service.compute(exchange, [&service, exchange, kind](const Service::HasLeft& has_left) {
    const HttpCaller& caller = exchange->caller();
    ApiRequest request = parse_api_request(kind, exchange->request().body);
    const ServedModel& model = service.models().find(request.model);
    check_unknown_fields(request, service.options().strict);
    request.cache_salt = salt_of(caller, request.cache_salt);
    request.has_left = has_left;
    if (!request.previous_response_id.empty()) {
      service.responses().go_on(caller.owner, request);
      add_system_text(request);
    }
    if (service.options().logs_prompts)
      log(LogLevel::info, "{} asks: {}", caller.request_id, exchange->request().body);
    if (!request.server_tools.empty())
      return answer_with_tools(service, model, exchange, std::move(request));
    check_approvals(request);
    const auto answer = std::make_shared<ApiAnswer>(std::move(request), model);
    return Service::Answer([&service, &model, exchange, answer] {
      exchange->drop_body();
      add_warnings(*exchange, answer->request());
      Generation::start(service, model, exchange, answer);
    });
  });
}

}  // namespace

void add_warnings(HttpExchange& exchange, const ApiRequest& request) {
  if (request.unknown_fields.empty()) return;
  exchange.add_header("X-Tinyllm-Ignored",
                      fmt::format("{}", fmt::join(request.unknown_fields, ", ")));
}

void answer_chat(Service& service, const ExchangePtr& exchange) {
  generate(service, exchange, ApiKind::chat);
}

void answer_responses(Service& service, const ExchangePtr& exchange) {
  generate(service, exchange, ApiKind::responses);
}

void answer_messages(Service& service, const ExchangePtr& exchange) {
  generate(service, exchange, ApiKind::messages);
}

void answer_completion(Service& service, const ExchangePtr& exchange) {
  generate(service, exchange, ApiKind::completion);
}

}  // namespace tinyllm
