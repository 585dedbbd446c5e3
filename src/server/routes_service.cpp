// How the server is: health, models, version, metrics.

#include <nlohmann/json.hpp>

#include "base/version.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "server/error_response.h"
#include "server/openapi.h"
#include "server/routes.h"

namespace tinyllm {

using json = nlohmann::ordered_json;

void answer_health(Service& service, const ExchangePtr& exchange, const std::string&) {
  service.models().check_ready();
  if (service.draining())
    return exchange->send(error_response(503, "shutting_down", "the server is shutting down"));
  exchange->send({.body = to_text({{"status", "ok"}})});
}

void answer_models(Service& service, const ExchangePtr& exchange, const std::string&) {
  service.models().check_ready();
  json data = json::array();
  service.models().each([&](const ServedModel& model) {
    for (const std::string& name : model.names) {
      json& entry = data.emplace_back(json{{"id", name},
                                           {"object", "model"},
                                           {"created", model.created},
                                           {"owned_by", "tinyllm"},
                                           {"root", model.names.front()},
                                           {"max_model_len", model.max_model_len()}});
      if (service.options().debug_views) entry["debug_views"] = true;  // for the page
    }
  });
  exchange->send({.body = to_text({{"object", "list"}, {"data", std::move(data)}})});
}

void answer_version(Service&, const ExchangePtr& exchange, const std::string&) {
  exchange->send({.body = to_text({{"version", std::string(version())}})});
}

void answer_metrics(Service& service, const ExchangePtr& exchange, const std::string&) {
  exchange->send({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                  .body = service.metrics().text()});
}

void answer_openapi(Service&, const ExchangePtr& exchange, const std::string&) {
  exchange->send({.body = to_text(openapi_document())});
}

}  // namespace tinyllm
