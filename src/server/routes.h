#pragma once
// The paths that the server answers, one function each. A new one takes a function here and a line
// of the table in service.cpp. A function answers through the exchange or throws; Service::handle
// turns what it throws into an error answer.

#include <memory>
#include <string>

#include "openai/api_request.h"
#include "server/http_exchange.h"
#include "server/service.h"

namespace tinyllm {

using ExchangePtr = std::shared_ptr<HttpExchange>;

// routes_generate.cpp
void add_warnings(HttpExchange& exchange, const ApiRequest& request);  // headers that say them
void answer_chat(Service& service, const ExchangePtr& exchange);
void answer_completion(Service& service, const ExchangePtr& exchange);
void answer_responses(Service& service, const ExchangePtr& exchange);
void answer_messages(Service& service, const ExchangePtr& exchange);

// routes_embeddings.cpp
void answer_embeddings(Service& service, const ExchangePtr& exchange);

// routes_rerank.cpp
void answer_rerank(Service& service, const ExchangePtr& exchange);
void answer_score(Service& service, const ExchangePtr& exchange);

// routes_responses.cpp
void answer_kept_response(Service& service, const ExchangePtr& exchange);
void answer_input_items(Service& service, const ExchangePtr& exchange);
void answer_delete_response(Service& service, const ExchangePtr& exchange);

// routes_text.cpp
void answer_count_tokens(Service& service, const ExchangePtr& exchange);
void answer_tokenize(Service& service, const ExchangePtr& exchange);
void answer_detokenize(Service& service, const ExchangePtr& exchange);
void answer_apply_template(Service& service, const ExchangePtr& exchange);
void answer_tokenizer_info(Service& service, const ExchangePtr& exchange);

// routes_service.cpp
void answer_health(Service& service, const ExchangePtr& exchange);
void answer_models(Service& service, const ExchangePtr& exchange);
void answer_version(Service& service, const ExchangePtr& exchange);
void answer_metrics(Service& service, const ExchangePtr& exchange);
void answer_openapi(Service& service, const ExchangePtr& exchange);

// routes_why.cpp
void answer_why(Service& service, const ExchangePtr& exchange);

// routes_debug.cpp
void answer_debug_state(Service& service, const ExchangePtr& exchange);

// routes_web.cpp: GET / and /web/... False, and nothing is answered, where the page has no such
// file.
bool answer_web_file(const ExchangePtr& exchange);

}  // namespace tinyllm
