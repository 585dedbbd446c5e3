// /v1/embeddings: on threads of its own, so that no other request waits for them.

#include <memory>
#include <utility>
#include <vector>

#include "openai/api_error.h"
#include "openai/embeddings.h"
#include "openai/field_table.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

// Empty where the client has left or the server ends.
std::string embed(Service& service, const ServedEmbedder& model, const ApiRequest& request,
                  const Service::HasLeft& has_left) {
  const EmbeddingInputs inputs = encode_inputs(request, model);
  const auto n_dims = static_cast<std::size_t>(model.embedder->n_dims());
  std::vector<float> vectors(inputs.ids.size() * n_dims);
  const bool is_whole = model.embedder->embed(inputs.ids, vectors.data(),
                                              [&] { return !*has_left && !service.is_aborting(); });
  if (is_whole) return embeddings_answer(request, model, inputs, vectors);
  throw ApiError(503, "shutting_down", "", "the server is shutting down");  // if anybody listens
}

}  // namespace

void answer_embeddings(Service& service, const ExchangePtr& exchange) {
  service.models().check_ready();
  // Given back when the answer is on its way, or the work dropped.
  const auto place = service.take_embedding_place();
  service.compute_embeddings(
      exchange, [&service, exchange, place](const Service::HasLeft& has_left) {
        ApiRequest request = parse_api_request(ApiKind::embeddings, exchange->request().body);
        const ServedEmbedder& model = service.models().find_embedder(request.model);
        check_unknown_fields(request, service.options().strict);
        const auto body = std::make_shared<std::string>(embed(service, model, request, has_left));
        request.prompts.clear();
        return Service::Answer([exchange, body, place, request = std::move(request)] {
          exchange->drop_body();
          add_warnings(*exchange, request);
          exchange->send({.body = std::move(*body)});
        });
      });
}

}  // namespace tinyllm
