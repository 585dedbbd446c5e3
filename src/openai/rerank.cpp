#include "openai/rerank.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/random_id.h"
#include "client/chat_judge.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::string_view text_of(const ApiRequest& request, std::size_t prompt) {
  return request.prompts[prompt].front().text;
}

std::vector<JudgedPair> pairs_of(const ApiRequest& request) {
  std::vector<JudgedPair> pairs;
  for (std::size_t i = 0; i < request.prompts.size() - request.n_queries; ++i)
    pairs.push_back({text_of(request, request.n_queries == 1 ? 0 : i),
                     text_of(request, request.n_queries + i)});
  return pairs;
}

PairScores by_cross_encoder(const CrossEncoder& model, const std::vector<JudgedPair>& pairs,
                            function_ref<bool()> go_on) {
  std::vector<TextPair> encoded;
  PairScores scored;
  for (const JudgedPair& pair : pairs) {
    if (!go_on()) return {};
    encoded.push_back(model.encode(pair.query, pair.document));
    scored.n_tokens += std::ssize(encoded.back().ids);
  }
  scored.scores.resize(encoded.size());
  return model.score(encoded, scored.scores.data(), go_on) ? scored : PairScores{};
}

PairScores by_judge(Engine& engine, const std::vector<JudgedPair>& pairs,
                    function_ref<bool()> go_on) {
  try {
    Judgement judgement = judge(engine, pairs, go_on);
    return {.scores = std::move(judgement.scores), .n_tokens = judgement.n_tokens};
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unsupported)
      throw ApiError(400, "wrong_model_kind", "model", error.what());
    if (error.code() == ErrorCode::context_overflow)
      throw ApiError(400, "context_length_exceeded", "", error.what());
    throw;
  }
}

json best_first(const ApiRequest& request, const std::vector<float>& scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t i) { return scores[i]; });
  if (request.top_n > 0 && request.top_n < std::ssize(order))
    order.resize(static_cast<std::size_t>(request.top_n));
  json results = json::array();
  for (const std::size_t i : order) {
    json result = {{"index", i}, {"relevance_score", scores[i]}};
    if (request.return_documents)
      result["document"] = {{"text", text_of(request, request.n_queries + i)}};
    results.push_back(std::move(result));
  }
  return results;
}

json in_order(const std::vector<float>& scores) {
  json data = json::array();
  for (std::size_t i = 0; i < scores.size(); ++i)
    data.push_back({{"index", i}, {"object", "score"}, {"score", scores[i]}});
  return data;
}

}  // namespace

PairScores score_pairs(const ApiRequest& request, const PairScorer& scorer,
                       function_ref<bool()> go_on) {
  const std::vector<JudgedPair> pairs = pairs_of(request);
  return scorer.cross_encoder != nullptr
             ? by_cross_encoder(*scorer.cross_encoder->model, pairs, go_on)
             : by_judge(*scorer.judge->engine, pairs, go_on);
}

std::string rerank_answer(const ApiRequest& request, const PairScorer& scorer,
                          const PairScores& scored) {
  const bool is_rerank = request.kind == ApiKind::rerank;
  json answer = {{"id", (is_rerank ? "rerank-" : "score-") + random_id()}};
  if (!is_rerank) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    answer["object"] = "list";
    answer["created"] = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  }
  answer["model"] =
      scorer.judge != nullptr ? scorer.judge->names.front() : scorer.cross_encoder->names.front();
  answer[is_rerank ? "results" : "data"] =
      is_rerank ? best_first(request, scored.scores) : in_order(scored.scores);
  answer["usage"] = {{"prompt_tokens", scored.n_tokens}, {"total_tokens", scored.n_tokens}};
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace tinyllm
