// /v1/chat/completions, /v1/completions, /v1/responses and /v1/messages.

#include <fmt/ranges.h>

#include <utility>

#include "base/log.h"
#include "base/utf8.h"
#include "openai/field_table.h"
#include "openai/message_reader.h"
#include "server/generation.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

// The text of a request as one line of the log: nobody writes lines of his own there.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : replace_ill_formed(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

// One salt for what the client and what its key wants kept apart.
std::string salt_of(const HttpCaller& caller, const std::string& asked) {
  return caller.cache_salt.empty() ? asked : caller.cache_salt + ":" + asked;
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
      log(LogLevel::info, "{} asks: {}", caller.request_id, on_one_line(exchange->request().body));
    const auto answer = std::make_shared<ApiAnswer>(std::move(request), model);
    return [&service, &model, exchange, answer] {
      exchange->drop_body();
      add_warnings(*exchange, answer->request());
      Generation::start(service, model, exchange, std::move(*answer));
    };
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
