// /v1/chat/completions and /v1/completions.

#include <utility>

#include "base/log.h"
#include "openai/field_table.h"
#include "server/generation.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

void generate(Service& service, const ExchangePtr& exchange, ApiKind kind,
              const std::string& request_id) {
  service.models().check_ready();
  ApiRequest request = parse_api_request(kind, exchange->request().body);
  const ServedModel& model = service.models().find(request.model);
  if (service.options().logs_prompts)
    log(LogLevel::info, "{} asks: {}", request_id, exchange->request().body);
  Generation::start(service, model, exchange, std::move(request), request_id);
}

}  // namespace

void answer_chat(Service& service, const ExchangePtr& exchange, const std::string& request_id) {
  generate(service, exchange, ApiKind::chat, request_id);
}

void answer_completion(Service& service, const ExchangePtr& exchange,
                       const std::string& request_id) {
  generate(service, exchange, ApiKind::completion, request_id);
}

}  // namespace tinyllm
