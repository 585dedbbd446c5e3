// How the server is: health, models, version, metrics.

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/version.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "openai/prompt.h"
#include "server/error_response.h"
#include "server/openapi.h"
#include "server/routes.h"

namespace tinyllm {

using json = nlohmann::ordered_json;

namespace {

// 0.2f as 0.2, not as 0.20000000298023224.
double short_number(float value) { return std::stod(fmt::format("{}", value)); }

// What a request that names none of these gets, n being 1.
json default_sampling(const ServedModel& model) {
  const SamplingParams params = default_params(model);
  return {{"temperature", short_number(params.temperature)},
          {"top_p", short_number(params.top_p)},
          {"top_k", params.top_k},
          {"min_p", short_number(params.min_p)},
          {"repetition_penalty", short_number(params.repetition_penalty)}};
}

// Which tools the server runs, and whether their calls ask first.
json tools_json(const ServerTools& tools) {
  json all = json::array();
  for (const Tool& tool : tools.box().tools())
    all.push_back({{"name", tool.name},
                   {"description", tool.description},
                   {"asks", !tools.is_allowed(tool.name)}});
  return all;
}

}  // namespace

void answer_health(Service& service, const ExchangePtr& exchange) {
  service.models().check_ready();
  if (service.draining())
    return exchange->send(error_response(503, "shutting_down", "the server is shutting down"));
  exchange->send({.body = to_text({{"status", "ok"}})});
}

void answer_models(Service& service, const ExchangePtr& exchange) {
  service.models().check_ready();
  json data = json::array();
  service.models().each([&](const ServedModel& model) {
    for (const std::string& name : model.names) {
      json& entry = data.emplace_back(json{{"id", name},
                                           {"object", "model"},
                                           {"created", model.created},
                                           {"owned_by", "tinyllm"},
                                           {"root", model.names.front()},
                                           {"max_model_len", model.max_model_len()},
                                           {"default_sampling", default_sampling(model)}});
      if (service.options().debug_views) entry["debug_views"] = true;  // for the page
      if (service.tools() != nullptr) entry["server_tools"] = tools_json(*service.tools());
    }
  });
  const auto add = [&](const auto& model, const json& more) {
    for (const std::string& name : model.names) {
      data.push_back({{"id", name},
                      {"object", "model"},
                      {"created", model.created},
                      {"owned_by", "tinyllm"},
                      {"root", model.names.front()}});
      data.back().update(more);
    }
  };
  service.models().each_embedder([&](const ServedEmbedder& model) {
    add(model, {{"max_model_len", model.embedder->max_seq_len()},
                {"task", "embed"},
                {"dimensions", model.embedder->n_dims()}});
  });
  service.models().each_reranker([&](const ServedReranker& model) {
    add(model, {{"max_model_len", model.model->max_seq_len()}, {"task", "score"}});
  });
  exchange->send({.body = to_text({{"object", "list"}, {"data", std::move(data)}})});
}

void answer_version(Service&, const ExchangePtr& exchange) {
  exchange->send({.body = to_text({{"version", std::string(version())}})});
}

void answer_metrics(Service& service, const ExchangePtr& exchange) {
  exchange->send({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                  .body = service.metrics().text()});
}

void answer_openapi(Service&, const ExchangePtr& exchange) {
  exchange->send({.body = to_text(openapi_document())});
}

}  // namespace tinyllm
