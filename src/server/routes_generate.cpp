// /v1/chat/completions and /v1/completions.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "server/generation.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

void check_model_name(const ApiRequest& request, const ServedModel& model) {
  if (request.model.empty() || std::ranges::find(model.names, request.model) != model.names.end())
    return;
  throw ApiError(404, "model_not_found", "model",
                 fmt::format("the model {} is not served here; GET /v1/models lists what is",
                             quote(request.model)));
}

void generate(Service& service, const ExchangePtr& exchange, ApiKind kind,
              const std::string& request_id) {
  const ServedModel& model = service.model();
  ApiRequest request = parse_api_request(kind, exchange->request().body);
  check_model_name(request, model);
  if (service.options().logs_prompts)
    log(LogLevel::info, "{} asks: {}", request_id, exchange->request().body);
  Generation::start(service, exchange, std::move(request), request_id);
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
