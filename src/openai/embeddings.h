#pragma once
// /v1/embeddings without HTTP: from the request's inputs to ids, and from vectors to the answer. Any
// thread.

#include <cstdint>
#include <string>
#include <vector>

#include "base/token_id.h"
#include "openai/api_request.h"
#include "openai/served_embedder.h"

namespace tinyllm {

struct EmbeddingInputs {
  std::vector<std::vector<TokenId>> ids;  // as Embedder::embed takes them
  std::int64_t n_tokens = 0;              // of all
};

// Texts get [CLS] and [SEP], ids are taken as they are. Throws ApiError{400} that names the input:
// too long (unless truncate_prompt_tokens cuts it), no id at all, an id outside the vocabulary; and
// for dimensions that the model does not have.
EmbeddingInputs encode_inputs(const ApiRequest& request, const ServedEmbedder& model);

// The answer's JSON. vectors: [inputs, n_dims of the embedder] f32, which are cut to the dimensions
// that the request asks for, in place.
std::string embeddings_answer(const ApiRequest& request, const ServedEmbedder& model,
                              const EmbeddingInputs& inputs, std::vector<float>& vectors);

}  // namespace tinyllm
