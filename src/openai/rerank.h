#pragma once
// /v1/rerank and /v1/score without HTTP: from the request's texts to scores, and from these to the
// answer. Any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "openai/api_request.h"
#include "openai/served_model.h"
#include "openai/served_reranker.h"

namespace tinyllm {

// Who scores: one of the two.
struct PairScorer {
  const ServedReranker* cross_encoder = nullptr;
  const ServedModel* judge = nullptr;
};

struct PairScores {
  std::vector<float> scores;  // one a document, or text_2; empty: it was stopped
  std::int64_t n_tokens = 0;  // that were read
};

// `go_on` is asked again and again; once it says no, there are no scores. Throws ApiError{400} for a
// model that cannot judge and a query that leaves no room, and as the models do.
PairScores score_pairs(const ApiRequest& request, const PairScorer& scorer,
                       function_ref<bool()> go_on);

// The answer's JSON, of rerank the best first, equal ones in the order of the request.
std::string rerank_answer(const ApiRequest& request, const PairScorer& scorer,
                          const PairScores& scored);

}  // namespace tinyllm
