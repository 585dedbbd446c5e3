// GET /requests/{id}/why: where the time of a request went, and why no more of its prompt was cached.

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/quote.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "server/account_json.h"
#include "server/routes.h"

namespace tinyllm {

void answer_why(Service& service, const ExchangePtr& exchange) {
  constexpr std::string_view kPrefix = "/requests/", kSuffix = "/why";
  std::string_view path = exchange->request().path;
  path.remove_prefix(kPrefix.size());
  path.remove_suffix(kSuffix.size());
  const std::string id(path);
  const auto kept = service.accounts().find(exchange->caller().owner, id);
  if (!kept) {
    throw ApiError(404, "request_not_found", "id",
                   fmt::format("no request {} is kept; give the id of an answer or its "
                               "X-Request-Id, the latest {} are kept in memory",
                               quote(id), RequestAccounts::kMaxRequests));
  }
  exchange->send({.body = to_text(account_json(*kept))});
}

}  // namespace tinyllm
