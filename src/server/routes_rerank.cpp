// /v1/rerank and /v1/score: read on the threads that read every request, scored on those of
// embeddings: by a cross-encoder there, by a model that writes on its engine's thread.

#include <memory>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/rerank.h"
#include "server/http_budget.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

constexpr std::size_t kShortBytes = 64 << 10;

// What is kept of a request while it waits.
struct RerankWork {
  explicit RerankWork(HttpBudget& budget) : memory(budget) {}

  PairScorer scorer;
  ApiRequest request;
  std::size_t n_bytes = 0;  // of its texts
  HttpShare memory;         // for them
};

std::shared_ptr<RerankWork> read_request(const Service& service, HttpExchange& exchange,
                                         ApiKind kind) {
  const auto work = std::make_shared<RerankWork>(exchange.budget());
  work->request = parse_api_request(kind, exchange.request().body);
  check_unknown_fields(work->request, service.options().strict);
  work->scorer.cross_encoder = service.models().find_reranker(work->request.model);
  if (work->scorer.cross_encoder == nullptr) {
    work->scorer.judge = &service.models().find(work->request.model);
    service.check_room(*work->scorer.judge);
  }
  for (const Prompt& prompt : work->request.prompts) work->n_bytes += prompt.front().text.size();
  if (!work->memory.resize(work->n_bytes))
    throw ApiError(503, "overloaded", "", "the server has no memory for this request now");
  return work;
}

// Throws where the client has left, who does not hear it, or the server ends.
std::string score(const Service& service, const RerankWork& work,
                  const Service::HasLeft& has_left) {
  const auto go_on = [&] { return !*has_left && !service.is_aborting(); };
  PairScores scored;
  try {
    scored = score_pairs(work.request, work.scorer, go_on);
  } catch (const ApiError&) {  // the request's fault, and its own status
    throw;
  } catch (const Error& error) {  // the model's fault, not the request's: 500
    throw std::runtime_error(error.what());
  }
  if (!scored.scores.empty()) return rerank_answer(work.request, work.scorer, scored);
  throw ApiError(503, "shutting_down", "", "the server is shutting down");
}

void compute_scores(Service& service, const ExchangePtr& exchange,
                    const std::shared_ptr<RerankWork>& work) {
  const bool is_long = work->scorer.judge != nullptr || work->n_bytes > kShortBytes;
  service.compute_embeddings(
      exchange, is_long, [&service, exchange, work](const Service::HasLeft& has_left) {
        const auto body = std::make_shared<std::string>(score(service, *work, has_left));
        return Service::Answer([exchange, body, work] {
          add_warnings(*exchange, work->request);
          exchange->send({.body = std::move(*body)});
        });
      });
}

void answer(Service& service, const ExchangePtr& exchange, ApiKind kind) {
  service.models().check_ready();
  exchange->keep(service.take_embedding_place());
  service.compute(exchange, [&service, exchange, kind](const Service::HasLeft&) {
    const auto work = read_request(service, *exchange, kind);
    return Service::Answer([&service, exchange, work] {
      exchange->drop_body();
      compute_scores(service, exchange, work);
    });
  });
}

}  // namespace

void answer_rerank(Service& service, const ExchangePtr& exchange) {
  answer(service, exchange, ApiKind::rerank);
}

void answer_score(Service& service, const ExchangePtr& exchange) {
  answer(service, exchange, ApiKind::score);
}

}  // namespace tinyllm
