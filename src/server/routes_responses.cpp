// GET and DELETE of answers of /v1/responses that are kept. Another key's are not there.

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "openai/response_items.h"
#include "openai/response_store.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

// "resp_1" of "/v1/responses/resp_1/input_items".
std::string id_of(const ExchangePtr& exchange) {
  constexpr std::string_view kPrefix = "/v1/responses/";
  const std::string_view path = std::string_view(exchange->request().path).substr(kPrefix.size());
  return std::string(path.substr(0, path.find('/')));
}

[[noreturn]] void not_found(const std::string& id) {
  throw ApiError(
      404, "response_not_found", "response_id",
      fmt::format("no answer {} is kept; the server keeps the latest in memory", quote(id)));
}

KeptResponse find(Service& service, const ExchangePtr& exchange, const std::string& id) {
  std::optional<KeptResponse> kept = service.responses().find(exchange->caller().owner, id);
  if (!kept) not_found(id);
  return *std::move(kept);
}

}  // namespace

void answer_kept_response(Service& service, const ExchangePtr& exchange) {
  const std::string& query = exchange->request().query;
  if (query.find("stream=true") != std::string::npos) {
    throw ApiError(400, "unsupported_parameter", "stream",
                   "an answer that is kept is given whole; leave stream out");
  }
  exchange->send({.body = find(service, exchange, id_of(exchange)).response});
}

void answer_input_items(Service& service, const ExchangePtr& exchange) {
  ItemPage page = read_item_page(exchange->request().query);
  const std::string id = id_of(exchange);
  auto kept = std::make_shared<KeptResponse>(find(service, exchange, id));
  service.compute(exchange, [=](const Service::HasLeft&) {
    const nlohmann::ordered_json messages = read_conversation(kept->messages);
    auto body =
        std::make_shared<std::string>(to_text(input_items(messages, kept->n_input, id, page)));
    return [exchange, body] { exchange->send({.body = std::move(*body)}); };
  });
}

void answer_delete_response(Service& service, const ExchangePtr& exchange) {
  const std::string id = id_of(exchange);
  if (!service.responses().remove(exchange->caller().owner, id)) not_found(id);
  exchange->send({.body = to_text({{"id", id}, {"object", "response"}, {"deleted", true}})});
}

}  // namespace tinyllm
