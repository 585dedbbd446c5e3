#pragma once
// The models that are served, by the names that clients use: those that write, embed and
// score.
// Any thread.

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "openai/served_embedder.h"
#include "openai/served_model.h"
#include "openai/served_reranker.h"

namespace tinyllm {

class ModelHost {
 public:
  // The model's engine must outlive whoever finds it here.
  void add(const ServedModel& model);
  // The same of an embedder. Before the model that writes, where there is one.
  void add(const ServedEmbedder& model);
  void add(const ServedReranker& model);
  // All models are there. Adding one that writes says so, too.
  void set_ready();

  // Throws ApiError{503} until set_ready().
  void check_ready() const;
  // The model of this name; "": the first one. Throws ApiError{503} until set_ready(), ApiError{404}
  // for a name that no model has, ApiError{400} for an embedder's. The model stays where it is.
  const ServedModel& find(std::string_view name = "") const;
  // The same of embedders.
  const ServedEmbedder& find_embedder(std::string_view name = "") const;
  // The cross-encoder of this name; "": the first one. nullptr: there is none, and a model that
  // writes may judge. Throws ApiError{503} until set_ready().
  const ServedReranker* find_reranker(std::string_view name) const;
  void each(function_ref<void(const ServedModel&)> visit) const;
  void each_embedder(function_ref<void(const ServedEmbedder&)> visit) const;
  void each_reranker(function_ref<void(const ServedReranker&)> visit) const;

  bool empty() const;       // not ready
  bool has_failed() const;  // the engine of one of them has

 private:
  struct Models {
    mutable std::mutex mutex;  // guards the list
    std::vector<std::unique_ptr<const ServedModel>> list;
    std::vector<std::unique_ptr<const ServedEmbedder>> embedders;
    std::vector<std::unique_ptr<const ServedReranker>> rerankers;
    bool is_ready = false;
  } models_;
};

}  // namespace tinyllm
