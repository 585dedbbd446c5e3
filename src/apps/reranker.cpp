#include "apps/reranker.h"

#include <algorithm>

#include "apps/loading_bar.h"
#include "client/chat_judge.h"
#include "client/open_embedder.h"
#include "client/open_model.h"
#include "engine/engine_options.h"
#include "retrieval/rerank.h"

namespace tinyllm {
namespace {

constexpr std::size_t kForCrossEncoder = 50, kForJudge = 20;
constexpr std::int64_t kJudgeContext = 4096;  // a chunk has 512 tokens at most

}  // namespace

void add_rerank_option(Command command, std::string& name) {
  command
      .add_option("--rerank", name,
                  "Let this model put what was found in order: a cross-encoder, or one that writes")
      .type_name("NAME");
}

Reranker::Reranker(const std::string& name, int n_threads) {
  if (is_cross_encoder(name)) {
    cross_encoder_ = open_cross_encoder(name, {.n_threads = n_threads});
    return;
  }
  EngineOptions options;
  options.n_threads = n_threads;
  options.limits.max_model_len = kJudgeContext;
  judge_ = open_model(name, options, LoadingBar());
}

std::vector<float> Reranker::scores(std::string_view question,
                                    const std::vector<std::string>& texts) {
  if (judge_) {
    std::vector<JudgedPair> pairs;
    for (const std::string& text : texts) pairs.push_back({question, text});
    return judge(*judge_, pairs, [] { return true; }).scores;
  }
  std::vector<TextPair> pairs;
  for (const std::string& text : texts) pairs.push_back(cross_encoder_->encode(question, text));
  std::vector<float> scores(pairs.size());
  cross_encoder_->score(pairs, scores.data(), [] { return true; });
  return scores;
}

std::vector<Hit> Reranker::search(Searcher& searcher, std::string_view question,
                                  const SearchOptions& options) {
  SearchOptions wider = options;
  wider.n = std::max(options.n, judge_ ? kForJudge : kForCrossEncoder);
  std::vector<Hit> hits = searcher.search(question, wider);
  std::vector<std::string> texts;
  for (const Hit& hit : hits) texts.push_back(titled_text(hit.chunk.chunk));
  return rerank(std::move(hits), scores(question, texts), options.n);
}

std::vector<Hit> search_and_rerank(Searcher& searcher, std::string_view question,
                                   const SearchOptions& options, const std::string& reranker,
                                   int n_threads) {
  if (reranker.empty()) return searcher.search(question, options);
  return Reranker(reranker, n_threads).search(searcher, question, options);
}

}  // namespace tinyllm
