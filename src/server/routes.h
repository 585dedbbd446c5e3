#pragma once
// The paths that the server answers, one function each. A new one takes a function here and a line
// of the table in service.cpp. A function answers through the exchange or throws; Service::handle
// turns what it throws into an error answer.

#include <memory>
#include <string>

#include "server/http_exchange.h"
#include "server/service.h"

namespace tinyllm {

using ExchangePtr = std::shared_ptr<HttpExchange>;

// routes_generate.cpp. `request_id` stands in the log and in the answer's header.
void answer_chat(Service& service, const ExchangePtr& exchange, const std::string& request_id);
void answer_completion(Service& service, const ExchangePtr& exchange,
                       const std::string& request_id);

// routes_text.cpp
void answer_tokenize(Service& service, const ExchangePtr& exchange, const std::string& request_id);
void answer_detokenize(Service& service, const ExchangePtr& exchange,
                       const std::string& request_id);
void answer_apply_template(Service& service, const ExchangePtr& exchange,
                           const std::string& request_id);

// routes_service.cpp
void answer_health(Service& service, const ExchangePtr& exchange, const std::string& request_id);
void answer_models(Service& service, const ExchangePtr& exchange, const std::string& request_id);
void answer_version(Service& service, const ExchangePtr& exchange, const std::string& request_id);
void answer_metrics(Service& service, const ExchangePtr& exchange, const std::string& request_id);
void answer_openapi(Service& service, const ExchangePtr& exchange, const std::string& request_id);

// routes_debug.cpp
void answer_debug_state(Service& service, const ExchangePtr& exchange,
                        const std::string& request_id);

// routes_web.cpp: GET / and /web/... False, and nothing is answered, where the page has no such
// file.
bool answer_web_file(const ExchangePtr& exchange);

}  // namespace tinyllm
