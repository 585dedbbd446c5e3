#pragma once
// What puts the passages that a search has found in a better order (--rerank NAME): a cross-encoder,
// or a model that writes as a judge. Main thread only.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/command.h"
#include "encoder/cross_encoder.h"
#include "engine/engine.h"
#include "retrieval/search.h"

namespace tinyllm {

// --rerank.
void add_rerank_option(Command command, std::string& name);

class Reranker {
 public:
  // Opens the model. n_threads 0: all physical cores. Throws Error.
  Reranker(const std::string& name, int n_threads);

  // The best options.n of the first 50 (for a judge, which takes longer, 20) that the search finds.
  std::vector<Hit> search(Searcher& searcher, std::string_view question,
                          const SearchOptions& options);

 private:
  std::vector<float> scores(std::string_view question, const std::vector<std::string>& texts);

  std::unique_ptr<CrossEncoder> cross_encoder_;  // one of the two
  std::unique_ptr<Engine> judge_;
};

// What the searcher finds, in the order of the reranker of this name; "": in its own.
std::vector<Hit> search_and_rerank(Searcher& searcher, std::string_view question,
                                   const SearchOptions& options, const std::string& reranker,
                                   int n_threads);

}  // namespace tinyllm
