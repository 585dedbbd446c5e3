// /v1/embeddings: read on the threads that read every request, computed on threads of its own, so
// that no other request waits for it.

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/error.h"
#include "openai/api_error.h"
#include "openai/embeddings.h"
#include "openai/field_table.h"
#include "server/http_budget.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kShortTokens = 16 << 10;  // about what a short body (64 KB) holds

// What is kept of a request while it waits.
struct EmbeddingWork {
  explicit EmbeddingWork(HttpBudget& budget) : memory(budget) {}

  const ServedEmbedder* model = nullptr;
  ApiRequest request;  // without its prompts
  EmbeddingInputs inputs;
  HttpShare memory;  // of the ids
};

std::shared_ptr<EmbeddingWork> read_request(const Service& service, HttpExchange& exchange) {
  const auto work = std::make_shared<EmbeddingWork>(exchange.budget());
  ApiRequest& request = work->request;
  request = parse_api_request(ApiKind::embeddings, exchange.request().body);
  work->model = &service.models().find_embedder(request.model);
  check_unknown_fields(request, service.options().strict);
  work->inputs = encode_inputs(request, *work->model);
  request.prompts = {};
  if (!work->memory.resize(static_cast<std::size_t>(work->inputs.n_tokens) * sizeof(TokenId)))
    throw ApiError(503, "overloaded", "", "the server has no memory for this request now");
  return work;
}

// Throws where the client has left, who does not hear it, or the server ends.
std::string embed(const Service& service, const EmbeddingWork& work,
                  const Service::HasLeft& has_left) {
  const Embedder& embedder = *work.model->embedder;
  std::vector<float> vectors(work.inputs.ids.size() * static_cast<std::size_t>(embedder.n_dims()));
  const auto go_on = [&] { return !*has_left && !service.is_aborting(); };
  bool is_whole = false;
  try {
    is_whole = embedder.embed(work.inputs.ids, vectors.data(), go_on);
  } catch (const Error& error) {  // the model's fault, not the request's: 500
    throw std::runtime_error(error.what());
  }
  if (is_whole) return embeddings_answer(work.request, *work.model, work.inputs, vectors);
  throw ApiError(503, "shutting_down", "", "the server is shutting down");
}

void compute_vectors(Service& service, const ExchangePtr& exchange,
                     const std::shared_ptr<EmbeddingWork>& work) {
  const bool is_long = work->inputs.n_tokens > kShortTokens;
  service.compute_embeddings(
      exchange, is_long, [&service, exchange, work](const Service::HasLeft& has_left) {
        const auto body = std::make_shared<std::string>(embed(service, *work, has_left));
        return Service::Answer([exchange, body, work] {
          add_warnings(*exchange, work->request);
          exchange->send({.body = std::move(*body)});
        });
      });
}

}  // namespace

void answer_embeddings(Service& service, const ExchangePtr& exchange) {
  service.models().check_ready();
  exchange->keep(service.take_embedding_place());
  service.compute(exchange, [&service, exchange](const Service::HasLeft&) {
    const auto work = read_request(service, *exchange);
    return Service::Answer([&service, exchange, work] {
      exchange->drop_body();
      compute_vectors(service, exchange, work);
    });
  });
}

}  // namespace tinyllm
